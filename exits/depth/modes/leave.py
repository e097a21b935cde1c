"""Leave: tokens leave in any running batch, each row on its own, the others go on; lossy."""

import random
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.interception.attachment import RunningMode
from probexit.exits.depth.interception.gates import Handler, refuse_gradient
from probexit.exits.depth.interception.layer_call import LayerCall
from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.propagate import Propagate
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.rule import ExitRule, audit
from probexit.exits.depth.trace import DepthTrace, ExitAudit, Step


@dataclass(frozen=True)
class Leave(Mode):
    """Skipped layers are not run.

    Attributes:
        kv: What they write to the cache.
        audits: Probability that a token runs to full depth all the same, and is checked.
        seed: Seed of the audits.
    """

    kv: KVPolicy = field(default_factory=Propagate)
    audits: float = 0.0
    seed: int = 0

    @property
    def lossless(self) -> bool:
        return False

    @property
    def batched(self) -> bool:
        return True

    def start(self, model: Any, rule: ExitRule) -> RunningMode:
        rows = RowExits(rule, rule.readout(model), self.kv, self.audits, self.seed)
        eos = model.generation_config.eos_token_id
        ends = _Ends(rows, eos[0] if isinstance(eos, list) else eos)
        return RunningMode(rows, rows.trace, {"logits_processor": [ends]})


@dataclass
class _Batch:
    """One decoding step under way.

    Attributes:
        live: ``[n]`` rows that still run and may leave.
        audited: ``[m]`` rows that run to the end whatever the decider says.
        depths: Layers run, per row.
        stopped: ``[b]`` rows whose text the decider ended.
        look: The newest look at the live rows.
        watched: Looks at the audited rows, one per exit layer.
    """

    live: Tensor
    audited: Tensor
    depths: list[int]
    stopped: Tensor
    left: dict[int, int] = field(default_factory=dict)
    look: LayerView | None = None
    watched: list[LayerView] = field(default_factory=list)


class RowExits(Handler):
    """Lets rows of one-token steps leave; prompts, and any longer pass, run at full depth.

    Args:
        rule: When to leave.
        readout: The rule's readout of the model.
        kv: What skipped layers write.
        audits: Probability that a row runs to full depth anyway, its decision being checked
            (Apparate, arXiv 2312.05385); 1 is shadow mode.
        seed: Seed of the audit's coin.
    """

    def __init__(
        self, rule: ExitRule, readout: Readout, kv: KVPolicy, audits: float = 0.0, seed: int = 0
    ) -> None:
        self.rule, self.readout, self.kv, self.audits = rule, readout, kv, audits
        self.trace = DepthTrace()
        self._coin = random.Random(seed)
        self._step = 0
        self._batch: _Batch | None = None

    @property
    def reading(self) -> bool:
        """Whether the last pass read a prompt."""
        return self._batch is None

    def layer(self, call: LayerCall) -> Tensor:
        if call.index == 0:
            self._begin(call)
        batch = self._batch
        if batch is None:
            return self.kv.read(call)
        hidden = self._advance(batch, call)
        if call.index in self.rule.layers:
            self._decide(batch, call, hidden)
        return self._finish(batch, hidden) if call.index == self.readout.depth - 1 else hidden

    def _begin(self, call: LayerCall) -> None:
        refuse_gradient(call.hidden)
        rows, tokens, _ = call.hidden.shape
        self._batch = None
        if tokens > 1 or int(call.cache.get_seq_length()) == 0:
            self._step = 0
            return
        self._step += 1
        audited = [self._coin.random() < self.audits for _ in range(rows)]
        at = torch.arange(rows, device=call.hidden.device)
        flags = torch.tensor(audited, device=at.device)
        self._batch = _Batch(at[~flags], at[flags], [0] * rows, torch.zeros_like(flags))

    def _advance(self, batch: _Batch, call: LayerCall) -> Tensor:
        """Run the layer for the rows that are still inside, and only for them."""
        rows = len(batch.depths)
        inside = [row for row in range(rows) if row not in batch.left]
        for row in inside:
            batch.depths[row] += 1
        if len(inside) == rows:
            return self.kv.run(call)
        if not inside:
            self.kv.skip(call)
            return call.hidden
        active = torch.tensor(inside, device=call.hidden.device)
        left = torch.tensor(sorted(batch.left), device=call.hidden.device)
        hidden = call.hidden.clone()
        hidden[active] = self.kv.run_some(call, active, left)
        return hidden

    def _decide(self, batch: _Batch, call: LayerCall, hidden: Tensor) -> None:
        if len(batch.audited):
            previous = batch.watched[-1] if batch.watched else None
            batch.watched.append(self._look(call, hidden, batch.audited, previous))
        if not len(batch.live):
            return
        look = self._look(call, hidden, batch.live, batch.look)
        stops = self.rule.decider.stops(look)
        leaves = self.rule.leaves(look) | stops
        if bool(leaves.any()):
            batch.left.update(dict.fromkeys(batch.live[leaves].tolist(), call.index))
            batch.stopped[batch.live[stops]] = True
            batch.live = batch.live[~leaves]
            look = look.rows(torch.nonzero(~leaves)[:, 0])
        batch.look = look

    def _look(
        self, call: LayerCall, hidden: Tensor, rows: Tensor, previous: LayerView | None
    ) -> LayerView:
        after, before = hidden[rows, -1], call.hidden[rows, -1]
        return LayerView(call.index, after, before, self._step, self.readout, previous)

    def _finish(self, batch: _Batch, hidden: Tensor) -> Tensor:
        """Record the step, and give the model's norm what it can read of the rows that left."""
        audits = self._audits(batch, hidden) if batch.watched else ()
        stopped = batch.stopped if bool(batch.stopped.any()) else None
        self.trace.steps.append(Step(tuple(batch.depths), audits, stopped))
        if not batch.left:
            return hidden
        hidden = hidden.clone()
        for layer in set(batch.left.values()):
            rows = [row for row, at in batch.left.items() if at == layer]
            hidden[rows] = self.rule.head.translate(hidden[rows], layer)
        return hidden

    def _audits(self, batch: _Batch, hidden: Tensor) -> tuple[ExitAudit, ...]:
        last = self.readout.depth - 1
        final = self.readout.logits(hidden[batch.audited, -1], last).argmax(-1)
        return audit(self.rule, batch.watched, final, batch.audited.tolist())


class _Ends(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Ends the text of rows that the decider stopped."""

    def __init__(self, rows: RowExits, eos: int | None) -> None:
        self.rows, self.eos = rows, eos

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        steps = self.rows.trace.steps
        stopped = steps[-1].stopped if steps and not self.rows.reading else None
        if stopped is None or self.eos is None:
            return scores
        only = torch.full_like(scores, float("-inf"))
        only[:, self.eos] = 0.0
        return torch.where(stopped.to(scores.device)[:, None], only, scores)
