"""Tell one model from another, so that a controller is never attached to the wrong one."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.hooks.layers import decoder_layers, hidden_size, n_layers

ROWS = 64  # of each weight that is hashed


@dataclass(frozen=True)
class Fingerprint:
    """What a controller remembers of the model it was made for.

    Attributes:
        name: Folder or hub id, for the reader; not compared.
        layers: Number of decoder layers.
        width: Width of the residual stream.
        weights: Hash of some weights in bfloat16: the first rows of the input embedding, and of
            everything in the last decoder layer (a fine-tuned model may keep its embedding).
        base: Hash of the first rows of the input embedding, which quantisation and adapters leave
            as they are; "" where it was not noted.
        kind: How the weights were quantised, and which adapters are active; "" for neither.
    """

    name: str
    layers: int
    width: int
    weights: str
    base: str = ""
    kind: str = ""

    @classmethod
    def of(cls, model: Any) -> "Fingerprint":
        """Take the fingerprint of a loaded model."""
        embedding = model.get_input_embeddings().weight
        return cls(
            name=str(getattr(model.config, "_name_or_path", "")),
            layers=n_layers(model),
            width=hidden_size(model),
            weights=hashed([embedding, *decoder_layers(model)[-1].parameters()]),
            base=hashed([embedding]),
            kind=weights_kind(model),
        )

    def check(self, model: Any) -> None:
        """Refuse a model that is not the one this was taken from.

        Raises:
            ValueError: naming what differs.
        """
        other = Fingerprint.of(model)
        for field in ("width", "layers", "weights"):
            mine, theirs = getattr(self, field), getattr(other, field)
            if mine != theirs:
                remedy = "record, fit and calibrate on the model you attach to"
                if self.carries_to(other):
                    remedy = (
                        f"it is the same model in another form ({self.form} there, {other.form} "
                        "here): record here, take the probe over with `probexit fit RUN --from`, "
                        "and calibrate"
                    )
                raise ValueError(
                    f"this controller was made for {self.name or 'another model'} "
                    f"({field} {mine}), not for {other.name or 'this model'} ({field} {theirs}); "
                    f"{remedy}"
                )

    def carries_to(self, other: "Fingerprint") -> bool:
        """Tell whether ``other`` is this model quantised otherwise, or with other adapters.

        A probe may then be tried on it; a promise has to be made anew.
        """
        same = (self.width, self.layers, self.base) == (other.width, other.layers, other.base)
        return bool(self.base) and same and self.kind != other.kind

    @property
    def form(self) -> str:
        """How the weights were loaded, in words."""
        return self.kind or "plain weights"


def weights_kind(model: Any) -> str:
    """Name a model's quantisation and its active adapters; "" for neither."""
    found = []
    quantized = getattr(model.config, "quantization_config", None)
    if quantized is not None:
        plain = quantized if isinstance(quantized, dict) else quantized.to_dict()
        method = str(getattr(plain.get("quant_method"), "value", plain.get("quant_method")))
        bits = next((b for b in (8, 4) if plain.get(f"load_in_{b}bit")), plain.get("bits"))
        found.append(f"{method} {bits} bit" if bits else method)
    loaded = getattr(model, "_hf_peft_config_loaded", False)  # by transformers, not by peft
    adapters = model.active_adapters() if loaded else getattr(model, "peft_config", {})
    return ", ".join([*found, *(f"adapter {name}" for name in adapters)])


def hashed(weights: Iterable[Tensor]) -> str:
    """Return 16 hex digits for the first rows of some weights of any shape, in their order."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(_bytes(weight[:ROWS]))
    return digest.hexdigest()[:16]


def _bytes(weight: Tensor) -> bytes:
    """Return a weight's bytes in bfloat16, the same whatever dtype it was loaded in."""
    if type(weight.data) is not Tensor:  # a quantised tensor of torchao has no bytes of its own
        weight = weight.dequantize()
    rounded = weight.detach().to("cpu", torch.bfloat16).contiguous()
    return rounded.view(torch.int16).numpy().tobytes()
