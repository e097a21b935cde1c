"""Record a model's thinking: on a task, or on questions and answers of one's own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import torch
import transformers

from probexit import __version__
from probexit.exits.engines.decoding import Decoding
from probexit.exits.fingerprint import Fingerprint
from probexit.experiments.fitting.splits import Shares, check_shares, shares_for
from probexit.experiments.recording.checks.report import refuse_wrong, run_checks
from probexit.experiments.recording.cluster.crew import Alone, Crew
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.engines.base import RolloutEngine
from probexit.experiments.recording.extra_states import StateReader
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Manifest, Run, template_digest
from probexit.experiments.recording.tasks.by_name import task as task_by_name
from probexit.experiments.registry import named
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner
from probexit.probes.artefacts.folder import replace_file

REFLECTION = "reflection"  # LYNX's cue words, for models whose tokenizer names no cues
ENGINES = "probexit.experiments.recording.engines"
OWN = "problems.jsonl"  # where questions of one's own are kept, beside their run


@dataclass(frozen=True)
class Recording:
    """How to record.

    Attributes:
        data: The task's file, where it reads one.
        cues: A cue set by name; joined by + for a union; "" the model's own.
        layers: Which layers to keep (`probexit.hooks.layers`); () all of them.
        decoding: How to generate.
        answer_samples: Answers sampled at each cue besides the greedy one.
        shard_size: Problems written at once.
        seed: Seed of the task, of sampling and of the split.
        shares: Shares of the problems that fit and calibrate; None chooses by their number.
        rollouts: Traces of each problem.
        heads: Keep what every attention head has read at each cue, too.
        tokens: Keep the states of all thinking tokens, too.
        engine: What writes the rollouts, by name (`probexit list rollout-engines`).
        engine_options: The engine's own settings.
        crew: The processes that record together.
    """

    data: Path | str | None = None
    cues: str = ""
    layers: tuple[int, ...] = ()
    decoding: Decoding = field(default_factory=Decoding)
    answer_samples: int = 0
    shard_size: int = 256
    seed: int = 0
    shares: Sequence[float] | None = None
    rollouts: int = 1
    heads: bool = False
    tokens: bool = False
    engine: str = "hf"
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    crew: Crew = field(default_factory=Alone)

    def __post_init__(self) -> None:
        """Refuse what no recording can have, before a model is loaded.

        Raises:
            ValueError: naming the value.
        """
        if self.answer_samples and not self.decoding.temperature:
            raise ValueError("answer_samples need a temperature above 0 to sample at")
        if self.rollouts < 1:
            raise ValueError(f"rollouts = {self.rollouts} must be at least 1")
        if self.rollouts > 1 and not self.decoding.temperature:
            raise ValueError(
                f"rollouts = {self.rollouts} would all be the same: greedy decoding draws nothing; "
                "set a temperature above 0"
            )
        if self.shard_size < 1:
            raise ValueError(f"shard_size = {self.shard_size} must be at least 1")
        if self.shares is not None:
            check_shares(self.shares)
        cue_set(self.cues or REFLECTION)
        named(ENGINES, self.engine)


def record(
    reasoner: Reasoner,
    problems: str | Sequence[tuple[str, str]],
    out: Path | str,
    n: int | None = None,
    recording: Recording | None = None,
) -> Run:
    """Let a model think through problems; at each cue keep its states and force an answer.

    A run that is there already is continued: what is recorded is not recorded again.

    Args:
        reasoner: The model (`probexit.load`).
        problems: A task by name (``"arith"``), or questions with their right answers.
        out: The run's folder.
        n: How many problems; all of them where they are one's own.
        recording: How; defaults fit most models.

    Raises:
        ValueError: on a model that could not be recorded rightly, or settings that differ from
            those of the run in ``out``.
    """
    how, run = recording or Recording(), Run(out)
    if isinstance(problems, str):
        name, data = problems, how.data
    else:
        name, data = "jsonl", how.crew.first(partial(kept, problems, run.folder))
        n = len(problems) if n is None else n
    if n is None or n < 1:
        raise ValueError(f"n = {n}: say how many problems, at least 1")
    how = replace(how, data=data)
    recorder = begun(reasoner, name, run, n, how)
    recorder.record(run, n, how.shard_size, how.crew)
    return run


def begun(reasoner: Reasoner, task: str, run: Run, n: int, how: Recording) -> Recorder:
    """Check a model, begin a run with it or compare it with the one that began it.

    Args:
        reasoner: The model.
        task: A task by name.
        run: The run.
        n: How many problems it will hold.
        how: How to record.

    Returns:
        What records the run.

    Raises:
        ValueError: on a model that could not be recorded rightly, or settings that differ from
            those of the run.
    """
    problems = task_by_name(task, Path(how.data) if how.data else None, how.seed)
    next(iter(problems.items()))
    cues = how.cues or reasoner.tokenizer.init_kwargs.get("probexit_cues", REFLECTION)
    layers = checked_layers(how.layers, reasoner)
    refuse_wrong(run_checks(reasoner, short=True))
    extra = StateReader(reasoner.model, layers, how.heads, how.tokens)
    extra.check()
    engine = named(ENGINES, how.engine)(reasoner, how.decoding, how.engine_options)
    how = replace(how, cues=cues, layers=layers, shares=_shares(how, run, n))
    how.crew.first(partial(run.begin, manifest(reasoner, task, how, engine)))
    return Recorder(
        reasoner,
        problems,
        cue_set(cues),
        layers,
        how.decoding,
        how.answer_samples,
        engine,
        how.rollouts,
        extra,
    )


def kept(problems: Sequence[tuple[str, str]], folder: Path) -> Path:
    """Write questions and answers beside their run, from where they are read again.

    Raises:
        ValueError: if there are none, or the run there was begun with others.
    """
    if not problems:
        raise ValueError("there are no problems: give pairs of a question and its right answer")
    lines = [json.dumps({"question": q, "answer": a}, ensure_ascii=False) for q, a in problems]
    text, file = ("\n".join(lines) + "\n").encode(), folder / OWN
    if file.is_file() and Run(folder).begun and not text.startswith(file.read_bytes()):
        raise ValueError(
            f"{folder} was recorded with other problems: choose another folder, or give the same "
            "ones, perhaps with more behind them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(file, text)
    return file


def checked_layers(layers: Sequence[int], reasoner: Reasoner) -> tuple[int, ...]:
    """Return the layers asked for, or all of them.

    Raises:
        ValueError: naming those that the model has not.
    """
    count = n_layers(reasoner.model)
    wrong = [layer for layer in layers if not 0 <= layer <= count]
    if wrong:
        raise ValueError(
            f"layers {wrong}: this model has 0 to {count - 1}, and {count} = final norm"
        )
    return tuple(layers) or tuple(range(count + 1))


def _shares(how: Recording, run: Run, n: int) -> Shares:
    """Return the shares asked for, else those the run was begun with, else the rule's."""
    if how.shares is not None:
        return check_shares(how.shares)
    return run.manifest.shares if run.begun else shares_for(n)


