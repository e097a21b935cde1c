"""The two promises of layer exits, measured: the same text faster, or almost the same still faster.

Beside each measurement stands what the cost model foretells from the layers that ran.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from probexit.experiments.depth.cost import PassCost, Section4
from probexit.experiments.depth.lossless import Difference, check
from probexit.experiments.depth.prepare import Prepared, Workshop
from probexit.experiments.depth.race import PLAIN, Ran, baseline_of, race
from probexit.experiments.depth.run import DepthOutcome, judge


@dataclass(frozen=True)
class Measured:
    """One mode.

    Attributes:
        name: Name of the preset.
        guarantee: What is promised of its text.
        outcome: On the test problems.
        foretold: Speed by the cost model, pass by pass.
        section4: The closed formula; for self-speculation only.
        note: Exits and drafts.
    """

    name: str
    guarantee: str
    outcome: DepthOutcome
    foretold: float
    section4: Section4 | None
    note: str


@dataclass(frozen=True)
class Bill:
    """All of it.

    Attributes:
        cost: Cost of layers and passes.
        measured: Each mode.
        checked: Texts whose every token was compared, per lossless mode.
        differences: Those that were not the full model's, per lossless mode.
        threads: Number of torch's threads.
    """

    cost: PassCost
    measured: list[Measured]
    checked: int
    differences: dict[str, list[Difference]]
    threads: int

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def __str__(self) -> str:
        cost = self.cost
        lines = [
            f"a layer takes {1e3 * cost.layer:.3f} ms, the rest of a pass {1e3 * cost.rest:.3f} ms "
            f"({cost.rest / cost.layer:.1f} layers); {self.threads} thread(s)"
        ]
        for mode in self.measured:
            lines += _lines(mode, cost.depth)
        for name, found in self.differences.items():
            lines.append(f"{name}: {self.checked - len(found)} of {self.checked} texts identical")
            lines += [f"  {difference}" for difference in found]
        return "\n".join(lines)


def bill(workshop: Workshop, names: list[str], checked: int) -> tuple[Bill, dict[str, Ran]]:
    """Measure some methods in one run, and compare the texts of the lossless ones.

    Args:
        workshop: Makes the methods.
        names: Names of presets.
        checked: Problems beyond the test problems whose texts are compared.

    Raises:
        ValueError: if a method cannot be fitted.
    """
    prepared = {name: workshop.prepared(name) for name in names}
    controllers = {name: p.controller for name, p in prepared.items() if p.controller}
    missing = [f"{name}: {p.note}" for name, p in prepared.items() if not p.controller]
    if missing:
        raise ValueError("; ".join(missing))
    cost = workshop.cost
    done = race(workshop.bench, controllers, workshop.test)
    measured = [_measured(workshop, name, prepared[name], done) for name in names]
    sizes = workshop.sizes
    items = workshop.bench.items(sizes.fit + sizes.calibrate + sizes.test, checked)
    lossless = {name: c for name, c in controllers.items() if c.mode.lossless}
    differences = check(workshop.bench, lossless, items) if checked else {}
    return Bill(cost, measured, checked, differences, torch.get_num_threads()), done


def _measured(workshop: Workshop, name: str, made: Prepared, done: dict[str, Ran]) -> Measured:
    assert made.controller is not None
    ran, cost = done[name], workshop.cost
    plain = (done[baseline_of(made.controller.mode)], done[PLAIN])
    outcome = judge(workshop.bench, workshop.test, ran, plain)
    foretold = cost.speed(ran.trace, made.look, made.controller.rule.layers)
    section4 = Section4.of(ran.trace, cost) if ran.trace.rounds else None
    return Measured(name, made.guarantee, outcome, foretold, section4, made.note)


def _lines(mode: Measured, depth: int) -> list[str]:
    made = mode.outcome
    lines = [
        f"{mode.name} ({mode.note}): {mode.guarantee}",
        f"  speed {made.speed} x plain decoding of the same loop, "
        f"{made.against_generate} x generate; foretold {mode.foretold:.2f}",
        f"  layers {made.depth:.2f} of {depth}, same text {made.same_text:.1%}, "
        f"same answer {made.same_answer:.1%}, right {made.accuracy:.1%} "
        f"(full model {made.full_accuracy:.1%}), {made.tokens:.0f} tokens",
    ]
    if mode.section4 is not None:
        f = mode.section4
        lines.append(
            f"  section 4: acceptance {f.chance:.3f}, K {f.drafts:.1f}, E {f.draft_depth:.1f}, "
            f"H {f.head:.1f}, L {depth}: {f.speed:.2f}"
        )
    return lines
