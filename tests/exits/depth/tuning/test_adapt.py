from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.adapt import Feedback, adapted_threshold, threshold_path

# Four tokens, exits at layers 1 and 3 of 6.
FEEDBACK = Feedback(
    (1, 3),
    torch.tensor([[0.9, 0.9], [0.6, 0.8], [0.2, 0.7], [0.1, 0.1]]),
    torch.tensor([[True, True], [False, True], [False, True], [False, False]]),
    6,
)


def test_what_a_rule_would_have_done_by_hand() -> None:
    assert FEEDBACK.at(0.7) == (1.0, (2 + 4 + 4 + 6) / 4)
    assert FEEDBACK.at(0.5) == (0.75, (2 + 2 + 4 + 6) / 4)
    assert FEEDBACK.at(0.5, [3]) == (1.0, (4 + 4 + 4 + 6) / 4)
    assert FEEDBACK.at(2.0) == (1.0, 6.0)


def test_some_exits_only() -> None:
    upper = FEEDBACK.only([3])
    assert (upper.layers, upper.depth) == ((3,), 6)
    assert upper.at(0.5) == FEEDBACK.at(0.5, [3])


def test_the_threshold_is_the_laxest_that_agrees() -> None:
    grid = [0.9, 0.7, 0.5, 0.0]
    assert adapted_threshold(FEEDBACK, grid, 1.0) == 0.7
    assert adapted_threshold(FEEDBACK, grid, 0.75) == 0.5
    assert adapted_threshold(FEEDBACK, [0.0], 1.0) == float("inf")


def test_audits_of_a_live_run_are_feedback(deep_model: Any, prompt: Tensor) -> None:
    model = deep_model("llama")
    rule = ExitRule((1, 3), Gap(), PlainHead(), 0.3)
    with DepthController(rule, Leave(audits=0.5, seed=3)).attach(model) as attached:
        model.generate(prompt, max_new_tokens=30, do_sample=False, eos_token_id=None)
    audits = attached.trace.audits
    assert 5 < len(audits) < 25
    audited = [
        depth
        for (depth,), step in zip(attached.trace.depths, attached.trace.steps, strict=True)
        if step.audits
    ]
    assert set(audited) == {6}  # audited tokens run to the end
    feedback = Feedback.of(audits, 6)
    agreement, _ = feedback.at(0.3)
    assert agreement == pytest.approx(sum(audit.agrees for audit in audits) / len(audits))
    with pytest.raises(ValueError, match="0 audits"):
        Feedback.of([], 6)


def test_the_path_falls_with_the_rate() -> None:
    # Three tokens leave at .7, the first threshold without an error; the stricter one is .8.
    assert threshold_path(FEEDBACK, [0.0, 0.3, 1.0]) == pytest.approx([0.8, 0.7, 0.6, 0.1])
    never = Feedback((1,), torch.tensor([[0.5]]), torch.tensor([[False]]), 6)
    with pytest.raises(ValueError, match="no threshold keeps"):
        threshold_path(never, [0.1])
