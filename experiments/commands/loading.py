"""The arguments that say how a model's weights are loaded, shared by all commands that load one."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from probexit.hooks.loading import Loading


def add_loading(parser: ArgumentParser) -> None:
    """Add precision, placement, attention, quantisation, adapter and trust."""
    add = parser.add_argument_group("how the model is loaded").add_argument
    add("--dtype", help="auto, float32, bfloat16 or float16; default: as saved, or as recorded")
    add("--device-map", default="", help="such as auto: spread the model over devices (accelerate)")
    add("--attn-implementation", help="such as sdpa, eager or flash_attention_2")
    add(
        "--quantization",
        help="bnb-8bit, bnb-4bit, torchao-int8, or the JSON of a quantisation configuration; "
        "quantised checkpoints need none",
    )
    add("--adapter", help="folder or hub id of a peft adapter")
    add("--gguf", help="GGUF file within the model's folder or repository")
    add("--trust-remote-code", action="store_true", help="let code run that comes with the model")


def loading_of(
    args: Namespace, dtype: str = "auto", recorded: Mapping[str, str] | None = None
) -> "Loading":
    """Return what the arguments say, and else what was recorded.

    Args:
        args: The arguments of ``add_loading``.
        dtype: Precision where none is given.
        recorded: What ``Loading.recorded`` returned; what may run is never taken from it.
    """
    from probexit.hooks.loading import Loading

    given = {
        "dtype": args.dtype,
        "attention": args.attn_implementation,
        "quantization": args.quantization,
        "adapter": args.adapter,
        "gguf": args.gguf,
    }
    return replace(
        Loading.recorded_as(dtype, recorded or {}),
        device_map=args.device_map,
        trust_remote_code=args.trust_remote_code,
        **{name: value for name, value in given.items() if value is not None},
    )
