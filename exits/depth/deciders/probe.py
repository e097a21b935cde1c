"""A light probe on the hidden state, one per exit layer: no unembedding needed to decide."""

import copy
from dataclasses import dataclass, field
from typing import Self

from torch import Tensor

from probexit.exits.artefacts.parts import UNFITTED
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.fitted import by_layer, joined
from probexit.probes.base import Probe
from probexit.probes.logistic import Logistic
from probexit.probes.stored import restored


@dataclass
class ProbeDecider(Decider):
    """Predicts from the state whether the head's token is the full model's.

    The label is CALM's ``meta`` (arXiv 2207.07061, section 3.5.2); text by text splits are the
    probe's own business, the texts are given as its groups.

    Attributes:
        probe: An unfitted probe; each exit layer gets a copy.
    """

    probe: Probe = field(default_factory=Logistic, metadata={UNFITTED: True})

    def __post_init__(self) -> None:
        self.probes_: dict[int, Probe] = {}

    def score(self, look: LayerView) -> Tensor:
        if look.layer not in self.probes_:
            raise self._unfitted(look.layer)
        return self.probes_[look.layer].score(look.hidden)

    def fit(self, examples: Examples) -> Self:
        agreement = examples.agreement()
        self.probes_ = {}
        for e, layer in enumerate(examples.layers):
            probe = copy.deepcopy(self.probe)
            self.probes_[layer] = probe.fit(
                examples.hidden[:, e].float().cpu(), agreement[:, e].long().cpu(), examples.groups
            )
        return self

    def state(self) -> dict[str, Tensor]:
        return joined({layer: probe.state() for layer, probe in self.probes_.items()})

    def restore(self, state: dict[str, Tensor]) -> None:
        self.probes_ = {}
        for layer, own in by_layer(state).items():
            self.probes_[layer] = copy.deepcopy(self.probe)
            restored(self.probes_[layer], own)
