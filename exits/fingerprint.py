"""Tell one model from another, so that a controller is never attached to the wrong one."""

import hashlib
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
    """

    name: str
    layers: int
    width: int
    weights: str

    @classmethod
    def of(cls, model: Any) -> "Fingerprint":
        """Take the fingerprint of a loaded model."""
        digest = hashlib.sha256()
        for weight in (
            model.get_input_embeddings().weight,
            *decoder_layers(model)[-1].parameters(),
        ):
            digest.update(_bytes(weight[:ROWS]))
        return cls(
            name=str(getattr(model.config, "_name_or_path", "")),
            layers=n_layers(model),
            width=hidden_size(model),
            weights=digest.hexdigest()[:16],
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
                raise ValueError(
                    f"this controller was made for {self.name or 'another model'} "
                    f"({field} {mine}), not for {other.name or 'this model'} ({field} {theirs}); "
                    "record, fit and calibrate on the model you attach to"
                )


def _bytes(weight: Tensor) -> bytes:
    """Return a weight's bytes in bfloat16, the same whatever dtype it was loaded in."""
    rounded = weight.detach().to("cpu", torch.bfloat16).contiguous()
    return rounded.view(torch.int16).numpy().tobytes()
