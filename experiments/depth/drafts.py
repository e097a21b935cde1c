"""Published ways to draft that no exit rule describes: each is made whole, and is lossless."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.acceptance import Acceptance
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.translator import Translator
from probexit.exits.depth.interception.sublayers import Skips
from probexit.exits.depth.modes.accepted_drafts import AcceptedDrafts
from probexit.exits.depth.modes.layer_set_search import search
from probexit.exits.depth.modes.sublayer_drafts import SublayerDrafts
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.draft_labels import draft_labels
from probexit.exits.depth.tuning.plan import speculative_speed
from probexit.exits.depth.tuning.sublayer_search import measured_costs, search_sublayers
from probexit.experiments.depth.cost import PassCost
from probexit.experiments.depth.fit import Texts

MATCHED_ON = 8  # texts


@dataclass(frozen=True)
class Fitting:
    """What a preset is made from.

    Attributes:
        model: The full model.
        texts: What it wrote on the fitting problems.
        cost: What its layers and passes cost.
        read: Trains a head, if it is one that is trained, and records tokens as it reads them.
    """

    model: Any
    texts: Texts
    cost: PassCost
    read: Callable[[Head], tuple[Head, Examples]]


class DraftPreset(ABC):
    """One published method.

    Attributes:
        source: Its paper.
        parts: Decider, head and mode.
        differs: How it is not the paper's.
    """

    source: ClassVar[str]
    parts: ClassVar[str]
    differs: ClassVar[str]

    @abstractmethod
    def made(self, given: Fitting) -> tuple[DepthController, str]:
        """Return the controller, and what was chosen.

        Raises:
            ValueError: if it cannot be made for this model.
        """


class SpecDec(DraftPreset):
    """SpecDec++: the fixed exit that should pay best, and the published head and ``h``.

    Attributes:
        h: Probability of a rejection at which drafting stops.
    """

    source = "2405.19715"
    parts = "Acceptance, Translator, AcceptedDrafts"
    differs = "drafts by the model's own first layers, not by a smaller model"
    h = 0.3

    def made(self, given: Fitting) -> tuple[DepthController, str]:
        head, found = given.read(Translator())
        layer = best_exit(found, given.cost)
        accepts, texts = Acceptance(), given.texts
        rule = ExitRule((layer,), accepts, head, 1 - self.h)
        readout = rule.readout(given.model)
        labels = draft_labels(given.model, readout, layer, texts.deciders, texts.starts)
        accepts.learn(layer, *labels)
        return DepthController(rule, AcceptedDrafts()), f"exit {layer}, h = {self.h:g}"


class DraftAndVerify(DraftPreset):
    """The sublayers that Bayesian optimisation leaves out, with the stop that is tuned."""

    source = "2309.08168"
    parts = "SublayerDrafts"
    differs = (
        "searched by foretold, not measured speed; a layer that runs one sublayer counts as a layer"
    )

    def made(self, given: Fitting) -> tuple[DepthController, str]:
        texts = given.texts.deciders[:MATCHED_ON]
        whole = search(given.model, texts, drafts=6).skipped
        found = search_sublayers(
            given.model, texts, measured_costs(given.model), [Skips(whole, whole)]
        )
        if not found.skips:
            raise ValueError("a draft can leave out no sublayer and pay")
        # The rule is not asked; it must name some exit.
        rule = ExitRule((0,), Gap(), PlainHead())
        chosen = f"leaves out {found.skips}; {found.match:.0%} of drafts match"
        return DepthController(rule, SublayerDrafts(skipped=found.skips)), chosen


def best_exit(found: Examples, cost: PassCost) -> int:
    """Return the exit from which drafts should pay best, by the cost model."""
    costs = cost.costs()
    full = cost.depth + costs.rest
    settled = found.agreement().float().mean(0).tolist()

    def speed(e: int) -> float:
        draft = found.layers[e] + 1 + costs.rest
        return max(speculative_speed(settled[e], k, draft, full) for k in range(1, 13))

    return found.layers[max(range(len(found.layers)), key=speed)]


DRAFTS: dict[str, DraftPreset] = {"draft-and-verify": DraftAndVerify(), "specdec++": SpecDec()}
