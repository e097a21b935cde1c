"""A rule and a mode, ready to attach to a model; frozen, one folder on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from probexit.exits.artefacts.cards import card
from probexit.exits.artefacts.controllers import load_controller, save_controller
from probexit.exits.artefacts.promise import check_promise, without_promise
from probexit.exits.depth.interception.attachment import DepthAttachment, generate_through
from probexit.exits.depth.interception.gates import Gates
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.refusals import refuse_around, refuse_inside, refuse_model
from probexit.exits.depth.rule import ExitRule
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.shown import Shown
from probexit.probes.artefacts.hub import OnHub


@dataclass(frozen=True, repr=False)
class DepthController(Shown, OnHub):
    """Layer exits as deployed.

    Attributes:
        rule: When a token leaves.
        mode: What is done then.
        model: The model it was made for; None attaches to any.
        certificate: What calibration promised, as JSON.
    """

    rule: ExitRule
    mode: Mode
    model: Fingerprint | None = None
    certificate: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode.live and self.rule.decider.needs_final:
            raise ValueError(
                f"{type(self.rule.decider).__name__} needs the full model's token: "
                "it works in shadow mode only"
            )
        if self.rule.head.attends and not self.mode.whole_texts:
            raise ValueError(
                f"{type(self.rule.head).__name__} attends to every token before: it works in the "
                f"mode static only, not in {type(self.mode).__name__}"
            )
        if self.rule.head.own_words and not self.mode.reads_exits:
            raise ValueError(
                f"{type(self.rule.head).__name__} has an unembedding of its own: it works in the "
                f"modes catch_up and shadow, not in {type(self.mode).__name__}"
            )
        check_promise(self.certificate, self.rule.threshold)

    def with_threshold(self, threshold: float) -> Self:
        """Return the same controller at another threshold, for which nothing is promised yet."""
        if threshold == self.rule.threshold:
            return self
        certificate = without_promise(self.certificate)
        return replace(self, rule=self.rule.at(threshold), certificate=certificate)

    def with_stop(self, threshold: float) -> Self:
        """Return the same controller with another threshold at which its decider ends the text.

        Nothing is promised for it yet.

        Raises:
            ValueError: if the decider ends no text.
        """
        rule = replace(self.rule, decider=self.rule.decider.with_stop(threshold))
        return replace(self, rule=rule, certificate=without_promise(self.certificate))

    def save(self, folder: Path | str) -> None:
        """Write ``depth.json`` and its tensors into ``folder``, in place of those there.

        Raises:
            ValueError: if a part cannot be found again by its name.
        """
        save_controller(self, Path(folder), "depth")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a controller from its folder.

        Raises:
            ValueError: if the folder holds no depth controller, a damaged or changed one, one of an
                unknown format, or one with a part that is no member of its family.
        """
        return load_controller(cls, Path(folder), "depth", "probexit depth fit")

    def card(self, name: str) -> str:
        """Return the model card."""
        usage = [
            "import probexit as px",
            'reasoner = px.load("MODEL")',
            f"controller = px.DepthController.from_pretrained({name!r})",
            "with controller.attach(reasoner.model):",
            '    print(reasoner.ask("..."))',
        ]
        guarantee = "the same text" if self.mode.lossless else "see below"
        told = {**self._facts(), "guarantee": guarantee}
        return card(f"{name}: layer exits", told, self.certificate, usage)

    def described(self) -> tuple[str, dict[str, str]]:
        unsaid = "the same text" if self.mode.lossless else "nothing: it was not calibrated"
        promise = str(self.certificate.get("statement", unsaid))
        return "Layer exits", {**self._facts(), "promises": promise}

    def _facts(self) -> dict[str, str]:
        rule = self.rule
        return {
            "leaves": f"after layers {list(rule.layers)}, by {type(rule.decider).__name__}",
            "then": type(self.mode).__name__,
        }

    @contextmanager
    def attach(self, model: Any) -> Iterator[DepthAttachment]:
        """Let tokens leave early in every ``model.generate`` call inside the block.

        Works together with a reasoning exit controller (`probexit.attach`) that reads layers no
        deeper than the first exit. Attach that one inside this block; modes that run in batches
        may also be attached inside its block.

        Raises:
            ValueError: if the model, or a mode of ``generate``, cannot work with layer exits, or if
                layer exits are attached already. The model is restored after any exception.
        """
        refuse_model(model)
        refuse_around(model, self.mode, self.rule.layers[0])
        if self.model is not None:
            self.model.check(model)
        running = self.mode.start(model, self.rule)

        def check(kwargs: dict[str, Any]) -> None:
            refuse_inside(kwargs.get("logits_processor"), self.mode, self.rule.layers[0])

        with (
            Gates(model, running.handler) as gates,
            generate_through(model, running.arguments, check),
        ):
            yield DepthAttachment(running.trace, gates)
