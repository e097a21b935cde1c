"""Train a probe on a run's fit split, its layers chosen by cross-validation over problems."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from probexit.experiments.commands.base import Command, Result, integers
from probexit.experiments.commands.tracking import add_tracking

if TYPE_CHECKING:
    from probexit.experiments.fitting.fit import Fit
    from probexit.experiments.recording.run import Run


class FitCommand(Command):
    """Train a probe on a run's fit split, its layers chosen by cross-validation over problems."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("run", type=Path, metavar="RUN", help="a recorded run")
        add("--probe", default="logistic", help="see `probexit list probes`")
        add("--layers", default="auto", help="'auto', or such as 4,6 (concatenated)")
        add(
            "--from",
            dest="origin",
            type=Path,
            metavar="OTHER",
            help="take the probe of another run instead: of the same model, or of the same model "
            "quantised otherwise or with another adapter",
        )
        add("--target", default="correct", help="correct (gold), agrees (no gold) or stays")
        add(
            "--early-stopping",
            type=float,
            metavar="ALPHA",
            help="train a probe such as mlp epoch by epoch, let the calibration split choose the "
            "epoch and certify it at this risk (conformalised early stopping): writes the "
            "controller at once",
        )
        add("--epochs", type=int, default=30, help="with --early-stopping; default: %(default)s")
        add("--out", type=Path, help="with --early-stopping: the controller; RUN/controller")
        add_tracking(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.exits.trackers.base import track
        from probexit.experiments.fitting.carry import carry, require_same_rule
        from probexit.experiments.fitting.fit import save_fit, splits_of
        from probexit.experiments.fitting.quality import measure
        from probexit.experiments.recording.run import Run
        from probexit.experiments.verbs.fit import fit
        from probexit.probes.artefacts.folder import replace_file

        run = Run(args.run)
        layers = None if args.layers == "auto" else integers(args.layers)
        if args.origin is not None:
            said, fitted = require_same_rule(Run(args.origin), run), carry(Run(args.origin), run)
            print(f"note: {said}" if said else f"the probe of {args.origin}, of the same model")
            save_fit(run, fitted)
        else:
            fitted = fit(run, args.probe, layers, args.target)
        quality = measure(fitted.signal, splits_of(run).test, fitted.target)
        track({"fit/auroc": quality.auroc.estimate, "fit/brier": quality.brier.estimate})
        text = json.dumps(quality.as_dict(), indent=1) + "\n"
        replace_file(run.folder / "fit" / "quality.json", text.encode())
        if fitted.sweep is not None:
            print("AUROC by layers, cross-validated on the fit split (indices of recorded layers)")
            print(fitted.sweep)
        print(f"\n{fitted.probe} probe on layers {list(fitted.signal.at)}, target: {fitted.target}")
        print(quality)
        return {
            "probe": fitted.probe,
            "layers": fitted.signal.at,
            "target": fitted.target,
            "quality": quality.as_dict(),
            "folder": run.folder / "fit",
            **_stopped_early(args, run, fitted),
        }


def _stopped_early(args: Namespace, run: "Run", fitted: "Fit") -> dict[str, Any]:
    """Certify the training epoch, if that was asked for, and write the controller."""
    if args.early_stopping is None:
        return {}
    from probexit.experiments.verbs.early_stopping import certify_epoch

    folder = args.out or run.folder / "controller"
    rule, chosen = certify_epoch(run, fitted, args.early_stopping, args.epochs)
    rule.controller(run, loss="lost_correct", method="early_stopped_probe").save(folder)
    print(f"\nbest epoch {chosen.epochs[0] + 1} of {args.epochs}, {len(chosen.epochs)} in play")
    print(rule.certificate.statement)
    print(f"Controller written to {folder}")
    return {"epochs": chosen.epochs, **rule.certificate.as_dict(), "controller": folder}
