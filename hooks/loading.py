"""How the weights of a model are loaded: precision, placement, attention, quantisation, adapter."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch

QUANTIZED: Mapping[str, Mapping[str, Any]] = {
    "bnb-8bit": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "bnb-4bit": {"quant_method": "bitsandbytes", "load_in_4bit": True},
}
"""Quantisation on loading, by name; quantised checkpoints (GPTQ, AWQ, ...) need no name."""
RECORDED = ("attention", "quantization", "adapter", "gguf")
TORCHAO = {"torchao-int8": "Int8WeightOnlyConfig"}


@dataclass(frozen=True)
class Loading:
    """How to load a model's weights.

    Attributes:
        dtype: "auto" (as the weights were saved), "float32", "bfloat16" or "float16"; replay equals
            live token for token in float32.
        device_map: "auto" spreads a model over devices (accelerate); "" takes one device.
        attention: Attention implementation of transformers, such as "eager"; "" its own choice.
        quantization: A name of ``QUANTIZED`` or ``TORCHAO``, or the JSON of a quantisation
            configuration of transformers; "" loads the weights as they are.
        adapter: Folder or hub id of a peft adapter; "" none.
        gguf: GGUF file within the model's folder or repository; "" none.
        trust_remote_code: Whether code that comes with the model may run.
    """

    dtype: str = "auto"
    device_map: str = ""
    attention: str = ""
    quantization: str = ""
    adapter: str = ""
    gguf: str = ""
    trust_remote_code: bool = False

    @classmethod
    def recorded_as(cls, dtype: str, recorded: Mapping[str, str]) -> Self:
        """Undo ``recorded``; what may run is never taken from a file.

        Raises:
            ValueError: on a setting that is not one of those.
        """
        odd = sorted(set(recorded) - set(RECORDED))
        if odd:
            raise ValueError(f"loading holds {odd[0]!r}, which is not one of {', '.join(RECORDED)}")
        return cls(dtype, **dict(recorded))  # type: ignore[arg-type]  # its keys are checked

    @property
    def placed(self) -> bool:
        """Whether loading itself puts the weights where they belong."""
        return bool(self.device_map or self.quantization)

    def settings(self) -> dict[str, Any]:
        """Return keyword arguments of ``from_pretrained`` for the model.

        Raises:
            ValueError: on a precision or a quantisation that is unknown, or not installed.
        """
        found: dict[str, Any] = {"dtype": self._dtype()}
        if self.device_map:
            found["device_map"] = self.device_map
        elif self.quantization:
            found["device_map"] = {"": "cuda" if torch.cuda.is_available() else "cpu"}
        if self.attention:
            found["attn_implementation"] = self.attention
        if self.quantization:
            found["quantization_config"] = self._quantized()
        return found | self.tokenizer_settings()

    def tokenizer_settings(self) -> dict[str, Any]:
        """Return keyword arguments of ``from_pretrained`` for the tokenizer."""
        found: dict[str, Any] = {"gguf_file": self.gguf} if self.gguf else {}
        # Said even where it is off: transformers would ask at the terminal.
        return found | {"trust_remote_code": self.trust_remote_code}

    def recorded(self) -> dict[str, str]:
        """Return what changes the numbers, for a manifest: not the machine, nor what is trusted."""
        found = {name: getattr(self, name) for name in RECORDED}
        return {name: value for name, value in found.items() if value}

    def _dtype(self) -> Any:
        found = "auto" if self.dtype == "auto" else getattr(torch, self.dtype, None)
        if found != "auto" and not (isinstance(found, torch.dtype) and found.is_floating_point):
            raise ValueError(
                f"unknown dtype {self.dtype!r}: use auto, float32, bfloat16 or float16"
            )
        return found

    def _quantized(self) -> Any:
        from transformers.quantizers.auto import AutoQuantizationConfig

        try:
            if self.quantization in TORCHAO:
                return _torchao(TORCHAO[self.quantization])
            plain = dict(QUANTIZED.get(self.quantization) or _parsed(self.quantization))
            return AutoQuantizationConfig.from_dict(plain)
        except (ImportError, KeyError, TypeError) as error:
            raise ValueError(f"quantization {self.quantization!r}: {error}") from error


def _torchao(name: str) -> Any:
    from importlib import import_module

    from transformers import TorchAoConfig

    return TorchAoConfig(getattr(import_module("torchao.quantization"), name)())


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        known = ", ".join((*QUANTIZED, *TORCHAO))
        raise ValueError(
            f"unknown quantization {text!r}: use one of {known}, or the JSON of a configuration"
        )
    return found
