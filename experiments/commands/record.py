"""Run a model over a task and keep, at every cue, its hidden states and its forced answer."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import (
    Command,
    add_template_args,
    integers,
    numbers,
    template_args,
)
from probexit.experiments.commands.loading import add_loading, loading_of

REFLECTION = "reflection"  # LYNX's cue words, for models whose tokenizer names no cues


class RecordCommand(Command):
    """Run a model over a task and keep, at every cue, its hidden states and its forced answer."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add(
            "--model",
            default="shipped",
            help="'shipped', 'shipped-deep', a local folder or a hub id",
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
        add("--temperature", type=float, default=1.0, help="0 is greedy")
        add("--top-p", type=float, default=1.0)
        add("--batch-size", type=int, default=64)
        add("--shard-size", type=int, default=256, help="problems written at once")
        add_loading(parser)
        add("--seed", type=int, default=0)
        add(
            "--shares", help="of the problems that fit and calibrate, such as .2,.5; fixed for good"
        )

    def run(self, args: Namespace) -> None:
        from probexit.experiments.recording.checks.report import refuse_wrong, run_checks
        from probexit.experiments.recording.cues import cue_set
        from probexit.experiments.recording.record import Recorder
        from probexit.experiments.recording.run import Run
        from probexit.experiments.recording.tasks.by_name import task

        if args.answer_samples and not args.temperature:
            raise ValueError("--answer-samples needs a --temperature above 0 to sample at")
        if args.n < 1 or args.shard_size < 1:
            raise ValueError(f"--n {args.n} and --shard-size {args.shard_size} must be at least 1")
        if args.answer_tokens < 1:
            raise ValueError(f"--answer-tokens {args.answer_tokens} must be at least 1")
        decoding = _decoding(args)
        _shares(args, Run(args.out))
        cue_set(args.cues or REFLECTION)  # bad input is refused before the model is loaded
        problems = task(args.task, args.data, args.seed)
        next(iter(problems.items()))
        reasoner = load_reasoner(args, problems.closing)
        args.cues = args.cues or reasoner.tokenizer.init_kwargs.get("probexit_cues", REFLECTION)
        cues = cue_set(args.cues)
        layers = _layers(args.layers, reasoner.model)
        refuse_wrong(run_checks(reasoner, short=True))
        run = Run(args.out)
        manifest = _manifest(args, reasoner, layers, asdict(decoding))
        run.begin(replace(manifest, shares=_shares(args, run)))
        recorder = Recorder(reasoner, problems, cues, layers, decoding, args.answer_samples)
        recorder.record(run, args.n, args.shard_size)
        print(_summary(run))


def load_reasoner(args: Namespace, closing: str | None) -> Any:
    """Load the model that the arguments name; a task's own closing text comes after --close."""
    from probexit.hooks.models import Source, load
    from probexit.hooks.think_tags import ThinkTags

    if bool(args.think_open) != bool(args.think_close):
        raise ValueError("give both --think-open and --think-close, or neither")
    tags = ThinkTags(args.think_open, args.think_close) if args.think_open else None
    closing = args.close if args.close is not None else closing
    return load(
        Source(
            args.model,
            args.revision,
            closing,
            tags,
            args.answer_tokens,
            template_args(args.template_arg),
            loading_of(args),
        )
    )


def _layers(text: str, model: Any) -> tuple[int, ...]:
    from probexit.hooks.layers import n_layers

    count = n_layers(model)
    if text == "all":
        return tuple(range(count + 1))
    layers = integers(text)
    wrong = [layer for layer in layers if not 0 <= layer <= count]
    if wrong:
        raise ValueError(
            f"--layers {wrong}: this model has 0 to {count - 1}, and {count} = final norm"
        )
    return layers


def _shares(args: Namespace, run: Any) -> tuple[float, float]:
    """Return the shares asked for, else those the run was begun with, else the rule's."""
    from probexit.experiments.fitting.splits import check_shares, shares_for

    if args.shares is not None:
        return check_shares(numbers(args.shares))
    found: tuple[float, float] = run.manifest.shares if run.begun else shares_for(args.n)
    return found


def _decoding(args: Namespace) -> Any:
    from probexit.exits.engines.decoding import Decoding

    return Decoding(args.max_new_tokens, args.temperature, args.top_p, args.batch_size, args.seed)


def _manifest(
    args: Namespace, reasoner: Any, layers: tuple[int, ...], decoding: dict[str, Any]
) -> Any:
    import hashlib

    import numpy
    import torch
    import transformers

    from probexit import __version__
    from probexit.exits.fingerprint import Fingerprint
    from probexit.experiments.recording.run import Manifest, template_digest

    vocabulary = repr(sorted(reasoner.tokenizer.get_vocab().items())).encode()
    return Manifest(
        model=args.model,
        revision=args.revision,
        task=args.task,
        data=str(args.data or ""),
        cues=args.cues,
        layers=layers,
        closing=reasoner.closing,
        tags=asdict(reasoner.tags),
        decoding=decoding,
        answer_tokens=reasoner.answer_tokens,
        shard_size=args.shard_size,
        tokenizer=hashlib.sha256(vocabulary).hexdigest()[:16],
        fingerprint=asdict(replace(Fingerprint.of(reasoner.model), name=args.model)),
        seed=args.seed,
        versions={
            "probexit": __version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "numpy": numpy.__version__,
        },
        answer_samples=args.answer_samples,
        dtype=str(reasoner.model.dtype).removeprefix("torch."),
        loading=loading_of(args).recorded(),
        template=template_digest(reasoner),
        template_args=dict(reasoner.template_args),
    )


def _summary(run: Any) -> str:
    from probexit.experiments.recording.first_look import as_lines

    traces = run.traces()
    n = len(traces)
    cues = sum(len(t.cues) for t in traces) / n
    right = sum(t.correct for t in traces) / n
    unfinished = sum(not t.finished for t in traces) / n
    thinking = sum(t.thinking for t in traces) / n
    silent = sum(not len(t.cues) for t in traces)
    lines = [
        f"{n} problems recorded in {run.folder}",
        f"  full run right       {right:.1%}",
        f"  thinking tokens      {thinking:.0f} on average",
        f"  cues per trace       {cues:.1f}; {silent} traces have none",
        f"  cut off unfinished   {unfinished:.1%}",
        *as_lines(traces),
    ]
    if silent == n:
        lines.append("no cue matched anywhere: choose another --cues (see `probexit list cues`)")
    return "\n".join(lines)
