"""The exit controller: where to look, what to read, when to leave, and what to write then."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from probexit.exits.artefacts.cards import card
from probexit.exits.artefacts.controllers import load_controller, save_controller
from probexit.exits.artefacts.promise import check_promise, without_promise
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.shown import Shown
from probexit.exits.signals.base import Signal
from probexit.hooks.continuation import continuation_ids
from probexit.hooks.cues.base import CueSet
from probexit.hooks.think_tags import ThinkTags
from probexit.probes.artefacts.hub import OnHub


@dataclass(frozen=True, repr=False)
class ExitController(Shown, OnHub):
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

    def __post_init__(self) -> None:
        if math.isnan(self.policy.threshold):
            raise ValueError("policy.threshold is not a number (NaN)")
        if self.answer_tokens < 1:
            raise ValueError(
                f"answer_tokens = {self.answer_tokens}: keep room for 1 token at least"
            )
        if self.max_thinking is not None and self.max_thinking < 0:
            raise ValueError(f"max_thinking = {self.max_thinking} must not be negative")
        check_promise(self.certificate, self.policy.threshold)

    def with_threshold(self, threshold: float) -> Self:
        """Return the same controller at another threshold, for which nothing is promised yet."""
        if threshold == self.policy.threshold:
            return self
        policy = replace(self.policy, threshold=threshold)
        return replace(self, policy=policy, certificate=without_promise(self.certificate))

    def closing_ids(self, tokenizer: Any) -> list[int]:
        """Return the tokens that close the thinking and start the answer."""
        return continuation_ids(tokenizer, self.tags.close + self.closing)

    def save(self, folder: Path | str) -> None:
        """Write ``controller.json`` and its tensors into ``folder``, in place of those there.

        Raises:
            ValueError: if a part cannot be found again by its name.
        """
        save_controller(self, Path(folder), "controller")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a controller from its folder.

        Raises:
            ValueError: if the folder holds no controller, a damaged or changed one, one of an
                unknown format, or one with a part that is no member of its family.
        """
        return load_controller(cls, Path(folder), "controller", "probexit calibrate")

    def card(self, name: str) -> str:
        """Return the model card."""
        return card(
            f"{name}: an exit controller",
            self._facts(),
            self.certificate,
            [
                "import probexit as px",
                f"reasoner = px.load({str(self.certificate.get('model', 'MODEL'))!r})",
                f"controller = px.ExitController.from_pretrained({name!r})",
                "with px.attach(reasoner, controller):",
                '    print(reasoner.ask("..."))',
            ],
        )

    def described(self) -> tuple[str, dict[str, str]]:
        promise = self.certificate.get("statement", "nothing: this controller was not calibrated")
        return "Exit controller", {**self._facts(), "promises": promise}

    def _facts(self) -> dict[str, str]:
        """Say in words what the controller does, but for its promise."""
        layers = f", layers {list(self.signal.layers)}" if self.signal.layers else ""
        model = self.model.name if self.model else "any model"
        return {
            "looks at": repr(self.cues),
            "reads": type(self.signal).__name__ + layers,
            "leaves": repr(self.policy),
            "then writes": repr(self.tags.close + self.closing),
            "made for": str(self.certificate.get("model", model)),
        }
