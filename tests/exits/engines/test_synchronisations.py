"""How often a step waits for the device: once for all rows, and it sends nothing it could keep.

There is no device here. What a model makes is a tensor that counts whenever Python reads it; what
is sent is counted where a tensor is made for a device.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.policies.never import Never
from probexit.exits.signals.entropy_cusum import EntropyCusum
from probexit.hooks.cues.every_k import EveryK

NEW = 14
READS = ("tolist", "item", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__")
SENDS = (torch.tensor, torch.as_tensor)
Prompts = list[list[int]]


class Counted(Tensor):
    """A tensor of the device: what is made of it is one, too, until it is read."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in READS and _ours():
            Steps.now[-1]["reads"] += 1
            args = (args[0].as_subclass(Tensor), *args[1:])
            return func(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs)


class Sends(TorchFunctionMode):
    """Counts tensors that are made for the device from numbers of the host."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in SENDS and (kwargs or {}).get("device") is not None and _ours():
            Steps.now[-1]["sends"] += 1
        return func(*args, **(kwargs or {}))


class Steps:
    """What was counted in each step: from one forward pass to the next."""

    now: list[dict[str, int]]


def _ours() -> bool:
    """Tell whether the caller is neither transformers nor torch."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_name == "__torch_function__":
        frame = frame.f_back
    return not any(f"/{name}/" in frame.f_code.co_filename for name in ("transformers", "torch"))


@contextmanager
def counting(model: Any) -> Iterator[list[dict[str, int]]]:
    """Run a model on counted tensors; yield what each of its steps read and sent."""
    Steps.now = [{"reads": 0, "sends": 0}]

    def begin(_: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        Steps.now.append({"reads": 0, "sends": 0})
        return args, kwargs | {"input_ids": kwargs["input_ids"].as_subclass(Counted)}

    handle = model.register_forward_pre_hook(begin, with_kwargs=True)
    try:
        with Sends():
            yield Steps.now
    finally:
        handle.remove()


@pytest.fixture
def watching(reading: Callable[..., Any]) -> Callable[..., Any]:
    """``watching(k)``: a controller that looks at every k-th token and never leaves."""
    return lambda k: reading(0.0, cues=EveryK(k), policy=Never())


@pytest.fixture
def model(lively: Callable[..., Any]) -> Any:
    made = lively("llama")
    made.generation_config.eos_token_id = 127  # rows run on
    return made


def steady(steps: list[dict[str, int]], name: str) -> list[int]:
    """Counts of the steps behind the prompt's, up to the last but one, when rows end."""
    return [step[name] for step in steps[2:-1]]


@pytest.mark.parametrize("rows", [1, 8])
def test_the_own_loop_reads_once_a_step(
    rows: int, model: Any, words: Any, prompts: Prompts, watching: Callable[..., Any]
) -> None:
    """With a cue at each step or none, with notes or none, sampled or not."""
    for k, temperature, notes in ((1, 0.0, None), (99, 1.0, TokenNotes())):
        decoding = Decoding(NEW, temperature=temperature, batch_size=rows)
        loop = Loop(model, words, watching(k), decoding)
        with counting(model) as steps:
            loop.run(prompts[:rows], notes=notes)
        assert max(steady(steps, "reads")) == 1
        assert sum(steady(steps, "sends")) < rows  # places are sent when a row stops thinking


def test_a_processor_that_reads_row_by_row_is_seen(
    model: Any, words: Any, prompts: Prompts
) -> None:
    """Positive control."""

    def nosy(rows: Any, logits: Tensor) -> Tensor:
        assert all(float(row[0]) < 1e9 for row in logits)
        return logits + torch.tensor([0.0], device=logits.device)

    loop = Loop(model, words, None, Decoding(NEW, batch_size=8), processors=[nosy])
    with counting(model) as steps:
        loop.run(prompts[:8])
    assert max(steady(steps, "reads")) == 9
    assert max(steady(steps, "sends")) == 1


@pytest.mark.parametrize("rows", [1, 8])
def test_attach_reads_tokens_once_and_scores_once_at_a_cue(
    rows: int,
    model: Any,
    words: Any,
    prompts: Prompts,
    watching: Callable[..., Any],
    left_padded: Callable[..., Any],
) -> None:
    inputs = left_padded(prompts[:rows])
    for k, reads in ((99, 1), (1, 2)):
        with attach(model, words, watching(k)), counting(model) as steps:
            model.generate(**inputs, max_new_tokens=NEW, do_sample=False)
        assert max(steady(steps, "reads")) == reads
        assert sum(steady(steps, "sends")) < rows


def test_a_signal_that_reads_every_token_reads_it_at_cues(
    model: Any, words: Any, prompts: Prompts, watching: Callable[..., Any]
) -> None:
    controller = replace(watching(4), signal=EntropyCusum())
    loop = Loop(model, words, controller, Decoding(NEW, batch_size=8))
    with counting(model) as steps:
        loop.run(prompts[:8])
    reads = steady(steps, "reads")
    assert set(reads) == {1, 2}
    assert reads.count(2) <= len(reads) / 4 + 1  # only where a row stands at a cue
