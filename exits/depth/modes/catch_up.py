"""Catch-up: tokens leave, and the next deep token makes up for their keys and values; lossy."""

import random
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.decoding.forward_passes import Passes
from probexit.exits.depth.decoding.loop import Writer, decode_one
from probexit.exits.depth.decoding.text import TextInProgress
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.rule import ExitRule, LayerDecision, audit
from probexit.exits.depth.trace import Step


@dataclass(frozen=True)
class CatchUp(Mode):
    """One prompt at a time; tokens that reach the last layer see exact keys and values.

    Attributes:
        max_waiting: A token runs deep once this many wait.
        audits: Probability that a token runs deep all the same, and is checked.
        seed: Seed of the audits.
    """

    max_waiting: int = 16
    audits: float = 0.0
    seed: int = 0

    @property
    def lossless(self) -> bool:
        return False

    @property
    def reads_exits(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        readout = rule.readout(model)
        writer = CatchUpWriter(rule, readout, self.max_waiting, self.audits, self.seed)
        return decode_one(model, rule, writer)


class CatchUpWriter(Writer):
    """One token per pass; a token that left waits, and joins the next one that goes deeper.

    Every token that reaches the last layer is a true token of the full model on the text so far.

    Args:
        rule: When to leave.
        readout: The rule's readout of the model.
        max_waiting: A token runs deep once this many wait, whatever the decider says.
        audits: Probability that a token runs deep anyway, its decision being checked.
        seed: Seed of the audit's coin.
    """

    def __init__(
        self,
        rule: ExitRule,
        readout: Readout,
        max_waiting: int,
        audits: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.rule, self.readout = rule, readout
        self.max_waiting, self.audits = max_waiting, audits
        self._coin = random.Random(seed)

    def next(self, passes: Passes, text: TextInProgress) -> Tensor:
        tokens = text.unread(passes.cache.columns)
        audited = self._coin.random() < self.audits
        decision = LayerDecision(self.rule, self.readout, text.written, audited)
        full = tokens.shape[1] > self.max_waiting
        logits = passes.run(tokens, None if full else decision, keep=1)[-1]
        if passes.deep:
            passes.settle(tokens.shape[1])
        elif self.rule.head.own_words:
            logits = decision.looks[-1].logits[0]
        final = logits.argmax(-1, keepdim=True)
        audits = audit(self.rule, decision.looks, final, [0]) if audited and not full else ()
        stopped = torch.tensor([True]) if decision.stopped else None
        self.trace.steps.append(Step((passes.ragged.ran,), audits, stopped))
        return text.end() if decision.stopped else text.draw(text.probabilities(logits))
