"""One page on a run."""

from pathlib import Path

from probexit.experiments.evaluation.choice import chosen
from probexit.experiments.evaluation.run_comparison import Levels, compare_run, report_on
from probexit.experiments.recording.run import Run


def report(run: Run, alpha: float = 0.05, methods: str = "core") -> Path:
    """Compare rules on a run's test problems and write one page on it; return where it lies.

    Args:
        run: A run with a fitted probe.
        alpha: The risk that all rules are compared at.
        methods: Which rules: "core", "replayed", or names with commas.

    Raises:
        ValueError: on an unknown rule, or a run without a probe.
    """
    compared = compare_run(run, Levels(alpha), chosen(methods))
    compared.write()
    return report_on(compared)
