"""Run a controller live over a task, with resumable results and one line per problem."""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from probexit.calibration.statistics.bootstrap import bootstrap_ratio
from probexit.calibration.statistics.intervals import Interval, clopper_pearson
from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.json_lines import JsonLines
from probexit.exits.locked import locked
from probexit.exits.production.digest import digest
from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.run import template_digest
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.models import Reasoner
from probexit.probes.artefacts.strict_json import read_json


@dataclass(frozen=True)
class Live:
    """A model, a task and perhaps a controller, run in the own loop.

    Attributes:
        reasoner: The model.
        task: Where the problems come from and who grades.
        controller: The exit rule; None runs the model alone.
        decoding: How to generate.
    """

    reasoner: Reasoner
    task: Task
    controller: ExitController | None
    decoding: Decoding

    def run(
        self, items: Sequence[Item], first: int = 0, quiet: bool = False
    ) -> list[dict[str, Any]]:
        """Generate for some problems; ``first`` is the number of the first one in the task."""
        prompts = [self.reasoner.prompt(item.question) for item in items]
        loop = Loop(self.reasoner.model, self.reasoner.tokenizer, self.controller, self.decoding)
        if loop.session is not None:
            loop.session.extract = self.task.extract
        with tqdm(total=len(items), unit="problem", desc=self._label(), disable=quiet) as bar:
            done = loop.run(
                prompts,
                [first + i for i in range(len(items))],
                lambda _index, _generation: bar.update(1),
            )
        parts = zip(items, prompts, done, strict=True)
        return [self._line(item, prompt, generation) for item, prompt, generation in parts]

    def _label(self) -> str:
        return "with controller" if self.controller else "full run"

    def _line(self, item: Item, prompt: list[int], generation: Generation) -> dict[str, Any]:
        begins, thinking, _ = thinking_span(
            self.reasoner, Paragraph(), prompt, generation.token_ids
        )
        answer = self.task.extract(
            answer_text(self.reasoner, generation.token_ids, begins, thinking)
        )
        left = generation.exit
        return {
            "id": item.id,
            "question": item.question,
            "gold": item.gold,
            "answer": answer,
            "correct": self.task.same(answer, item.gold),
            "thinking_tokens": thinking,
            "tokens": len(generation.token_ids),
            "probing_tokens": generation.probed,
            "finished": generation.finished,
            "exited": left is not None,
            "exit_cue": left.cue if left else None,
            "exit_score": left.score if left else None,
            "scores": list(generation.scores),
            "text": self.reasoner.tokenizer.decode(generation.token_ids),
        }


def run_to_folder(live: Live, folder: Path, n: int, chunk: int = 256) -> list[dict[str, Any]]:
    """Run ``n`` problems, appending to ``results.jsonl``; what is there already is not run again.

    Raises:
        ValueError: if the task has fewer problems, or the folder holds another run's results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "wait for it, or choose another --out"):
        return _run_to_folder(live, folder, n, chunk)


def _run_to_folder(live: Live, folder: Path, n: int, chunk: int) -> list[dict[str, Any]]:
    _claim(folder / "settings.json", _settings(live))
    file = folder / "results.jsonl"
    results = results_of(file)
    lines = results.mend()
    items = list(islice(live.task.items(), n))
    if len(items) < n:
        raise ValueError(f"the task has only {len(items)} problems: use --n {len(items)}")
    for line, item in zip(lines, items, strict=False):
        if [line.get(key) for key in ("id", "question", "gold")] != [*vars(item).values()]:
            raise ValueError(
                f"{file} holds results of other problems (has the task's file changed?): choose "
                "another --out"
            )
    while len(lines) < n:
        part = items[len(lines) : len(lines) + chunk]
        new = live.run(part, len(lines))
        for line in new:
            results.append(json.dumps(line))
        lines += new
    return lines[:n]


def _settings(live: Live) -> dict[str, Any]:
    """Return what a continued run must share; the size of batches changes no result."""
    decoding = asdict(live.decoding)
    del decoding["batch_size"]
    return {
        "task": f"{type(live.task).__module__.rpartition('.')[2]}:{live.task.variant}",
        "controller": digest(live.controller) if live.controller else None,
        "model": asdict(Fingerprint.of(live.reasoner.model)),
        "dtype": str(live.reasoner.model.dtype).removeprefix("torch."),
        "template": template_digest(live.reasoner),
        **decoding,
    }


def _claim(file: Path, settings: dict[str, Any]) -> None:
    """Write the settings of a new run, or see that a continued one has the same."""
    if not file.is_file():
        file.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        return
    old = read_json(file, "choose another --out")
    for key in (key for key in settings if old.get(key) != settings[key]):
        raise ValueError(
            f"{file.parent} holds results with {key} = {old.get(key)!r}, not {settings[key]!r}: "
            "choose another --out"
        )


def results_of(file: Path) -> JsonLines[dict[str, Any]]:
    """Return the results of a live run as lines."""
    return JsonLines(
        file, _result, '{"id": "', "these are no results of a run: choose another --out"
    )


def _result(line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line)
    if isinstance(found["id"], str) and isinstance(found["correct"], bool):
        return found
    raise ValueError("id is no text, or correct is neither true nor false")


def summarise(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return accuracy, tokens and exits with 95 % intervals over problems; exact for rates."""
    rows = list(lines)

    def shown(interval: Interval) -> dict[str, float]:
        return {"mean": interval.estimate, "low": interval.low, "high": interval.high}

    def rate(key: str) -> Interval:
        return clopper_pearson(sum(bool(row[key]) for row in rows), len(rows))

    def mean(key: str) -> Interval:
        return bootstrap_ratio([float(row[key]) for row in rows], [1.0] * len(rows))

    rates = {key: shown(rate(key)) for key in ("correct", "exited", "finished")}
    means = {key: shown(mean(key)) for key in ("thinking_tokens", "tokens")}
    return {"problems": len(rows), **rates, **means}


def stopwatch(live: Live, items: Sequence[Item]) -> tuple[list[dict[str, Any]], float]:
    """Run and return the results with the seconds it took."""
    start = time.perf_counter()
    lines = live.run(items)
    return lines, time.perf_counter() - start
