"""The exit controller: where to look, what to read, when to leave, and what to write then."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from probexit.exits.fingerprint import Fingerprint
from probexit.exits.html import facts
from probexit.exits.persist import describe, from_json, restore, to_json
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.signals.base import Signal
from probexit.hooks.cues.base import CueSet
from probexit.hooks.think_tags import ThinkTags

FORMAT = 1


@dataclass(frozen=True)
class ExitController:
    """A complete exit rule, as deployed; the same object is replayed, calibrated and run live.

    Attributes:
        cues: Where in the thinking to look.
        signal: What is measured there.
        policy: When to leave, with its threshold.
        tags: The model's thinking tags.
        closing: What is written after the closing tag on an exit, to start the answer.
        model: The model it was made for; None attaches to any model.
        answer_tokens: Room kept for the answer: an exit that would leave less is not taken.
        max_thinking: Thinking tokens after which the thinking is closed, cue or no cue. Set it to
            the token limit of the recording: it then only replaces runs that never answered.
        certificate: What calibration promised, as JSON.
    """

    cues: CueSet
    signal: Signal
    policy: ExitPolicy
    tags: ThinkTags
    closing: str
    model: Fingerprint | None = None
    answer_tokens: int = 32
    max_thinking: int | None = None
    certificate: dict[str, Any] = field(default_factory=dict)

    def with_threshold(self, threshold: float) -> Self:
        """Return the same controller at another threshold."""
        return replace(self, policy=replace(self.policy, threshold=threshold))

    def closing_ids(self, tokenizer: Any) -> list[int]:
        """Return the tokens that close the thinking and start the answer."""
        ids = tokenizer.encode(self.tags.close + self.closing, add_special_tokens=False)
        return [int(i) for i in ids]

    def save(self, folder: Path) -> None:
        """Write ``controller.json`` (and the probe beside it) into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        parts = {name: describe(getattr(self, name), folder) for name in _PARTS}
        plain = {name: getattr(self, name) for name in _PLAIN}
        model = asdict(self.model) if self.model else None
        data = {"format": FORMAT, **parts, **plain, "model": model}
        (folder / "controller.json").write_text(to_json(data), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a controller from its folder.

        Raises:
            ValueError: if the folder holds no controller, a damaged one, one of an unknown format,
                or one with a part that is not probexit's.
        """
        file = Path(folder) / "controller.json"
        if not file.is_file():
            raise ValueError(f"{folder} holds no controller.json: run `probexit calibrate` first")
        try:
            data = from_json(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{file} is damaged ({error}): run `probexit calibrate` again"
            ) from error
        if data.get("format") != FORMAT:
            raise ValueError(f"{file} has format {data.get('format')}; this version reads {FORMAT}")
        parts = {name: restore(data[name], Path(folder)) for name in _PARTS}
        plain = {name: data[name] for name in _PLAIN}
        model = Fingerprint(**data["model"]) if data["model"] else None
        return cls(**parts, **plain, model=model)

    def _repr_html_(self) -> str:
        promise = self.certificate.get("statement", "nothing: this controller was not calibrated")
        layers = f", layers {list(self.signal.layers)}" if self.signal.layers else ""
        model = self.model.name if self.model else "any model"
        return facts(
            {
                "looks at": repr(self.cues),
                "reads": type(self.signal).__name__ + layers,
                "leaves": repr(self.policy),
                "then writes": repr(self.tags.close + self.closing),
                "made for": str(self.certificate.get("model", model)),
                "promises": promise,
            }
        )


_PARTS = ("cues", "signal", "policy", "tags")
_PLAIN = ("closing", "answer_tokens", "max_thinking", "certificate")