def manifest(reasoner: Reasoner, task: str, how: Recording, engine: RolloutEngine) -> Manifest:
    """Say what a recording is made with; ``how`` has its cues, layers and shares filled in."""
    vocabulary = repr(sorted(reasoner.tokenizer.get_vocab().items())).encode()
    versions = {
        "probexit": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": numpy.__version__,
        **engine.versions(),
    }
    return Manifest(
        model=reasoner.name,
        revision=reasoner.revision,
        task=task,
        data=str(how.data or ""),
        cues=how.cues,
        layers=how.layers,
        closing=reasoner.closing,
        tags=asdict(reasoner.tags),
        decoding=asdict(how.decoding),
        answer_tokens=reasoner.answer_tokens,
        shard_size=how.shard_size,
        tokenizer=hashlib.sha256(vocabulary).hexdigest()[:16],
        fingerprint=asdict(replace(Fingerprint.of(reasoner.model), name=reasoner.name)),
        seed=how.seed,
        versions=versions,
        answer_samples=how.answer_samples,
        shares=check_shares(how.shares or ()),
        dtype=str(reasoner.model.dtype).removeprefix("torch."),
        template=template_digest(reasoner),
        template_args=dict(reasoner.template_args),
        loading=reasoner.loading.recorded(),
        rollouts=how.rollouts,
        heads=how.heads,
        tokens=how.tokens,
        engine=how.engine,
        engine_options=engine.recorded(),
    )
