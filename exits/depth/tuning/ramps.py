"""What ramps release, at which latency, and their thresholds by hill climbing (Apparate).

Apparate (arXiv 2312.05385; rules read in its released code): an input that exits at a ramp releases
its result there and goes on to the end, so every ramp that is active says of every input how sure
it was and whether it agreed with the full model. It exits at the first ramp with
``1 - confidence < theta``; at ``theta = 0`` never.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import Costs


@dataclass(frozen=True)
class RampCosts:
    """Latencies, in any one unit.

    Attributes:
        reach: ``[e]`` up to each active ramp, without ramps.
        look: ``[e]`` of each ramp itself.
        full: Of the whole model, without ramps.
    """

    reach: tuple[float, ...]
    look: tuple[float, ...]
    full: float

    @classmethod
    def of(cls, layers: Sequence[int], depth: int, costs: Costs) -> "RampCosts":
        """Return the costs, in layers, of ramps after these layers of a model of ``depth``."""
        reach = tuple(layer + 1.0 for layer in layers)
        return cls(reach, (costs.look,) * len(reach), depth + costs.rest)

    @property
    def released(self) -> Tensor:
        """``[e + 1]`` latency of a result of each ramp, and of the last layer."""
        looks = torch.tensor((*self.look, 0.0), dtype=torch.float64).cumsum(0)
        return torch.tensor((*self.reach, self.full), dtype=torch.float64) + looks

    def utilities(self, rates: Tensor) -> Tensor:
        """Return what each ramp saves less what it costs those that pass it, ``[e]``.

        ``U_r = e_r (c_next - c_r) - (sum of e_s behind r) o_r``.

        Args:
            rates: ``[e + 1]`` share of the inputs released at each ramp, the last layer at the end.
        """
        behind = rates.flip(0).cumsum(0).flip(0)[1:]
        return rates[:-1] * self.released.diff() - behind * torch.tensor(self.look).double()


@dataclass(frozen=True)
class Released:
    """What thresholds do to a window of inputs.

    Attributes:
        accuracy: Share of the released results that are the full model's.
        improvement: Share of the latency saved; negative if the ramps cost more than they save.
        rates: ``[e + 1]`` share released at each ramp, and at the end.
        right: ``[e]`` share of what each ramp released that agrees; 1 where it released nothing.
    """

    accuracy: float
    improvement: float
    rates: Tensor
    right: Tensor


def serve(thresholds: Sequence[float], window: Feedback, costs: RampCosts) -> Released:
    """Release a window at some thresholds.

    Args:
        thresholds: ``[e]`` theta of each ramp.
        window: Confidences and agreement ``[n, e]`` at these ramps.
        costs: Their latencies.
    """
    n, e = window.scores.shape
    leaves = 1 - window.scores.double() < torch.tensor(thresholds, dtype=torch.float64)
    end = torch.ones(n, 1, dtype=torch.bool)
    first = torch.cat([leaves, end], 1).int().argmax(1)
    right = torch.cat([window.agreement, end], 1).gather(1, first[:, None])[:, 0].double()
    counts = torch.bincount(first, minlength=e + 1).double()
    agreed = torch.bincount(first, weights=right, minlength=e + 1)
    rates = counts / n
    latency = float((rates * costs.released).sum())
    per_ramp = torch.where(counts > 0, agreed / counts.clamp(min=1), 1.0)[:e]
    return Released(float(right.mean()), (costs.full - latency) / costs.full, rates, per_ramp)


@dataclass
class _Climb:
    """Thresholds on their way up, with the step of each ramp."""

    theta: list[float]
    step: list[float]

    def tried(self, ramp: int) -> list[float]:
        """Return the thresholds with this ramp's raised by its step."""
        raised = list(self.theta)
        raised[ramp] = round(raised[ramp] + self.step[ramp], 4)
        return raised


