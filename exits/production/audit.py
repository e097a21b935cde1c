"""Let a share of the requests think to the end anyway, so that the promise can be seen in use."""

import hashlib
from dataclasses import dataclass

EVEN = tuple(step / 200 for step in range(199, 0, -1))  # for scores in [0, 1]


@dataclass(frozen=True)
class Audit:
    """Which requests are audited, and for which thresholds an audited one is examined.

    The choice is a hash of the request's id: the same on every machine and after every restart,
    independent of what is asked, and kept when the rate rises. Choose a seed that users do not
    know if they choose the ids.

    Attributes:
        rate: Share of the requests that think to the end.
        seed: Seed of the choice.
        grid: Thresholds, strict to lax, that a re-calibration may choose from; at each place where
            one of them would have left, an answer is forced.
    """

    rate: float = 0.05
    seed: int = 0
    grid: tuple[float, ...] = EVEN

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate={self.rate} must lie in [0, 1]: a share of the requests")
        if any(b >= a for a, b in zip(self.grid, self.grid[1:], strict=False)):
            raise ValueError("the audit's grid must run from strict to lax: strictly decreasing")

    def chooses(self, request: str) -> bool:
        """Tell whether the request of this id is audited."""
        return draw(f"{self.seed} {request}") < self.rate * 2**64


def draw(text: str) -> int:
    """Turn a text into one of ``2**64`` equally likely numbers, always the same one."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
