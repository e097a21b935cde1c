"""A run folder: the manifest, the shards, and the traces in them."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from probexit.exits.engines.decoding import Decoding
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.shown import Shown
from probexit.exits.trace import Trace
from probexit.experiments.recording.shards import items_in, read_shard, shard_numbers
from probexit.experiments.recording.tasks.base import Item
from probexit.hooks.loading import Loading
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.artefacts.strict_json import read_json

RESTORE = "put back the one that `probexit record` wrote"


@dataclass(frozen=True)
class Manifest:
    """What a recording was made with; a run is only ever continued with the same.

    Attributes:
        model: Folder or hub id.
        revision: Commit of a hub model, or "".
        task: Task name, with its variant.
        data: The task's file, or "".
        cues: The cue set, by name.
        layers: Recorded layers (see ``hooks/layers.py`` for their numbering).
        closing: Text written after the end-of-thinking tag to force an answer.
        tags: The thinking tags.
        decoding: Decoding settings.
        answer_tokens: Longest forced answer.
        shard_size: Problems per shard.
        answer_samples: Answers sampled at each cue besides the greedy one.
        tokenizer: Hash of the tokenizer.
        fingerprint: The model's fingerprint.
        seed: Seed of the task, of sampling and of the split.
        versions: Library versions; a difference is no obstacle to continuing, nor is another
            batch size.
        shares: Shares of the problems that fit and calibrate; fixed when the run is begun.
        dtype: Precision of the weights.
        template: Hash of the chat template; "" in a run that did not note it.
        template_args: Keyword arguments of the chat template.
        loading: How the weights were loaded besides (``Loading.recorded``).
        rollouts: Traces of each problem.
        heads: Whether the states of attention heads were recorded at the cues.
        tokens: Whether the states of all thinking tokens were recorded.
        engine: What wrote the rollouts, by name.
        engine_options: Its settings that change what is written.
    """

    model: str
    revision: str
    task: str
    data: str
    cues: str
    layers: tuple[int, ...]
    closing: str
    tags: dict[str, Any]
    decoding: dict[str, Any]
    answer_tokens: int
    shard_size: int
    tokenizer: str
    fingerprint: dict[str, Any]
    seed: int
    versions: dict[str, str]
    answer_samples: int = 0
    shares: tuple[float, float] = (0.4, 0.3)  # what runs were split by before they held it
    dtype: str = "float32"
    template: str = ""
    template_args: dict[str, Any] = field(default_factory=dict)
    loading: dict[str, str] = field(default_factory=dict)
    rollouts: int = 1
    heads: bool = False
    tokens: bool = False
    engine: str = "hf"
    engine_options: dict[str, Any] = field(default_factory=dict)


class Run(Shown):
    """A recording on disk."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.shards = self.folder / "shards"

    def described(self) -> tuple[str, dict[str, str]]:
        if not self.begun:
            return f"Run {str(self.folder)!r}", {"holds": "nothing yet"}
        manifest = self.manifest
        numbers = shard_numbers(self.shards)
        told = {
            "model": manifest.model,
            "task": manifest.task,
            "cues": manifest.cues,
            "layers": str(list(manifest.layers)),
            "problems": str(sum(len(self.recorded(number)) for number in numbers)),
        }
        return f"Run {str(self.folder)!r}", told

    def to_frame(self) -> Any:
        """Return one line per trace, as a pandas frame: its lengths and its grade."""
        import pandas

        return pandas.DataFrame(
            {
                "problem": trace.problem,
                "rollout": trace.rollout,
                "thinking": trace.thinking,
                "tokens": len(trace.token_ids),
                "cues": len(trace.cues),
                "finished": trace.finished,
                "answer": trace.answer,
                "correct": trace.correct,
            }
            for trace in self.traces()
        )

    @property
    def begun(self) -> bool:
        """Whether anything was recorded here before."""
        return (self.folder / "manifest.json").is_file()

    @property
    def manifest(self) -> Manifest:
        """The manifest.

        Raises:
            ValueError: if the folder is not a run.
        """
        file = self.folder / "manifest.json"
        if not file.is_file():
            raise ValueError(f"{self.folder} is not a run: make one with `probexit record`")
        data = read_json(file, RESTORE)
        unknown = sorted(data.keys() - Manifest.__dataclass_fields__.keys())
        if unknown:
            raise ValueError(f"{file}: {unknown[0]!r} is unknown to this version: {RESTORE}")
        try:
            found: Manifest = TypeAdapter(Manifest).validate_json(json.dumps(data), strict=True)
            _check(found)
        except ValidationError as error:
            wrong = error.errors()[0]
            field = ".".join(map(str, wrong["loc"]))
            raise ValueError(f"{file}: {field}: {wrong['msg']}: {RESTORE}") from error
        except ValueError as error:
            raise ValueError(f"{file}: {error}: {RESTORE}") from error
        return found

    def begin(self, manifest: Manifest) -> None:
        """Start the run, or continue one made with the same settings.

        Raises:
            ValueError: naming the setting that differs.
        """
        if self.begun:
            old, new = _settings(self.manifest), _settings(manifest)
            if not old["template"]:
                new["template"] = ""
            for key in (key for key in old if old[key] != new[key]):
                raise ValueError(
                    f"{self.folder} holds a recording with {key} = {old[key]!r}, not "
                    f"{new[key]!r}: choose another --out, or the same settings to resume"
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        tmp = self.folder / "manifest.json.tmp"
        tmp.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        tmp.replace(self.folder / "manifest.json")

    def recorded(self, number: int) -> list[Item]:
        """Return the problems whose traces shard ``number`` holds."""
        return items_in(self.shards, number)

    def traces(self) -> list[Trace]:
        """Read every recorded trace, in the task's order, then that of the rollouts.

        Raises:
            ValueError: if the folder is not a run, or nothing was recorded.
        """
        traces: list[Trace] = []
        for number in shard_numbers(self.shards):
            traces += read_shard(self.shards, number)
        counts = Counter((trace.problem, trace.rollout) for trace in traces)
        twice = [problem for (problem, _), count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"{self.shards} holds problem {twice[0]!r} twice: record again")
        if not traces:
            _ = self.manifest  # tells a folder that is no run
            raise ValueError(f"{self.folder} holds no traces yet: run `probexit record` again")
        return traces


def _check(manifest: Manifest) -> None:
    """Refuse values that no recording has.

    Raises:
        ValueError: naming the field.
    """
    unknown = sorted(manifest.decoding.keys() - Decoding.__dataclass_fields__.keys())
    if unknown:
        raise ValueError(f"decoding holds {unknown[0]!r}, which is unknown to this version")
    TypeAdapter(Decoding).validate_json(json.dumps(manifest.decoding), strict=True)
    if min(manifest.answer_tokens, manifest.shard_size, manifest.rollouts) < 1:
        raise ValueError("answer_tokens, shard_size and rollouts must be at least 1")
    if manifest.seed < 0:
        raise ValueError("seed must be at least 0")
    try:
        tags_from(manifest.tags)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"tags are no thinking tags ({error})") from error
    TypeAdapter(Fingerprint).validate_json(json.dumps(manifest.fingerprint), strict=True)
    Loading.recorded_as(manifest.dtype, manifest.loading)
    if not manifest.layers or min(manifest.layers) < 0:
        raise ValueError(f"layers {manifest.layers} are no layers")


def template_digest(reasoner: Reasoner) -> str:
    """Return a hash of the chat template and its arguments."""
    whole = f"{reasoner.tokenizer.chat_template}{sorted(reasoner.template_args.items())}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def tags_from(data: dict[str, Any]) -> ThinkTags:
    """Rebuild thinking tags from a manifest."""
    begin, end = data["mute"]
    return ThinkTags(data["open"], data["close"], (begin, end))


def _settings(manifest: Manifest) -> dict[str, Any]:
    """Return what a continued run must share, name by name, as JSON has it.

    Neither library versions nor the size of batches change what is recorded.
    """
    settings: dict[str, Any] = json.loads(json.dumps(asdict(manifest)))
    decoding = settings.pop("decoding")
    del settings["versions"], decoding["batch_size"]
    for later in ("base", "kind"):  # what runs of older versions did not note
        settings["fingerprint"].pop(later, None)
    settings.update(decoding)
    return settings
