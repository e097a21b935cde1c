"""Texts under the deployed rule at each threshold, and the table of losses for a calibrator."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.trace import DepthTrace
from probexit.exits.depth.tuning.losses import TextLoss
from probexit.exits.engines.cache import RowCache
from probexit.hooks.forward import generate_cache_name
from probexit.hooks.padding import padded


@dataclass(frozen=True)
class Reference:
    """What texts are compared with.

    Attributes:
        prompts: ``[n]`` token ids, unpadded.
        full: ``[n]`` continuations, greedy: the full model's, or the rule's without its stop.
    """

    prompts: list[list[int]]
    full: list[list[int]]


@dataclass(frozen=True)
class Rollouts:
    """What ``n`` problems wrote at ``m`` thresholds, strict to lax.

    Attributes:
        thresholds: Thresholds of the rule; falling.
        full: ``[n]`` continuations of the full model, token ids.
        early: ``[m][n]`` continuations at each threshold.
        depths: ``[m]`` mean layers run per decoded token, a batch's padding included.
    """

    thresholds: tuple[float, ...]
    full: list[list[int]]
    early: list[list[list[int]]]
    depths: list[float]

    def losses(self, loss: TextLoss) -> Tensor:
        """Return ``[n, m]`` float64: what each problem loses at each threshold."""
        columns = [
            [
                loss(i, text, full)
                for i, (text, full) in enumerate(zip(texts, self.full, strict=True))
            ]
            for texts in self.early
        ]
        return torch.tensor(columns, dtype=torch.float64).T


@dataclass(frozen=True)
class Writing:
    """How texts are written.

    Attributes:
        max_new_tokens: Limit of each text.
        batch: Prompts at once, for modes that can; rows leave on their own, so it changes no text.
    """

    max_new_tokens: int = 256
    batch: int = 1


def roll_out(
    model: Any,
    at: Callable[[float], DepthController],
    reference: Reference,
    thresholds: Sequence[float],
    writing: Writing | None = None,
) -> Iterator[Rollouts]:
    """Continue every prompt greedily at each threshold, strict to lax.

    Yields the table so far after each threshold: a test in fixed sequence can stop there, and has
    no use for the roll-outs beyond. ``*_, table = roll_out(...)`` makes them all.

    Args:
        model: Causal language model, eval mode.
        at: Returns rule and mode at a threshold, as they will be deployed.
        reference: The prompts, and what the texts are compared with.
        thresholds: Falling: each lets at least as many tokens leave (or texts end) as the one
            before, token by token; the order is fixed before any data are seen.
        writing: Limit and batch.

    Raises:
        ValueError: if the thresholds do not fall.
    """
    if list(thresholds) != sorted(set(thresholds), reverse=True):
        raise ValueError(f"thresholds {list(thresholds)} must fall: strict first, each once")
    writing = writing or Writing()
    early, depths = [], []
    for threshold in thresholds:
        texts, trace = continuations(model, at(threshold), reference.prompts, writing)
        early.append(texts)
        depths.append(trace.mean_depth())
        yield Rollouts(tuple(thresholds[: len(early)]), reference.full, list(early), list(depths))


def continuations(
    model: Any,
    controller: DepthController,
    prompts: Sequence[Sequence[int]],
    writing: Writing,
) -> tuple[list[list[int]], DepthTrace]:
    """Write greedily after every prompt; return the new tokens and what happened."""
    with controller.attach(model) as attached:
        return write(model, prompts, writing), attached.trace


def write(model: Any, prompts: Sequence[Sequence[int]], writing: Writing) -> list[list[int]]:
    """Return the new tokens that ``model.generate`` writes greedily after every prompt."""
    texts = []
    for first in range(0, len(prompts), writing.batch):
        some = prompts[first : first + writing.batch]
        ids, mask = (part.to(model.device) for part in padded(some, "left"))
        # transformers' own cache copies itself at each step, which is dear in a large batch.
        cache = {generate_cache_name(): RowCache()} if len(some) > 1 else {}
        written = model.generate(
            ids,
            attention_mask=mask,
            max_new_tokens=writing.max_new_tokens,
            do_sample=False,
            **cache,
        )
        texts += [_cut(row[ids.shape[1] :].tolist(), model) for row in written]
    return texts


def _cut(tokens: list[int], model: Any) -> list[int]:
    """Take away what follows the end of the text: padding until the batch's last row ended."""
    eos = model.generation_config.eos_token_id
    ends = set(eos if isinstance(eos, list) else [eos])
    stop = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
    return tokens[: stop + 1]
