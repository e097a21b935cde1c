"""What tests of recipes share: the first problems of a task, nothing yet written for them."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest
import torch

from probexit.exits.trace import Trace
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator


@pytest.fixture(scope="session")
def unwritten(make_traces) -> Callable[[LiveEvaluator, int], list[Trace]]:
    """``unwritten(bench, n)``: the first ``n`` problems of the bench's task."""
    (empty,) = make_traces(1)

    def make(bench: LiveEvaluator, n: int) -> list[Trace]:
        return [
            replace(
                empty,
                problem=item.id,
                prompt_ids=torch.tensor(bench.reasoner.prompt(item.question)),
                gold=item.gold,
            )
            for item in islice(bench.task.items(), n)
        ]

    return make
