"""Every published rule on one model, in one table: certified at one risk, or lossless."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.distil import Distillation
from probexit.exits.depth.drafts.search import search
from probexit.exits.depth.examples import Examples
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.full import Full
from probexit.exits.depth.modes.layer_set_drafts import LayerSetDrafts
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.bench import Bench
from probexit.experiments.depth.calibrate import calibrate
from probexit.experiments.depth.fit import (
    Texts,
    drafting,
    examples,
    fit_head,
    fit_rule,
    lossy_thresholds,
    write_texts,
)
from probexit.experiments.depth.presets import PRESETS, Preset
from probexit.experiments.depth.run import Outcome, judge, write
from probexit.experiments.tasks.base import Item

COLUMNS = (
    "method",
    "source",
    "layers run",
    "same text",
    "same answer",
    "accuracy",
    "speed",
    "guarantee",
    "note",
)


@dataclass(frozen=True)
class Plan:
    """Sizes and levels.

    Attributes:
        fit: Problems to fit on.
        calibrate: Problems to certify on.
        test: Problems to measure on.
        alpha: Risk of another answer than the full model's.
        delta: Chance that the promise fails.
        training: Of trained heads.
    """

    fit: int = 90
    calibrate: int = 120
    test: int = 40
    alpha: float = 0.05
    delta: float = 0.1
    training: Distillation = field(default_factory=Distillation)


@dataclass(frozen=True)
class Row:
    """One method.

    Attributes:
        name: Of the preset.
        source: Its paper.
        guarantee: What is promised of its text.
        outcome: On the test problems; None where it could not be run.
        note: How it differs from the paper, or why it could not be run.
    """

    name: str
    source: str
    guarantee: str
    outcome: Outcome | None
    note: str


class Comparison:
    """Fits, certifies and measures presets on one bench."""

    def __init__(self, bench: Bench, layers: tuple[int, ...], plan: Plan) -> None:
        self.bench, self.layers, self.plan = bench, layers, plan
        self._fitted: dict[str, tuple[Head, Examples]] = {}

    def run(self, names: Sequence[str]) -> list[Row]:
        """Return a row per preset, the layer-set drafts of Draft & Verify, and the full model."""
        plan = self.plan
        self.texts: Texts = write_texts(self.bench, plan.fit)
        self.calibration = self.bench.prompts(self.bench.items(plan.fit, plan.calibrate))
        self.test: list[Item] = self.bench.items(plan.fit + plan.calibrate, plan.test)
        full = DepthController(ExitRule(self.layers, Gap(), PlainHead()), Full())
        rows = [Row("full model", "", "is the full model", self._judged(full), "")]
        rows.append(self._draft_and_verify())
        return rows + [self._row(name, PRESETS[name]) for name in names]

    def _row(self, name: str, preset: Preset) -> Row:
        try:
            controller, guarantee = self._made(preset)
        except ValueError as error:  # a rule that cannot be fitted here is a result, too
            return Row(name, preset.source, "none", None, str(error))
        outcome = self._judged(controller)
        return Row(name, preset.source, guarantee, outcome, preset.differs)

    def _made(self, preset: Preset) -> tuple[DepthController, str]:
        """Fit a preset and choose its threshold."""
        head, found = self._head(preset)
        rule, others = fit_rule(preset.decider(), head, found)
        if preset.mode.lossless:
            return DepthController(drafting(rule, others), preset.mode), "lossless"
        controller, plan = DepthController(rule, preset.mode), self.plan
        certified, certificate = calibrate(
            self.bench,
            controller,
            lossy_thresholds(rule, others),
            self.calibration,
            LearnThenTest(alpha=plan.alpha, delta=plan.delta),
            batch=len(self.calibration) if preset.mode.batched else 1,
        )
        promised = f"risk <= {plan.alpha:g}, confidence {1 - plan.delta:g}"
        return certified, promised if certificate.certified else "none certified: full depth"

    def _head(self, preset: Preset) -> tuple[Head, Examples]:
        """Train each kind of head once."""
        head = preset.head()
        kind = type(head).__name__
        if kind not in self._fitted:
            model = self.bench.reasoner.model
            fit_head(model, head, self.layers, self.texts, self.plan.training)
            self._fitted[kind] = (head, examples(model, head, self.layers, self.texts))
        return self._fitted[kind]

    def _draft_and_verify(self) -> Row:
        model, source = self.bench.reasoner.model, "2309.08168"
        found = search(model, self.texts.deciders[:8], drafts=6)
        if not found.skipped:
            return Row("draft & verify", source, "lossless", None, "no layer can be left out")
        mode = LayerSetDrafts(found.skipped, max_drafts=6, sure=0.6)
        rule = ExitRule(self.layers, Gap(), PlainHead())
        note = f"leaves out layers {list(found.skipped)}"
        outcome = self._judged(DepthController(rule, mode))
        return Row("draft & verify", source, "lossless", outcome, note)

    def _judged(self, controller: DepthController) -> Outcome:
        return judge(self.bench, self.test, write(self.bench, controller, self.test))


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as plain data."""
    return [asdict(row) for row in rows]


def as_table(rows: Sequence[Row], depth: int) -> str:
    """Lay the rows out in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        made = row.outcome
        cells = ["-"] * 5
        if made is not None:
            cells = [
                f"{made.depth:.2f} of {depth}",
                f"{made.same_text:.0%}",
                f"{made.same_answer:.0%}",
                f"{made.accuracy:.0%}",
                f"{made.speed:.2f}",
            ]
        parts = [row.name, row.source, *cells, row.guarantee, row.note]
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines)
