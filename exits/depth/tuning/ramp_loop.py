"""Apparate's two loops while serving: thresholds follow the audits, ramps follow their use.

The fast loop tunes the threshold of each ramp on the newest batches when accuracy falls; the slow
one drops, adds and moves ramps by what they saved (arXiv 2312.05385, rules read in its released
code). Accuracy is agreement with the full model on a window: an estimate, no guarantee.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch

from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import Costs
from probexit.exits.depth.tuning.ramps import HillClimb, RampCosts, Released, serve

FRESH = 0.01
"""Threshold of a ramp that was just added."""


@dataclass(frozen=True)
class RampSettings:
    """The constants, as released for language models.

    Attributes:
        accuracy: Agreement that must be kept; 0 never tunes again after the first batch.
        climb: How thresholds are tuned.
        window: Batches that thresholds are tuned on.
        history: Batches that a ramp's use is judged by.
        check: Batches between two looks at the ramps.
        most: Most ramps.
        overhead: Largest cost of all ramps together, as a share of the whole model's latency.
        often: Share of a ramp's batches in which it must have cost more than it saved to be
            dropped.
        worth: Gain in latency, by tuning anew, at which the ramps stay.
    """

    accuracy: float = 0.99
    climb: HillClimb = field(default_factory=HillClimb)
    window: int = 4
    history: int = 20
    check: int = 100
    most: int = 2
    overhead: float = 0.05
    often: float = 0.6
    worth: float = 0.05


class RampLoop:
    """Follows the audits of a service, batch by batch.

    Unlike the released code, thresholds are tuned on the first batch after the ramps changed, not
    40 batches later; the ramp that is moved is the one of least use (there the one of most use,
    which looks inverted); its guard against ramps that come and go in turn is left out, and so is
    the tenth to which it cuts thresholds at a second violation: they are tuned from 0 like others.

    Args:
        ramps: Layers of the first ramps.
        depth: Layers of the model.
        costs: Of a pass, in layers.
        settings: The constants.

    Attributes:
        ramps: Active ramps, ascending.
        thetas: Threshold of each; 0 never exits.
        batches: Batches seen.
        retuned: In which batches thresholds were tuned.
    """

    def __init__(
        self, ramps: Iterable[int], depth: int, costs: Costs, settings: RampSettings | None = None
    ) -> None:
        self.ramps = tuple(sorted(ramps))
        self.depth, self.pass_costs, self.settings = depth, costs, settings or RampSettings()
        self.thetas = (0.0,) * len(self.ramps)
        self.batches = 0
        self.retuned: list[int] = []
        self._window: deque[Feedback] = deque(maxlen=self.settings.window)
        self._utilities: deque[torch.Tensor] = deque(maxlen=self.settings.history)

    @property
    def costs(self) -> RampCosts:
        """Latencies at the active ramps."""
        return RampCosts.of(self.ramps, self.depth, self.pass_costs)

    def observe(self, batch: Feedback) -> Released:
        """Take what the audits of one batch said, at the active ramps, and follow.

        Returns:
            What was released in this batch, at the thresholds that it was served with.

        Raises:
            ValueError: if the audits are of other ramps.
        """
        if batch.layers != self.ramps:
            raise ValueError(f"audits of the ramps {batch.layers}, but {self.ramps} are active")
        served = serve(self.thetas, batch, self.costs)
        self._window.append(batch)
        self._utilities.append(self.costs.utilities(served.rates))
        self.batches += 1
        if served.accuracy < self.settings.accuracy:
            self._violated()
        elif len(self._window) == 1:  # the first batch, or the first after the ramps changed
            self._tune()
        if self.ramps and self.batches % self.settings.check == 0:
            self._check()
        return served

    def _violated(self) -> None:
        """Tune the ramps that are wrong too often, all if none is; the others stay as they are."""
        wrong = serve(self.thetas, self._joined(), self.costs).right < self.settings.accuracy
        fine = {r: t for r, t in enumerate(self.thetas) if not bool(wrong[r])}
        self._tune({} if len(fine) == len(self.ramps) else fine)

    def _tune(self, fixed: dict[int, float] | None = None) -> None:
        self.thetas = self.settings.climb.tune(self._joined(), self.costs, fixed)
        self.retuned.append(self.batches)

    def _joined(self) -> Feedback:
        parts = list(self._window)
        scores = torch.cat([part.scores for part in parts])
        agreement = torch.cat([part.agreement for part in parts])
        return Feedback(self.ramps, scores, agreement, self.depth)

    def _check(self) -> None:
        """Look at the ramps: drop those that cost, or try one earlier."""
        table = torch.stack(list(self._utilities))
        bad = (table < 0).double().mean(0) > self.settings.often
        if not bool(bad.any()):
            self._earlier(table)
        elif not self._gains_by_tuning():
            self._replace([r for r, b in zip(self.ramps, bad.tolist(), strict=True) if b])

    def _gains_by_tuning(self) -> bool:
        before = serve(self.thetas, self._joined(), self.costs).improvement
        self._tune()
        after = serve(self.thetas, self._joined(), self.costs).improvement
        return after - before > self.settings.worth

    def _replace(self, bad: list[int]) -> None:
        """Drop ramps, and add one behind those that stay, up to the last that can save."""
        latest = self.depth - 2
        if bad == [latest]:
            return
        kept = [ramp for ramp in self.ramps if ramp not in bad]
        rates = serve(self.thetas, self._joined(), self.costs).rates.tolist()
        remaining = sum(rates[self.ramps.index(ramp)] for ramp in kept)
        behind = ((kept[-1] if kept else 0) + latest) // 2
        self._become(kept if remaining > 0.9 else [*kept, behind])

    def _earlier(self, table: torch.Tensor) -> None:
        """Add a ramp before the first, or move the one of least use there."""
        first = (self.ramps[0] - 1) // 2
        if first < 0:
            return
        kept = list(self.ramps)
        if len(kept) >= self.settings.most or not self._affordable(len(kept) + 1):
            del kept[int(table.mean(0).argmin())]
        self._become([first, *kept])

    def _affordable(self, count: int) -> bool:
        whole = self.depth + self.pass_costs.rest
        return count * self.pass_costs.look <= self.settings.overhead * whole

    def _become(self, ramps: list[int]) -> None:
        """Change the ramps; what is known of the old ones says nothing of the new."""
        known = dict(zip(self.ramps, self.thetas, strict=True))
        if tuple(sorted(set(ramps))) == self.ramps:
            return
        self.ramps = tuple(sorted(set(ramps)))
        self.thetas = tuple(known.get(ramp, FRESH) for ramp in self.ramps)
        self._window.clear()
        self._utilities.clear()
