"""ITI: the golden values of its shift, and that choosing heads is what makes it work."""

from dataclasses import replace

import pytest
import torch

from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.head_states import HeadStates, head_states
from probexit.experiments.methods.steering.iti import (
    ITI,
)
from probexit.experiments.methods.steering.nonlinear_iti import NonlinearITI
from probexit.experiments.recording.run import Run
from probexit.hooks.head_capture import HeadCapture
from probexit.hooks.models import Reasoner


def by_hand() -> HeadStates:
    """Four cues, one layer of one head, two wide."""
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 0.0], [0.0, -2.0]])
    right = torch.tensor([True, True, False, False])
    return HeadStates(x[:, None, None], right, torch.arange(4))


def test_the_shift_by_hand() -> None:
    """Direction (2, 1), projections .894, 2.683, 0, -.894: sigma 1.322876, alpha 15."""
    shift = by_hand().shifts([(0, 0)])[0][0]
    assert (15 * shift).tolist() == pytest.approx([17.748239, 8.874120], abs=1e-5)
    assert (shift / shift.norm()).tolist() == pytest.approx([0.894427, 0.447214], abs=1e-6)


def planted(n: int = 300, layers: int = 3, heads: int = 4) -> HeadStates:
    """Noise everywhere but in head 2 of layer 1."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(n, layers, heads, 6, generator=generator)
    right = torch.rand(n, generator=generator) > 0.5
    X[:, 1, 2, 0] += 3 * right.float()
    return HeadStates(X, right, torch.arange(n) // 3)


@pytest.mark.parametrize("method", [ITI(), NonlinearITI()])
def test_the_head_that_knows_is_chosen(method: ITI) -> None:
    assert replace(method, heads=1).chosen(planted(), 0) == [(1, 2)]


def test_labels_of_one_kind_are_refused(shipped: Reasoner, greedy_run: Run) -> None:
    traces = [t for t in greedy_run.traces() if len(t.cues) and bool(t.cues.correct.all())]
    with pytest.raises(Unavailable, match="right and wrong cues"):
        head_states(shipped.model, traces[:3], 1)


def test_states_are_those_of_the_cue(shipped: Reasoner, greedy_run: Run) -> None:
    """A batch of traces of different lengths gives what each gives alone."""
    traces = [t for t in greedy_run.traces() if len(t.cues)][:20]
    found = head_states(shipped.model, traces, 2).X
    place = 0
    for trace in traces[:3]:
        ids = torch.cat([trace.prompt_ids, trace.token_ids])[None]
        for cue in trace.cues.positions.tolist():
            at = len(trace.prompt_ids) + cue
            rows, columns = torch.tensor([0, 0]), torch.tensor([at - 1, at])
            with HeadCapture(shipped.model, rows, columns) as capture, torch.inference_mode():
                shipped.model(ids)
            torch.testing.assert_close(found[place], capture.chosen().mean(0), atol=1e-4, rtol=1e-4)
            place += 1


def test_chosen_heads_know_more_than_others(shipped: Reasoner, greedy_run: Run) -> None:
    """On the shipped reasoner, on problems that did not choose them."""
    states = head_states(shipped.model, greedy_run.traces(), 1)
    half = states.problems < states.problems.max() // 2
    first, second = (
        HeadStates(states.X[part], states.right[part], states.problems[part])
        for part in (half, ~half)
    )
    chosen = ITI().chosen(first, 0)
    ranks = second.accuracies(lambda: ITI().probe(0), 0)
    best = torch.stack([ranks[layer, head] for layer, head in chosen]).mean()
    assert best > ranks.mean()
