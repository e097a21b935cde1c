"""A threshold that follows drift: after each answer it is tightened by a loss, relaxed by none.

Adaptive conformal inference (Gibbs and Candes, arXiv 2106.00193) on the threshold itself, for any
loss (Feldman et al., arXiv 2205.09095, "rolling risk control").
"""

from dataclasses import dataclass, field
from math import inf

from probexit.calibration.base import require_level


@dataclass
class Adaptive:
    """Hold the long-run average loss at alpha for *any* sequence of problems.

    Not a :class:`.Calibrator`: it sees losses one by one, with no assumption on how they come, and
    promises an average over time only, nothing about the next problem. After T answers the average
    loss is at most ``alpha + excess(T)``, with certainty.

    Losses are known only where the full run was made as well. If a share q of the requests is
    audited so, pass ``loss / q`` for them and 0 for the others: the promise then holds for the
    average of these estimates, whose expectation is the average loss.

    Attributes:
        alpha: The average loss to hold.
        start: First threshold.
        strictest: From here on the rule never exits; above every score.
        step: How far one loss moves the threshold; larger follows faster and swings wider.
        largest: Largest loss that can be passed.
    """

    alpha: float = 0.05
    start: float = 0.9
    strictest: float = 1.0
    step: float = 0.01
    largest: float = 1.0
    position_: float = field(init=False)
    answers_: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        require_level(alpha=self.alpha)
        if self.step <= 0 or self.largest <= 0:
            raise ValueError(f"step and largest must be positive: {self.step}, {self.largest}")
        self.position_ = self.start

    @property
    def threshold(self) -> float:
        """The threshold for the next problem; ``inf`` once tightened past the strictest."""
        return self.position_ if self.position_ <= self.strictest else inf

    def update(self, loss: float) -> float:
        """Take the loss of the last problem and return the next threshold.

        Raises:
            ValueError: on a loss outside [0, largest], or one above 0 where the rule never exits.
        """
        if not 0 <= loss <= self.largest:
            raise ValueError(f"loss must lie in [0, {self.largest}], got {loss!r}")
        if loss > 0 and self.threshold == inf:
            raise ValueError("a rule that never exits loses nothing; which threshold was used?")
        self.position_ += self.step * (loss - self.alpha)
        self.answers_ += 1
        return self.threshold

    def excess(self, answers: int) -> float:
        """Return how far above alpha the average of this many losses may be, at most.

        The position never passes ``strictest + step (largest - alpha)``, and it has moved by
        ``step`` times the summed excess.
        """
        travel = max(self.strictest - self.start, 0.0) + self.step * (self.largest - self.alpha)
        return travel / (self.step * answers)
