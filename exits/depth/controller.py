"""A rule and a mode, ready to attach to a model; frozen, one folder on disk."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from safetensors.torch import load_file, save_file
from torch import Tensor

from probexit.exits.depth.attachment import DepthAttachment, generate_through
from probexit.exits.depth.gates import Gates
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.persist import describe, rebuild
from probexit.exits.depth.refusals import refuse_around, refuse_inside, refuse_model
from probexit.exits.depth.rule import ExitRule
from probexit.exits.fingerprint import Fingerprint

FORMAT = 1


@dataclass(frozen=True)
class DepthController:
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

    def with_threshold(self, threshold: float) -> Self:
        """Return the same controller at another threshold."""
        return replace(self, rule=self.rule.at(threshold))

    def save(self, folder: Path | str) -> None:
        """Write ``depth.json`` and ``depth.safetensors`` into ``folder``."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {}
        data = {
            "format": FORMAT,
            "rule": describe(self.rule, "rule", tensors),
            "mode": describe(self.mode, "mode", tensors),
            "model": asdict(self.model) if self.model else None,
            "certificate": self.certificate,
        }
        (folder / "depth.json").write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
        save_file(whole, folder / "depth.safetensors")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a controller from its folder.

        Raises:
            ValueError: if the folder holds no depth controller, one of an unknown format, or one
                that names a class outside probexit.
        """
        file = Path(folder) / "depth.json"
        if not file.is_file():
            raise ValueError(f"{folder} holds no depth.json: run `probexit depth fit` first")
        data = json.loads(file.read_text(encoding="utf-8"))
        if data.get("format") != FORMAT:
            raise ValueError(f"{file} has format {data.get('format')}; this version reads {FORMAT}")
        tensors = load_file(Path(folder) / "depth.safetensors")
        rule, mode = (rebuild(data[name], name, tensors) for name in ("rule", "mode"))
        model = Fingerprint(**data["model"]) if data["model"] else None
        return cls(rule, mode, model, data["certificate"])

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
