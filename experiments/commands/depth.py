"""Leave layers early: fit a rule, certify it, run it, compare the published ones."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from probexit.experiments.commands.base import Command, Result, integers


class DepthCommand(Command):
    """Leave layers early: fit a rule, certify it, run it, compare the published ones."""

    def configure(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True, metavar="STEP")
        fit = steps.add_parser("fit", help="train a preset's head and decider")
        _problems(fit)
        fit.add_argument("--preset", default="probe-catch-up", help="see the comparison's rows")
        calibrate = steps.add_parser("calibrate", help="certify the threshold on roll-outs")
        calibrate.add_argument("folder", type=Path, help="that `depth fit` wrote")
        calibrate.add_argument("--n", type=int, default=100, help="how many problems")
        calibrate.add_argument("--loss", default="answer", choices=("answer", "task", "text"))
        _levels(calibrate)
        run = steps.add_parser("run", help="run on new problems beside the full model")
        run.add_argument("folder", type=Path, help="that `depth fit` wrote")
        run.add_argument("--n", type=int, default=40, help="how many problems")
        run.add_argument("--out", type=Path, required=True, help="where results go")
        compare = steps.add_parser("compare", help="every published rule in one table")
        _measured(compare)
        compare.add_argument("--presets", help="some of them, with commas; default: all")
        compare.add_argument(
            "--prepare", action="store_true", help="fit and certify only, for a quiet run later"
        )
        bench = steps.add_parser("bench", help="measure the speed, and check losslessness")
        _measured(bench)
        bench.add_argument("--presets", default="probe-speculative,free", help="with commas")
        bench.add_argument("--check", type=int, default=500, help="texts to compare")
        adapt = steps.add_parser("adapt", help="let ramps follow their audits while serving")
        _measured(adapt)
        _adapting(adapt)
        edges = steps.add_parser(
            "edges", help="lower layers on several edges, the others in a cloud"
        )
        _edges(edges)

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.depth.edges import edges
        from probexit.experiments.depth.steps.adapt import adapt
        from probexit.experiments.depth.steps.bench import bench
        from probexit.experiments.depth.steps.calibrate import calibrate
        from probexit.experiments.depth.steps.compare import compare
        from probexit.experiments.depth.steps.fit import fit
        from probexit.experiments.depth.steps.run import run

        steps = (fit, calibrate, run, compare, bench, adapt, edges)
        return {step.__name__: step for step in steps}[args.step](args)


def _bench(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", default="shipped", help="`shipped`, a folder or a hub id")
    add("--task", default="arith", help="see `probexit list tasks`")
    add("--data", type=Path, help="the task's file, where it reads one")
    add("--seed", type=int, default=0, help="of the task")
    add("--max-new-tokens", type=int, default=400)


def _problems(parser: ArgumentParser) -> None:
    _bench(parser)
    add = parser.add_argument
    add("--n", type=int, default=90, help="problems to fit on")
    add("--layers", type=integers, help="exit layers, such as 1,3")
    add("--steps", type=int, default=300, help="of training a head")
    add("--out", type=Path, required=True, help="where results go")


def _measured(parser: ArgumentParser) -> None:
    _problems(parser)
    _levels(parser)
    parser.add_argument("--calibrate", type=int, default=200, help="problems to certify on")
    parser.add_argument("--test", type=int, default=40, help="problems to measure on")


def _adapting(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--batches", type=int, default=40, help="how many batches to serve")
    add("--batch", type=int, default=8, help="problems per batch")
    add("--then", metavar="TASK", help="of the second half: what the model meets after a shift")
    add("--agreement", type=float, default=0.99, help="share of tokens that must stay the same")
    add("--overhead", type=float, default=0.05, help="largest cost of all ramps, of a full pass")
    add("--check", type=int, default=100, help="batches between two looks at the ramps")
    add("--fixed", action="store_true", help="tune on the first batch only: the control")


def _edges(parser: ArgumentParser) -> None:
    _bench(parser)
    add = parser.add_argument
    add("--edges", type=int, default=2, help="how many write at once")
    add("--n", type=int, default=4, help="how many problems")
    add("--edge-layers", type=int, required=True, help="layers that run on an edge")
    add("--threshold", type=float, default=0.9, help="probability at which an edge is sure")


def _levels(parser: ArgumentParser) -> None:
    parser.add_argument("--alpha", type=float, default=0.05, help="risk that must not be exceeded")
    parser.add_argument("--delta", type=float, default=0.1, help="chance that the promise fails")
