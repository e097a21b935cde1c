"""Stop samples in which the model loses confidence; weigh votes by it (DeepConf, 2508.15260)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probexit.exits.samples.base import Sample, SampleRule, State


@dataclass(frozen=True)
class DeepConfVote(SampleRule):
    """DeepConf online: warm-up samples set a bar; a sample whose confidence falls below it stops.

    The confidence of a group of ``window`` tokens in a row is the mean of ``Sample.confidences``;
    that of a sample, its least group's (the mean of all of it, if it is shorter than the window).
    The bar is the ``100 - keep`` percentile of the warm-up samples' confidences (section 3.3, eq.
    5 ff.): ``keep = 10`` is DeepConf-low, ``keep = 90`` is DeepConf-high, which the released code
    (@675529d) calls ``confidence_percentile=90`` and takes as the 10th percentile. Votes are
    weighed by the samples' confidences; warm-up samples under the bar have none.

    Attributes:
        keep: Share of samples, in percent, that the bar is meant to let pass.
        window: Tokens of a group.
        warm: Warm-up samples, of the ``k``.
    """

    k: int = 8
    keep: float = 90
    window: int = 32
    warm: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.warm <= self.k or self.window < 1 or not 0 <= self.keep <= 100:
            raise ValueError(
                f"warm={self.warm} must lie between 1 and k={self.k}, window={self.window} be at "
                f"least 1 and keep={self.keep} a percentage"
            )

    @property
    def warm_up(self) -> int:
        return self.warm

    def stop(self, group: Sequence[Sample]) -> list[int]:
        if any(sample.state is State.RUNNING for sample in group[: self.warm]):
            return []
        running = [
            i
            for i, sample in enumerate(group)
            if sample.state is State.RUNNING and sample.tokens >= self.window
        ]
        bar = self.bar(group) if running else 0.0
        return [i for i in running if self._newest(group[i]) < bar]

    def weights(self, group: Sequence[Sample]) -> list[float]:
        bar = self.bar(group)
        sample_confidences = [
            self.confidence(s) if s.state is State.FINISHED else 0.0 for s in group
        ]
        return [c if c >= bar else 0.0 for c in sample_confidences]

    def bar(self, group: Sequence[Sample]) -> float:
        """Return the least confidence at which a sample goes on."""
        warm = [self.confidence(sample) for sample in group[: self.warm]]
        return float(np.percentile(warm, 100 - self.keep))

    def confidence(self, sample: Sample) -> float:
        """Return the mean confidence of the sample's least confident group."""
        sums = np.cumsum([0.0, *sample.confidences[: sample.tokens]])
        width = min(self.window, sample.tokens)
        return float((sums[width:] - sums[:-width]).min() / width)

    def _newest(self, sample: Sample) -> float:
        newest = sample.confidences[sample.tokens - self.window : sample.tokens]
        return float(sum(newest) / self.window)
