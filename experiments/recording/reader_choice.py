"""Choose how a model's forced exits are read: the fastest way that gives what decoding gives.

All exits of a trace share one prefill where the model's attention takes a mask of branches. Where
it does not, or keeps a recurrent state, each cue keeps a copy of its row. No table says which model
is which: every way is tried on a few tokens against decoding them one by one, and the first that
agrees is taken.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import DynamicCache

from probexit.experiments.recording.forking import ForkingReader
from probexit.experiments.recording.reading import ReadRequest, RolloutReader
from probexit.hooks.forward import forward

TOLERANCE = 2e-3  # nats; ties of float32
logger = logging.getLogger(__name__)
Make = Callable[[RolloutReader], RolloutReader]


def choose_reader(reader: RolloutReader, tokens: Sequence[int]) -> RolloutReader:
    """Return the fastest reader with these settings that is right on this model.

    Args:
        reader: The settings, for the shared prefix.
        tokens: Some tokens to try it on, ``[t]`` with t at least 8: a prompt.

    Raises:
        ValueError: if none is right, with what each gave.
    """
    rollouts = [
        ReadRequest(list(tokens), [1, 4, len(tokens) - 1]),
        ReadRequest(list(tokens[:6]), [2, 5]),
    ]
    expected, noise = _decoded(reader, rollouts)
    failures = []
    for name, candidate in _candidates(reader):
        try:
            distance = _distance(candidate, rollouts, expected)
        except (ValueError, RuntimeError, NotImplementedError, TypeError, IndexError) as error:
            failures.append(f"{name}: {error}")
            continue
        if distance <= max(TOLERANCE, 4 * noise):
            if failures:
                logger.warning("forced exits are read %s (%s)", name, failures[0])
            return candidate
        failures.append(f"{name}: {distance:.2g} nats from decoding")
    raise ValueError(
        f"forced exits of {type(reader.model).__name__} cannot be recorded rightly: "
        + "; ".join(failures)
    )


def _candidates(reader: RolloutReader) -> Iterator[tuple[str, RolloutReader]]:
    """Yield every way of reading, the fastest first."""
    yield "on the shared prefix", reader
    settings = {name: getattr(reader, name) for name in RolloutReader.__dataclass_fields__}
    for single in (False, True):
        for together in (16, 1):
            how = "one token at a time" if single else "in segments"
            side = "side by side" if together > 1 else "one after another"
            name = f"on copies at each cue, {how}, answers {side}"
            yield name, ForkingReader(**settings, single=single, together=together)


def _distance(
    reader: RolloutReader, rollouts: Sequence[ReadRequest], expected: Sequence[torch.Tensor]
) -> float:
    """Return how far the first answer tokens are from decoding, in nats."""
    short = type(reader)(**{**vars(reader), "answer_tokens": 1, "samples": 0})
    branches = [branch for reading in short.read(rollouts) for branch in reading.answers]
    gaps = [
        max(
            abs(branch.logprobs[0] - float(logprobs[branch.ids[0]])),
            abs(branch.entropies[0] - float(-(logprobs.exp() * logprobs).sum())),
            float(logprobs[_allowed(reader, logprobs)].max()) - float(logprobs[branch.ids[0]]),
        )
        for branch, logprobs in zip(branches, expected, strict=True)
    ]
    return max(gaps)


def _allowed(reader: RolloutReader, logprobs: torch.Tensor) -> torch.Tensor:
    allowed = torch.ones_like(logprobs, dtype=torch.bool)
    allowed[sorted(reader.eos)] = False
    return allowed


@torch.inference_mode()
def _decoded(
    reader: RolloutReader, rollouts: Sequence[ReadRequest]
) -> tuple[list[torch.Tensor], float]:
    """Return log-probabilities ``[V]`` behind each closing text, token by token, and their noise.

    The noise is the distance (nats) between the model's own cached decoding and its own full pass.
    """
    expected, noise = [], 0.0
    for rollout in rollouts:
        for at in rollout.at:
            ids = torch.tensor([[*rollout.ids[: at + 1], *reader.closing]])
            cache = DynamicCache(config=reader.model.config)
            for column in range(ids.shape[1]):
                position = torch.tensor([[column]])
                new = ids[:, column : column + 1]
                logits = forward(reader.model, new, cache, position, keep=1)
            expected.append(logits[0, -1].float().log_softmax(-1).cpu())
            full = forward(reader.model, ids, DynamicCache(config=reader.model.config), keep=1)
            whole = full[0, -1].float().log_softmax(-1).cpu()
            best = int(whole.argmax())
            noise = max(noise, abs(float(whole[best] - expected[-1][best])))
    return expected, noise
