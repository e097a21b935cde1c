"""Does the step state an answer, and one that was stated before? (arXiv 2505.18404, novel-leaf)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.rollout import Rollout
from probexit.exits.signals.hidden import HiddenSignal
from probexit.probes.base import Probe


@dataclass(frozen=True, kw_only=True)
class NovelLeaf(HiddenSignal):
    """``p(leaf) (1 - p(novel))`` of the step that ends at the cue; costs no token.

    Attributes:
        novel: A fitted probe of ``[this step, the step before]``: does it add anything new?
        leaf: A fitted probe of the step's mean state: does it attempt an answer? None where every
            step does.
    """

    novel: Probe
    leaf: Probe | None = None

    def scores(self, trace: Rollout) -> Tensor:
        steps = self.read(trace.cues.step_hidden).flatten(1)
        known = 1 - self.novel.score(with_previous(steps))
        return known if self.leaf is None else self.leaf.score(steps) * known


def with_previous(steps: Tensor) -> Tensor:
    """Put each step's predecessor behind it, ``[c, d]`` to ``[c, 2d]``; zeros before the first."""
    before = torch.cat([torch.zeros_like(steps[:1]), steps[:-1]])
    return torch.cat([steps, before], 1)
