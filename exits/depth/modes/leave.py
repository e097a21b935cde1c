"""Leave: tokens leave in any batch, each row on its own; lossy."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.depth.kv.base import KVPolicy
from probexit.exits.depth.kv.propagate import Propagate
from probexit.exits.depth.modes.base import Mode, Running
from probexit.exits.depth.rows import RowExits
from probexit.exits.depth.rule import ExitRule


@dataclass(frozen=True)
class Leave(Mode):
    """Skipped layers are not run.

    Attributes:
        kv: What they write to the cache.
        audits: Probability that a token runs to full depth all the same, and is checked.
        seed: Of the audits.
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

    def start(self, model: Any, rule: ExitRule) -> Running:
        rows = RowExits(rule, rule.readout(model), self.kv, self.audits, self.seed)
        eos = model.generation_config.eos_token_id
        ends = _Ends(rows, eos[0] if isinstance(eos, list) else eos)
        return Running(rows, rows.trace, {"logits_processor": [ends]})


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
