"""Encoder classifiers that stop at the layer where the class is clear (DeeBERT, PABEE).

An encoder has no cache, so a row that leaves is simply not computed any more. The deciders are
those of language models; they read the classes of an off-ramp in place of next tokens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.interception.gates import Gates, Handler, refuse_gradient
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.rule import ExitRule
from probexit.exits.engines.refusals import refuse_training
from probexit.hooks.layers import decoder_layers, hidden_of


class OffRamps(nn.Module):
    """One classifier per exit layer on the state of the first token; the model stays frozen.

    Attributes:
        depth: The encoder's number of layers.
    """

    def __init__(self, model: Any, layers: Iterable[int]) -> None:
        super().__init__()
        self.depth = len(decoder_layers(model))
        width, classes = model.config.hidden_size, model.config.num_labels
        self.ramps = nn.ModuleDict({str(layer): _ramp(width, classes) for layer in layers})

    @property
    def layers(self) -> tuple[int, ...]:
        """Exit layers, ascending."""
        return tuple(sorted(int(layer) for layer in self.ramps))

    def logits(self, hidden: Tensor, layer: int) -> Tensor:
        """Return ``[n, classes]`` float32 logits of first tokens ``[n, d]`` after ``layer``."""
        logits: Tensor = self.ramps[str(layer)](hidden)
        return logits.float()

    def columns(self, hidden: Tensor, layer: int, tokens: Tensor) -> Tensor:
        """Return the logits of the classes ``tokens [n, k]``."""
        return self.logits(hidden, layer).gather(1, tokens)


@dataclass(frozen=True)
class Classified:
    """What the encoder said of ``b`` texts.

    Attributes:
        logits: ``[b, classes]``, of the off-ramp for rows that left.
        depths: ``[b]`` layers run.
        executed: Rows that ran each layer, counted on the layers.
    """

    logits: Tensor
    depths: Tensor
    executed: tuple[int, ...]


def train_ramps(
    model: Any,
    ramps: OffRamps,
    batches: Iterable[tuple[Mapping[str, Tensor], Tensor]],
    rate: float = 1e-3,
) -> list[float]:
    """Train off-ramps by cross-entropy, the second stage of DeeBERT; return the losses.

    Args:
        model: A fine-tuned encoder classifier, eval mode; its weights do not change.
        ramps: Trained in place.
        batches: Inputs of the model and labels ``[b]``.
        rate: Learning rate of Adam.
    """
    adam = torch.optim.Adam(ramps.parameters(), lr=rate)
    losses = []
    for inputs, labels in batches:
        with torch.no_grad():
            states = _first_tokens(model, inputs, ramps.layers)
        loss = torch.stack(
            [
                nn.functional.cross_entropy(ramps.logits(state, layer), labels)
                for layer, state in states.items()
            ]
        ).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        losses.append(float(loss.detach()))
    return losses


@torch.inference_mode()
def classify(
    model: Any, ramps: OffRamps, rule: ExitRule, inputs: Mapping[str, Tensor]
) -> Classified:
    """Classify a batch that shrinks as rows leave.

    Args:
        model: An encoder classifier, eval mode.
        ramps: Its trained off-ramps; the rule's layers must be among theirs.
        rule: When a row leaves; its head is not used.
        inputs: A batch of the model's inputs.

    Raises:
        ValueError: if an exit layer has no off-ramp, or the model is in training mode.
    """
    refuse_training(model)
    missing = set(rule.layers) - set(ramps.layers)
    if missing:
        raise ValueError(f"no off-ramps at layers {sorted(missing)}: there are {ramps.layers}")
    exits = _EncoderExits(rule, ramps)
    with Gates(model, exits) as gates:
        logits = model(**inputs).logits.float()
    for layer, rows, found in exits.left:
        logits[rows] = found
        exits.depths[rows] = layer + 1
    ran = tuple(row_tokens // exits.tokens for row_tokens in gates.executed)
    return Classified(logits, exits.depths, ran)


class _EncoderExits(Handler):
    def __init__(self, rule: ExitRule, ramps: OffRamps) -> None:
        self.rule, self.ramps = rule, ramps
        self.left: list[tuple[int, Tensor, Tensor]] = []

    def layer(self, call: LayerCall) -> Tensor:
        if call.index == 0:
            self._begin(call.hidden)
        if not len(self._inside):
            return call.hidden
        whole = len(self._inside) == call.hidden.shape[0]
        part = call if whole else call.rows(self._inside)
        after = part.run()
        hidden = after if whole else call.hidden.index_copy(0, self._inside, after)
        if call.index in self.rule.layers:
            self._decide(call.index, after[:, 0], part.hidden[:, 0])
        return hidden

    def _begin(self, hidden: Tensor) -> None:
        refuse_gradient(hidden)
        self.tokens = hidden.shape[1]
        self._inside = torch.arange(hidden.shape[0], device=hidden.device)
        self._look: LayerView | None = None
        self.depths = torch.full_like(self._inside, self.ramps.depth)

    def _decide(self, layer: int, after: Tensor, before: Tensor) -> None:
        look = LayerView(layer, after, before, 1, self.ramps, self._look)
        leaves = self.rule.leaves(look)
        self.left.append((layer, self._inside[leaves], look.logits[leaves]))
        self._inside = self._inside[~leaves]
        self._look = look.rows(torch.nonzero(~leaves)[:, 0])


def _ramp(width: int, classes: int) -> nn.Module:
    """Return pooler and classifier, as the encoder's own."""
    return nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, classes))


def _first_tokens(
    model: Any, inputs: Mapping[str, Tensor], layers: tuple[int, ...]
) -> dict[int, Tensor]:
    """Return the first token's state ``[b, d]`` after each of ``layers``."""
    states: dict[int, Tensor] = {}
    modules = decoder_layers(model)
    handles = []
    for layer in layers:

        def keep(_module: Any, _args: Any, output: Any, layer: int = layer) -> None:
            states[layer] = hidden_of(output)[:, 0]

        module: Any = modules[layer]
        handles.append(module.register_forward_hook(keep))
    try:
        model(**inputs)
    finally:
        for handle in handles:
            handle.remove()
    return states
