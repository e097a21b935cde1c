import pytest
import torch

from probexit.exits.depth.trace import DepthTrace, Round, Step
from probexit.exits.depth.tuning.adapt import Feedback
from probexit.experiments.depth.figures import (
    agreement_against_depth,
    exit_histogram,
    heat_map,
)


def test_the_histogram_shows_shares() -> None:
    trace = DepthTrace([Step((2,)), Step((2,)), Step((4,)), Step((2,))])
    (axes,) = exit_histogram(trace, 4).axes
    assert [bar.get_height() for bar in axes.patches] == [0, 75, 0, 25]
    # Two drafts of which one was kept, and the token of the verification.
    rounds = DepthTrace(rounds=[Round((1, 2), 4, 1)])
    (axes,) = exit_histogram(rounds, 4).axes
    assert [bar.get_height() for bar in axes.patches] == [50, 0, 0, 50]
    with pytest.raises(ValueError, match="holds no token"):
        exit_histogram(DepthTrace(), 4)


def test_agreement_curves_end_at_the_full_model() -> None:
    feedback = Feedback((0,), torch.tensor([[0.9], [0.1]]), torch.tensor([[True], [False]]), 4)
    (axes,) = agreement_against_depth({"rule": feedback}).axes
    (line,) = axes.lines
    assert list(zip(*line.get_data(), strict=True)) == [(1.0, 50.0), (2.5, 100.0), (4.0, 100.0)]


def test_the_heat_map_paints_tokens_and_escapes() -> None:
    html = heat_map([1, 2], [2, 4], 4, lambda ids: "<b>" * len(ids))
    assert html.count("&lt;b&gt;") == 2
    assert 'title="2 of 4 layers" style="background: rgb(0 114 178 / 30%)"' in html
    assert 'title="4 of 4 layers" style="background: rgb(0 114 178 / 60%)"' in html
    with pytest.raises(ValueError, match="one for each"):
        heat_map([1], [], 4, str)
