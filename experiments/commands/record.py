"""Run a model over a task and keep, at every cue, its hidden states and its forced answer."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import (
    Command,
    Result,
    add_template_args,
    integers,
    named_values,
    numbers,
    template_args,
)
from probexit.experiments.commands.loading import add_loading, loading_of
from probexit.experiments.commands.tracking import add_tracking
from probexit.experiments.commands.where import add_where, record_where


class RecordCommand(Command):
    """Run a model over a task and keep, at every cue, its hidden states and its forced answer."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "--model",
            default="shipped",
            help="'shipped', or shipped-deep, -small or -hesitant, a local folder or a hub id",
        )
        add("--revision", default="", help="commit of a hub model")
        add("--task", required=True, help="see `probexit list tasks`; variants as arith:hard")
        add("--data", type=Path, help="the task's file, where it reads one")
        add("--n", type=int, required=True, help="how many problems")
        add("--out", type=Path, required=True, help="the run folder; rerun to resume or extend")
        add(
            "--cues",
            help="see `probexit list cues`; join by + for a union; default: the model's own",
        )
        add("--layers", default="all", help="'all', or such as 3,5,6 (L = after the final norm)")
        add("--close", help="text after the closing tag that forces an answer")
        add("--think-open", help="opening tag, where the tokenizer does not tell")
        add("--think-close", help="closing tag, likewise")
        add_template_args(parser)
        add("--max-new-tokens", type=int, default=640)
        add("--answer-tokens", type=int, default=32, help="longest forced answer")
        add("--answer-samples", type=int, default=0, help="answers sampled per cue (for BLADE)")
        add(
            "--rollouts",
            type=int,
            default=1,
            help="traces of each problem, sampled independently: all of a problem fit the probe, "
            "the first of each calibrates and is tested on; default: %(default)s",
        )
        add(
            "--heads",
            action="store_true",
            help="keep what every attention head has read at each cue, too: 2 bytes x layers of "
            "the model x width a cue (see `probexit plan --run` for megabytes)",
        )
        add(
            "--tokens",
            action="store_true",
            help="keep the states of all thinking tokens, too: 2 bytes x recorded layers x width a "
            "token; 10,000 tokens of width 4,096 are 82 MB a layer, so choose --layers",
        )
        add("--temperature", type=float, default=1.0, help="0 is greedy")
        add("--top-p", type=float, default=1.0)
        add("--batch-size", type=int, default=64)
        add("--shard-size", type=int, default=256, help="problems written at once")
        add_loading(parser)
        add_where(parser)
        add("--seed", type=int, default=0)
        add(
            "--shares", help="of the problems that fit and calibrate, such as .2,.5; fixed for good"
        )
        add_tracking(parser)

    def run(self, args: Namespace) -> Result:
        from probexit.exits.engines.decoding import Decoding
        from probexit.experiments.recording.rollouts import one_each
        from probexit.experiments.recording.tasks.by_name import task
        from probexit.experiments.verbs.record import Recording

        if args.n < 1 or args.shard_size < 1:
            raise ValueError(f"--n {args.n} and --shard-size {args.shard_size} must be at least 1")
        if args.answer_tokens < 1:
            raise ValueError(f"--answer-tokens {args.answer_tokens} must be at least 1")
        how = Recording(
            data=args.data,
            cues=args.cues or "",
            layers=() if args.layers == "all" else integers(args.layers),
            decoding=Decoding(
                args.max_new_tokens, args.temperature, args.top_p, args.batch_size, args.seed
            ),
            answer_samples=args.answer_samples,
            rollouts=args.rollouts,
            heads=args.heads,
            tokens=args.tokens,
            shard_size=args.shard_size,
            seed=args.seed,
            shares=None if args.shares is None else numbers(args.shares),
            engine=args.engine,
            engine_options=named_values(args.engine_arg, "--engine-arg"),
        )
        problems = task(args.task, args.data, args.seed)
        next(iter(problems.items()))  # bad input is refused before the model is loaded
        source = source_of(args, problems.closing)
        run = record_where(args, source, how)
        if run is None:
            return None
        print(_summary(run))
        traces = run.traces()
        return {
            "run": run.folder,
            "problems": len(one_each(traces)),
            "rollouts": args.rollouts,
            "right": sum(trace.correct for trace in traces),
            "cues": sum(len(trace.cues) for trace in traces),
            "finished": sum(trace.finished for trace in traces),
        }


def load_reasoner(args: Namespace, closing: str | None) -> Any:
    """Load the model that the arguments name; see ``source_of``."""
    from probexit.hooks.models import load

    return load(source_of(args, closing))


def source_of(args: Namespace, closing: str | None) -> Any:
    """Return what the arguments name; a task's own closing text comes after --close.

    Raises:
        ValueError: on one thinking tag without the other.
    """
    from probexit.hooks.models import Source
    from probexit.hooks.think_tags import ThinkTags

    if bool(args.think_open) != bool(args.think_close):
        raise ValueError("give both --think-open and --think-close, or neither")
    tags = ThinkTags(args.think_open, args.think_close) if args.think_open else None
    return Source(
        args.model,
        args.revision,
        args.close if args.close is not None else closing,
        tags,
        args.answer_tokens,
        template_args(args.template_arg),
        loading_of(args),
    )


def _summary(run: Any) -> str:
    from probexit.experiments.recording.first_look import as_lines
    from probexit.experiments.recording.rollouts import one_each

    traces = run.traces()
    n, firsts = len(traces), one_each(traces)
    several = f", {n // len(firsts)} rollouts of each" if n > len(firsts) else ""
    cues = sum(len(t.cues) for t in traces) / n
    right = sum(t.correct for t in traces) / n
    unfinished = sum(not t.finished for t in traces) / n
    thinking = sum(t.thinking for t in traces) / n
    silent = sum(not len(t.cues) for t in traces)
    lines = [
        f"{len(firsts)} problems recorded in {run.folder}{several}",
        f"  full run right       {right:.1%}",
        f"  thinking tokens      {thinking:.0f} on average",
        f"  cues per trace       {cues:.1f}; {silent} traces have none",
        f"  cut off unfinished   {unfinished:.1%}",
        *as_lines(firsts),
    ]
    if silent == n:
        lines.append("no cue matched anywhere: choose another --cues (see `probexit list cues`)")
    return "\n".join(lines)
