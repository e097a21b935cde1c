"""Run a controller live over a task: the model stops where its hidden states say so."""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from probexit.experiments.commands.base import Command, Result
from probexit.experiments.commands.deployed import add_deployed, checked_controller, model_source


class RunCommand(Command):
    """Run a controller live over a task: the model stops where its hidden states say so."""

    def configure(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add_deployed(parser)
        add("--out", type=Path, required=True, help="where results go; rerun to resume")
        add("--max-new-tokens", type=int, help="default: as recorded")
        add("--temperature", type=float, help="default: as recorded")
        add("--top-p", type=float, help="default: as recorded")
        add("--batch-size", type=int, default=64)
        add("--seed", type=int, default=1, help="of the task and of sampling")
        add("--plain", action="store_true", help="run the model alone, for comparison")

    def run(self, args: Namespace) -> Result:
        from probexit.experiments.evaluation.live_run import Live, run_to_folder, summarise
        from probexit.experiments.recording.tasks.by_name import task
        from probexit.hooks.models import load

        controller = checked_controller(args)
        promise = controller.certificate
        decoding = _decoding(args, promise.get("decoding", {}))
        problems = task(args.task, args.data, args.seed)
        next(iter(problems.items()))  # a bad file is refused before the model is loaded
        reasoner = load(model_source(args, controller))
        if controller.model is not None:
            controller.model.check(reasoner.model)
        for line in departures(promise, args.task, decoding):
            print(f"note: {line}; the promise was made for what was recorded")
        live = Live(reasoner, problems, None if args.plain else controller, decoding)
        summary = summarise(run_to_folder(live, args.out, args.n))
        (args.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        print(table(summary))
        return summary


def _decoding(args: Namespace, recorded: dict[str, Any]) -> Any:
    from probexit.exits.engines.decoding import Decoding

    given = {
        "max_new_tokens": args.max_new_tokens,
        "temperature": args.temperature,
        "top_p": args.top_p,
        "batch_size": args.batch_size,
        "seed": args.seed,
    }
    known = {key: value for key, value in given.items() if value is not None}
    return replace(Decoding(**recorded), **known)


def departures(promise: dict[str, Any], task: str, decoding: Any) -> list[str]:
    """List how a live run differs from what the certificate speaks of."""
    keys = ("temperature", "top_p", "max_new_tokens")
    now = {"task": task} | {key: getattr(decoding, key) for key in keys}
    then = {"task": promise.get("task")} | promise.get("decoding", {})
    return [f"{key} is {now[key]}, was {then.get(key)}" for key in now if now[key] != then.get(key)]


def table(summary: dict[str, Any]) -> str:
    """Lay a summary out for a terminal."""
    rows = {
        "answers right": ("correct", ".1%"),
        "thinking tokens": ("thinking_tokens", ".0f"),
        "tokens in all": ("tokens", ".0f"),
        "stopped early": ("exited", ".1%"),
        "ended by itself": ("finished", ".1%"),
    }
    lines = [f"{summary['problems']} problems, live (95 % intervals over problems)"]
    for name, (key, form) in rows.items():
        cell = summary[key]
        interval = f"[{cell['low']:{form}}, {cell['high']:{form}}]"
        lines.append(f"  {name:<18}{cell['mean']:{form}}  {interval}")
    return "\n".join(lines)
