"""Steps by a small model, accepted or rewritten by a large one (SpecReason, arXiv 2504.07891)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.two_models import spec_reason
from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.second_model import TwoModelRule


@dataclass(frozen=True)
class SpecReasonPreset(TwoModelRule):
    """The small model writes a paragraph; the large one accepts it or writes it anew.

    The paper asks the large model for a score from 0 to 9 in words and accepts from 7 up. These
    models follow no instructions, so the score is how likely the large model finds the paragraph:
    the geometric mean probability of its tokens. Any other judge can be given to the engine.

    Attributes:
        accept: Scores from which on a paragraph is accepted.
    """

    title: ClassVar[str] = "speculative reasoning"
    reads: ClassVar[str] = "what the large model thinks of a step"
    source: ClassVar[str] = "2504.07891"
    summary: ClassVar[str] = "a larger model accepts or rewrites each step"
    accept: tuple[float, ...] = (0.9, 0.7)

    def engines(self, context: Context) -> dict[str, TwoModelEngine]:
        return {f"accept {least:g}": spec_reason.SpecReason(least) for least in self.accept}