@dataclass(frozen=True)
class HillClimb:
    """Greedy search with steps that double on success and halve on failure.

    Attributes:
        budget: Accuracy that may be lost on the window: 0.0001 means none of it.
        step: First step of every threshold.
        least: Smallest step.
    """

    budget: float = 0.0001
    step: float = 0.01
    least: float = 0.001

    def tune(
        self, window: Feedback, costs: RampCosts, fixed: Mapping[int, float] | None = None
    ) -> tuple[float, ...]:
        """Return the thresholds ``[e]`` that save most inside the budget, as far as it climbs.

        Each round raises the one threshold with the least accuracy lost per latency saved. As
        released but for one slip: there the first ramp, number 0, counts as "none found".

        Args:
            window: Confidences and agreement ``[n, e]`` at the active ramps.
            costs: Their latencies.
            fixed: Thresholds of ramps that stay as they are; none if None.
        """
        kept = fixed or {}
        ramps = [r for r in range(window.scores.shape[1]) if r not in kept]
        climb = _Climb([kept.get(r, 0.0) for r in range(window.scores.shape[1])], [])
        climb.step = [self.step] * len(climb.theta)
        while True:
            now = serve(climb.theta, window, costs)
            best, free = self._best(climb, ramps, now, (window, costs))
            if best is not None and climb.theta[best] <= 1:
                climb.theta = climb.tried(best)
                for ramp in {best, *free}:
                    climb.step[ramp] *= 2
            elif not self._halve(climb, ramps):
                return tuple(climb.theta)

    def _best(
        self, climb: _Climb, ramps: Sequence[int], now: Released, at: tuple[Feedback, RampCosts]
    ) -> tuple[int | None, list[int]]:
        """Return the ramp to raise, and those whose raise changes latency or accuracy not."""
        scores: dict[int, float] = {}
        free: list[int] = []
        for ramp in ramps:
            then = serve(climb.tried(ramp), *at)
            if 1 - then.accuracy >= self.budget:
                continue
            gain, loss = abs(then.improvement - now.improvement), abs(then.accuracy - now.accuracy)
            if gain:
                scores[ramp] = loss / gain
            if not gain or not loss:
                free.append(ramp)
        best = min(scores, key=lambda ramp: scores[ramp], default=None)
        return (free[0] if best is None and free else best), free

    def _halve(self, climb: _Climb, ramps: Sequence[int]) -> bool:
        """Halve the steps that can be; tell whether any could."""
        left = [r for r in ramps if round(climb.step[r], 4) > self.least and climb.theta[r] <= 1]
        for ramp in left:
            climb.step[ramp] /= 2
        return bool(left)


@dataclass(frozen=True)
class Bootstrap:
    """Which ramps to begin with, chosen greedily on recorded tokens.

    Attributes:
        climb: How thresholds are tuned for each choice.
        accuracy: Agreement that must be kept.
        overhead: Largest cost of all ramps together, as a share of the whole model's latency.
        most: Most ramps.
    """

    climb: HillClimb = field(default_factory=HillClimb)
    accuracy: float = 0.99
    overhead: float = 0.05
    most: int = 2

    def choose(self, window: Feedback, costs: Costs) -> tuple[int, ...]:
        """Return the layers of the ramps, ascending; none if none pays.

        The ramp with the highest utility per cost is added, all thresholds tuned anew, as long as
        it is above 0 and accuracy and overhead allow. The released code then spaces as many ramps
        evenly; here the chosen ones stay.

        Args:
            window: Confidences and agreement ``[n, e]`` at every layer that could have a ramp.
            costs: Of a pass, in layers.
        """
        chosen: tuple[int, ...] = ()
        while len(chosen) < self.most:
            rest = [layer for layer in window.layers if layer not in chosen]
            found = {layer: self._score(window, costs, chosen, layer) for layer in rest}
            best = max(found, key=lambda layer: found[layer], default=None)
            if best is None or found[best] <= 0:
                break
            chosen = tuple(sorted((*chosen, best)))
        return chosen

    def _score(self, window: Feedback, costs: Costs, chosen: tuple[int, ...], layer: int) -> float:
        layers = tuple(sorted((*chosen, layer)))
        latencies, part = RampCosts.of(layers, window.depth, costs), window.only(layers)
        if sum(latencies.look) > self.overhead * latencies.full:
            return 0.0
        served = serve(self.climb.tune(part, latencies), part, latencies)
        if served.accuracy < self.accuracy:
            return 0.0
        own = layers.index(layer)
        return float(latencies.utilities(served.rates)[own]) / max(latencies.look[own], 1e-9)
