"""Compare every exit rule on a run, and keep the table, the figures and the report beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from probexit.exits.verifiers.language_model import LanguageModel
from probexit.exits.verifiers.stated_answer import StatedAnswer
from probexit.experiments.evaluation.choice import CORE
from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.layers import layer_map
from probexit.experiments.evaluation.report.figures import Picture, pictures
from probexit.experiments.evaluation.report.page import Report, describe, examples
from probexit.experiments.evaluation.results import Comparison
from probexit.experiments.evaluation.viewer.data import rules_of, viewed
from probexit.experiments.evaluation.viewer.section import section
from probexit.experiments.fitting.fit import PROBES, load_fit, splits_of
from probexit.experiments.methods.core.base import Method
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.recording.run import Run, tags_from
from probexit.experiments.registry import named
from probexit.experiments.risk_control.calibrators import DELTA
from probexit.hooks.loading import Loading
from probexit.hooks.models import Reasoner, Source, load

LOSSES = "probexit.experiments.risk_control.losses"
READABLE = 12  # curves in one figure; of more, one of each kind is drawn (see `frontier`)


@dataclass(frozen=True)
class Levels:
    """At which risks to compare, on how much, and with which other models.

    Attributes:
        alpha: The common one: every rule is certified at it.
        ours: Those at which our rule is shown as well.
        problems: Test problems to use; None takes all.
        delta: Chance that a promise fails, over all looks at it; None is the usual one.
        calibrator: How thresholds are certified, by name.
        loss: What the risk is the mean of, by name.
        together: Whether the best of the rules will be taken, so that each is certified at its
            share of the error.
        verifier: Folder or hub id of a model that judges whether two steps come to the same; "" =
            the answers that they state.
        second: Folder or hub id of a second model that writes; "" = the other shipped one.
        fresh: Calibration problems that live rules generate anew to be certified; None as many as
            there are test problems.
    """

    alpha: float = 0.05
    ours: tuple[float, ...] = (0.02, 0.05, 0.1)
    problems: int | None = None
    delta: float | None = None
    calibrator: str = "learn_then_test"
    loss: str = "lost_correct"
    together: bool = False
    verifier: str = ""
    second: str = ""
    fresh: int | None = None


@dataclass(frozen=True)
class Compared:
    """A run under comparison.

    Attributes:
        run: The run.
        context: Its traces, probe and risk.
        comparison: The table.
        pictures: The figures.
    """

    run: Run
    context: Context
    comparison: Comparison
    pictures: list[Picture]

    def write(self) -> Path:
        """Write ``compare.json`` and the figures; return the figures' folder."""
        (self.run.folder / "compare.json").write_text(self.comparison.to_json(), encoding="utf-8")
        folder = self.run.folder / "figures"
        for picture in self.pictures:
            picture.save(folder)
        return folder


def compare_run(run: Run, levels: Levels, methods: Mapping[str, Method]) -> Compared:
    """Compare exit rules on the run's test split.

    Args:
        run: A run with a fitted probe.
        levels: The common risk, and those of our rule.
        methods: Rules by name, in the table's order.

    Raises:
        ValueError: if no probe was fitted, or nothing was recorded.
    """
    context = context_of(run, levels, methods)
    comparison = compare(context, methods)
    fitted, layers = load_fit(run), run.manifest.layers
    by_layer = layer_map(context.splits, layers, named(PROBES, fitted.probe), fitted.target)
    shown = comparison if len(comparison.curves) <= READABLE else comparison.only(CORE)
    return Compared(run, context, comparison, pictures(context, shown, by_layer))


def context_of(run: Run, levels: Levels, methods: Mapping[str, Method]) -> Context:
    """Return what the rules are given; a bench only if one of them must generate anew.

    Raises:
        ValueError: as ``compare_run``.
    """
    fitted, reasoner, splits = load_fit(run), source_of(run), splits_of(run)
    live = not all(method.replayed for method in methods.values())
    test = splits.test[: levels.problems]
    return Context(
        splits=replace(splits, test=test),
        probe=fitted.signal,
        grid=fitted.grid,
        closing=len(reasoner.closing_ids()),
        alpha=levels.alpha,
        alphas=levels.ours,
        delta=DELTA if levels.delta is None else levels.delta,
        loss=named(LOSSES, levels.loss)(),
        calibrator_name=levels.calibrator,
        looks=run.folder / "looks.jsonl",
        loss_name=levels.loss,
        probe_name=fitted.probe,
        among=max(len(methods), 1) if levels.together else 1,
        seed=run.manifest.seed,
        verifier=LanguageModel(levels.verifier) if levels.verifier else StatedAnswer(),
        second=levels.second,
        bench=LiveEvaluator.of(run, reasoner) if live else None,
        fresh=len(test) if levels.fresh is None else levels.fresh,
    )


def report_on(compared: Compared) -> Path:
    """Write ``report.html`` into the run's folder."""
    tokenizer = source_of(compared.run).tokenizer
    context = compared.context
    test = context.splits.test
    scores = [context.probe.scores(trace) for trace in test]
    traces = viewed(test, scores, rules_of(compared.comparison), tokenizer.decode)
    report = Report(
        title=f"{compared.run.manifest.model} on {compared.run.manifest.task}",
        recorded={**_settings(compared.run), **describe(compared.context)},
        comparison=compared.comparison,
        pictures=compared.pictures,
        examples=examples(compared.context, compared.comparison, tokenizer.decode),
        viewer=section(traces),
    )
    return report.write(compared.run.folder / "report.html")


def _settings(run: Run) -> dict[str, str]:
    manifest = run.manifest
    decoding = manifest.decoding
    temperature = decoding["temperature"]
    drawn = "greedy" if temperature == 0 else f"sampled at temperature {temperature:g}"
    return {
        "model": manifest.model,
        "task": f"{manifest.task}, seed {manifest.seed}",
        "decoding": f"{drawn}, at most {decoding['max_new_tokens']} tokens",
        "cue set": manifest.cues,
    }


def source_of(run: Run) -> Reasoner:
    """Load the model that a run was recorded with, with the run's tags and closing text."""
    manifest = run.manifest
    return load(
        Source(
            manifest.model,
            manifest.revision,
            manifest.closing,
            tags_from(manifest.tags),
            manifest.answer_tokens,
            manifest.template_args,
            Loading.recorded_as(manifest.dtype, manifest.loading),
        )
    )
