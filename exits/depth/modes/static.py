"""Static: one exit serves a whole text, prompt and all; lossy (Balcony, arXiv 2503.05005)."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.base import Follow
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.interception.gates import Handler, refuse_gradient
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import DepthTrace, Step


@dataclass(frozen=True)
class Static(Mode):
    """The decider chooses the exit on the prompt's newest token; every token then leaves there.

    Layers above run neither for the prompt nor later, and no exit's keys and values have holes. A
    text whose prompt does not leave runs at full depth throughout. One prompt at a time. A head's
    own layers count in a token's depth.
    """

    @property
    def lossless(self) -> bool:
        return False

    @property
    def whole_texts(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        texts = StaticTexts(rule, rule.readout(model))
        return RunningMode(texts, texts.trace, {})


class StaticTexts(Handler):
    """Runs each text through the layers up to its exit.

    Args:
        rule: When the prompt's newest token leaves.
        readout: The rule's readout of the model.
    """

    def __init__(self, rule: ExitRule, readout: Readout) -> None:
        self.rule, self.readout = rule, readout
        self.trace = DepthTrace()
        self._prompt = True
        self._exit: int | None = None
        self._follow: dict[int, Follow] = {}
        self._look: LayerView | None = None
        self._read: Tensor | None = None

    def layer(self, call: LayerCall) -> Tensor:
        if call.index == 0:
            self._begin(call)
        hidden = call.hidden
        if self._exit is None or call.index <= self._exit:
            hidden = call.run()
        if call.index in self.rule.layers and self._exit in (None, call.index):
            self._at_exit(call, hidden)
        return self._finish(hidden) if call.index == self.readout.depth - 1 else hidden

    def _begin(self, call: LayerCall) -> None:
        refuse_gradient(call.hidden)
        if call.hidden.shape[0] > 1:
            raise ValueError(
                f"{call.hidden.shape[0]} prompts at once: a static exit is chosen for one; "
                "the mode leave works in batches"
            )
        self._prompt = int(call.cache.get_seq_length()) == 0
        if self._prompt:
            self._exit = self._look = None
            self._follow = {layer: self.rule.head.follow() for layer in self.rule.layers}

    def _at_exit(self, call: LayerCall, hidden: Tensor) -> None:
        """Let the head read the pass; on a prompt, decide."""
        if self._prompt or self._exit is not None:
            self._read = self._follow[call.index](call, hidden)
        if self._prompt:
            after, before = hidden[:, -1], call.hidden[:, -1]
            read = None if self._read is None else self._read[:, -1]
            self._look = LayerView(
                call.index, after, before, 1, self.readout, self._look, read=read
            )
            if bool(self.rule.leaves(self._look).any()):
                self._exit = call.index

    def _finish(self, hidden: Tensor) -> Tensor:
        left = self._exit is not None
        if not self._prompt:
            ran = self.readout.depth if self._exit is None else self._exit + 1
            self.trace.steps.append(Step((ran + left * self.rule.head.own_layers,)))
        return self._read if left and self._read is not None else hidden
