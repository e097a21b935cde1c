"""Check the promise: re-draw the calibration set hundreds of times and count broken promises."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import Command, Result, numbers
from probexit.experiments.commands.promise import add_promise, loss_of


class ValidateCommand(Command):
    """Check the promise: re-draw the calibration set hundreds of times, count what breaks."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run with a fitted probe")
        add("--alphas", type=str, default=".05,.1,.2", help="levels")
        add("--splits", type=int, default=300, help="how many re-draws")
        add("--calibration", type=int, default=600, help="problems in each calibration draw")
        add_promise(parser, alpha=None)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.evaluation.figures.style import png
        from probexit.experiments.evaluation.figures.validation import draw
        from probexit.experiments.fitting.fit import load_fit, splits_of
        from probexit.experiments.recording.run import Run
        from probexit.experiments.risk_control.validation.rules import Pool
        from probexit.experiments.risk_control.validation.validate import validate

        run = Run(args.run)
        fitted, splits = load_fit(run), splits_of(run)
        loss = loss_of(args)
        traces = splits.calibrate + splits.test
        scores = [fitted.signal.scores(trace).double().numpy() for trace in traces]
        losses = [loss.at_cues(trace).double().numpy() for trace in traces]
        pool = Pool.of(traces, scores, losses, fitted.grid.double().numpy())
        verdicts = validate(
            pool,
            numbers(args.alphas),
            args.delta,
            args.calibration,
            args.splits,
            calibrator=args.calibrator,
        )
        folder = run.folder / "validate"
        folder.mkdir(exist_ok=True)
        (folder / "validate.json").write_text(json.dumps(_plain(verdicts), indent=1) + "\n")
        (folder / "validate.png").write_bytes(png(draw(verdicts)))
        print(_table(verdicts, args, len(traces)))
        print(f"\nwritten to {folder}")
        found: list[Any] = _plain(verdicts)
        return found


def _table(verdicts: Any, args: Namespace, n: int) -> str:
    from probexit.exits.terminal import table
    from probexit.experiments.risk_control.calibrators import DELTA

    delta = DELTA if args.delta is None else args.delta
    said = (
        f"{args.splits} draws of {args.calibration} calibration problems, with replacement, "
        f"from {n}. Loss: {args.loss}, delta {delta:g}.\n"
        f"Share of the draws whose risk over those {n} exceeds the level: what delta bounds.\n"
    )
    head = ["calibration", "level is about", "level", "mean risk", "over", "saved"]
    rows = [_row(verdict) for verdict in verdicts]
    return f"{said}\n{table(head, rows, left=2)}"


def _row(verdict: Any) -> list[str]:
    level, risk = f"{verdict.alpha:.0%}", f"{verdict.mean_risk:.2%}"
    saved = f"{verdict.saved.mean():.1%}"
    return [verdict.rule, verdict.promises, level, risk, _share(verdict.broken), saved]


def _share(share: Any) -> str:
    return f"{share.estimate:.1%} [{share.low:.1%}, {share.high:.1%}]"


def _plain(verdicts: Any) -> list[dict[str, Any]]:
    return [
        {
            "rule": v.rule,
            "alpha": v.alpha,
            "promises": v.promises,
            "mean_risk": v.mean_risk,
            "broken": vars(v.broken),
            "risks": v.risks.tolist(),
            "saved": v.saved.tolist(),
        }
        for v in verdicts
    ]
