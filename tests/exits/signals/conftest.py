"""Traces that consist of forced answers and nothing else."""

from collections.abc import Callable, Sequence

import pytest
import torch

from probexit.exits.trace import GradedCues, Trace


def answered(answers: Sequence[str], logprobs: Sequence[Sequence[float]] = ()) -> Trace:
    c = len(answers)
    rows = [torch.tensor(row) for row in logprobs] or [torch.zeros(1)] * c
    pad = torch.nn.utils.rnn.pad_sequence
    ids = [torch.ones(len(row), dtype=torch.long) for row in rows]
    cues = GradedCues(
        positions=5 * torch.arange(c),
        hidden=torch.zeros(c, 1, 1),
        entropy=torch.zeros(c),
        top_logprobs=torch.zeros(c, 1),
        end_logprob=torch.zeros(c),
        step_hidden=torch.zeros(c, 1, 1),
        steps=("",) * c,
        answers=tuple(answers),
        answer_ids=pad(ids, True, -1) if rows else torch.empty(0, 0),
        answer_logprobs=pad(rows, True, 0.0) if rows else torch.empty(0, 0),
        answer_entropies=torch.zeros(c, 1),
        correct=torch.zeros(c, dtype=torch.bool),
    )
    none = torch.empty(0)
    agrees = cues.correct
    return Trace(
        problem="p",
        rollout=0,
        prompt_ids=none,
        token_ids=none,
        logprobs=none,
        entropies=none,
        confidences=none,
        thinking=5 * c,
        finished=True,
        answer="",
        correct=False,
        gold="",
        cues=cues,
        agrees=agrees,
    )


@pytest.fixture
def answers() -> Callable[..., Trace]:
    """``answers(texts, logprobs=())``: a trace with these forced answers."""
    return answered
