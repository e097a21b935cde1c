"""Tell in vLLM whether the model is the one that a controller was made for.

vLLM keeps weights in a form of its own, so they are read where it took them from. The hash is that
of `probexit.exits.fingerprint`: the input embedding and the last decoder layer.
"""

import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from probexit.exits.fingerprint import ROWS, Fingerprint, hashed
from probexit.hooks.layers import decoder_layers

logger = logging.getLogger("vllm.probexit")


def refuse_other_model(expected: Fingerprint, model: Any, config: Any) -> None:
    """Refuse a model that is not the controller's.

    Args:
        expected: The controller's.
        model: vLLM's model, loaded.
        config: vLLM's ``ModelConfig``.

    Raises:
        ValueError: naming what differs.
    """
    text = config.hf_text_config
    here: dict[str, Any] = {"width": int(text.hidden_size), "layers": int(text.num_hidden_layers)}
    here |= _weights(config)
    if "weights" not in here and expected.base:
        here["base"] = hashed([_embedding(model)])
        logger.warning(
            "probexit: the weights of %s could not be read from its folder; its size and input "
            "embedding are compared, not its last layer",
            config.model,
        )
    if bool(config.quantization) != bool(expected.kind):
        raise ValueError(
            f"this controller was made for {expected.form}, and vLLM loads "
            f"{config.quantization or 'plain weights'}: record here, take the probe over with "
            "`probexit fit RUN --from`, and calibrate"
        )
    for name, found in here.items():
        wanted = getattr(expected, name)
        if wanted != found:
            raise ValueError(
                f"this controller was made for {expected.name or 'another model'} "
                f"({name} {wanted}), not for {config.model} ({name} {found}); record, fit and "
                "calibrate on the model that you serve"
            )


def _weights(config: Any) -> dict[str, Any]:
    """Hash the weights in a model's folder; {} where they lie in another form."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        shell = AutoModelForCausalLM.from_config(config.hf_config)
    try:
        folder = _folder(config)
        embedding = shell.get_input_embeddings().weight
        wanted = [embedding, *decoder_layers(shell)[-1].parameters()]
        names = {id(weight): name for name, weight in shell.named_parameters()}
        rows = [_rows(folder, names[id(weight)]) for weight in wanted]
    except (KeyError, OSError, ValueError):
        return {}
    return {"weights": hashed(rows)}


def _folder(config: Any) -> Path:
    """Return where the checkpoint lies: its folder, or its place among those fetched."""
    if Path(config.model).is_dir():
        return Path(config.model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(config.model, revision=config.revision, local_files_only=True))


def _rows(folder: Path, name: str) -> Tensor:
    """Read the first rows of one weight.

    Raises:
        KeyError: if no file has it.
    """
    from safetensors import safe_open

    index = folder / "model.safetensors.index.json"
    file = folder / "model.safetensors"
    if index.is_file():
        file = folder / json.loads(index.read_text())["weight_map"][name]
    with safe_open(file, framework="pt") as opened:
        if name not in opened.keys():  # noqa: SIM118 - it is no mapping
            raise KeyError(name)
        found: Tensor = opened.get_slice(name)[:ROWS]
        return found


def _embedding(model: Any) -> Tensor:
    """Return the first rows of the input embedding as vLLM holds it.

    Raises:
        ValueError: if there is none.
    """
    from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding

    for module in model.modules():
        if type(module) is VocabParallelEmbedding:
            weight: Tensor = module.weight[:ROWS]
            return weight
    raise ValueError(f"{type(model).__name__} has no input embedding that could be compared")
