"""TrimR's three rules as one score: over-thinking, under-thinking, repetition (2505.17155)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.base import Signal
from probexit.exits.signals.stated_run import StatedRun
from probexit.exits.verifiers.base import Verifier
from probexit.exits.verifiers.stated_answer import StatedAnswer

FORCED = 1e6  # above every threshold on a count


@dataclass(frozen=True)
class TrimRCount(Signal):
    """Confirmations in a row of the stated answer, or a forced stop.

    *Over-thinking*: 1 for a step that comes to the same as the last one that stated an answer, 2
    for the next such step, and so on; another answer sets it to 0. The paper stops at 2, three
    equal answers in a row. *Under-thinking*: past ``most`` steps it is above every threshold.
    *Repetition*: so it is once the newest ``block`` tokens of the thinking are the
    ``block`` tokens before them. The paper's segments end at reflection words; here they are the
    steps between cues. Its numbers for the last two rules were not found.

    Attributes:
        verifier: Judges what steps come to.
        most: Steps after which the thinking is stopped without three equal answers.
        block: Tokens of a repeated block.
    """

    verifier: Verifier = StatedAnswer()  # noqa: RUF009  # frozen
    most: int = 1_000_000
    block: int = 32

    def __post_init__(self) -> None:
        if self.most < 1 or self.block < 1:
            raise ValueError(f"most={self.most} and block={self.block} must both be at least 1")

    def scores(self, trace: Rollout) -> Tensor:
        runs = StatedRun(self.verifier).scores(trace)
        steps = torch.arange(1, len(runs) + 1)
        ends = (trace.cues.positions + 1).tolist()
        tokens = trace.token_ids.tolist()
        loops = [repeats(tokens[trace.begins : end], self.block) for end in ends]
        seen = torch.tensor(loops, dtype=torch.long).cumsum(0) > 0
        return torch.where((steps > self.most) | seen, torch.tensor(FORCED), runs)

    def cost(self, trace: Rollout) -> Tensor:
        return StatedRun(self.verifier).cost(trace)


def repeats(tokens: list[int], block: int) -> bool:
    """Tell whether the newest ``block`` tokens are the ones before them."""
    return len(tokens) >= 2 * block and tokens[-block:] == tokens[-2 * block : -block]
