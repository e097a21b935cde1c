"""Compare every exit rule on a run, and keep the table, the figures and the report beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from probexit.experiments.comparison.compare import compare
from probexit.experiments.comparison.layers import layer_map
from probexit.experiments.comparison.table import Comparison
from probexit.experiments.find import named
from probexit.experiments.fitting import PROBES, load_fit, splits_of
from probexit.experiments.methods.context import Context
from probexit.experiments.models import Reasoner, Source, load
from probexit.experiments.recording.run import Run, tags_from
from probexit.experiments.report.figures import Picture, pictures
from probexit.experiments.report.page import Report, describe, examples


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


def compare_run(run: Run, alphas: Sequence[float]) -> Compared:
    """Compare all rules on the run's test split; the middle one of ``alphas`` is the common risk.

    Raises:
        ValueError: if no probe was fitted, or nothing was recorded.
    """
    fitted, manifest = load_fit(run), run.manifest
    levels = tuple(sorted(alphas))
    context = Context(
        splits=splits_of(run),
        probe=fitted.signal,
        grid=fitted.grid,
        closing=len(source_of(run).closing_ids()),
        alpha=levels[len(levels) // 2],
        alphas=levels,
        seed=manifest.seed,
    )
    comparison = compare(context)
    by_layer = layer_map(
        context.splits, manifest.layers, named(PROBES, fitted.probe), fitted.target
    )
    return Compared(run, context, comparison, pictures(context, comparison, by_layer))


def report_on(compared: Compared) -> Path:
    """Write ``report.html`` into the run's folder."""
    tokenizer = source_of(compared.run).tokenizer
    report = Report(
        title=f"{compared.run.manifest.model} on {compared.run.manifest.task}",
        recorded={**_settings(compared.run), **describe(compared.context)},
        comparison=compared.comparison,
        pictures=compared.pictures,
        examples=examples(compared.context, compared.comparison, tokenizer.decode),
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
            closing=manifest.closing,
            tags=tags_from(manifest.tags),
            answer_tokens=manifest.answer_tokens,
        )
    )
