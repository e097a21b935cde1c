"""Rules that steer, on traces worked out by hand."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from probexit.exits.engines.token_notes import TokenNotes
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.steering import nearest
from probexit.experiments.methods.reference.full_run_again import FullRunAgain
from probexit.experiments.methods.steering.activation_addition import ActivationAddition
from probexit.experiments.methods.steering.contrastive_steering import ContrastiveSteering
from probexit.experiments.methods.steering.efficiency_steering import EfficiencySteering
from probexit.experiments.methods.steering.overclocking import (
    Overclocking,
    least_squares,
    progress_table,
)
from probexit.hooks.layers import n_layers


def with_states(trace, states):
    """A trace whose cue states are given, ``[c][2]``, the same at each of three layers."""
    hidden = torch.tensor(states, dtype=torch.float)[:, None].expand(-1, 3, -1)
    return replace(trace, cues=replace(trace.cues, hidden=hidden))


def test_the_progress_vector_by_hand():
    """The worked example: predictions .3, .485714, .671429, 1.042857 and |theta|^2 = .124490."""
    X = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    theta = least_squares(X, torch.tensor([0.25, 0.5, 0.75, 1.0]), 1e-10)
    assert theta.tolist() == pytest.approx([0.3, 0.185714], abs=1e-5)
    assert (X @ theta).tolist() == pytest.approx([0.3, 0.485714, 0.671429, 1.042857], abs=1e-5)
    assert float(theta @ theta) == pytest.approx(0.124490, abs=1e-5)


def test_progress_is_read_from_all_thinking_tokens_where_they_are_recorded(hand_made):
    trace = with_states(hand_made("-++", True), [[0, 0], [1, -1], [2, -2]])
    X, y = progress_table([trace], 1)  # cues at 10, 20, 30 of 35
    assert X.tolist() == [[0, 0], [1, -1], [2, -2]]
    assert y.tolist() == pytest.approx([10 / 35, 20 / 35, 30 / 35])
    every = torch.arange(70.0).reshape(35, 1, 2).expand(-1, 3, -1)
    X, y = progress_table([replace(trace, thinking_hidden=every)], 1)
    assert X.shape == (35, 2)
    assert y[[0, 34]].tolist() == pytest.approx([1 / 35, 1])
    with pytest.raises(Unavailable, match="max-new-tokens"):
        progress_table([replace(trace, finished=False)], 1)


def test_overclocking_biases_the_logits_beside_a_control(bench, hand_made, on_fit):
    torch.manual_seed(0)
    moves = torch.randn(32)
    fit = [
        replace(
            hand_made("-++", True),
            problem=str(i),
            cues=replace(
                hand_made("-++", True).cues,
                hidden=(torch.arange(1.0, 4)[:, None, None] * moves).expand(-1, 3, -1)
                + 0.1 * torch.randn(3, 3, 32),
            ),
        )
        for i in range(40)
    ]
    context = on_fit(fit, bench)
    final = n_layers(bench.reasoner.model)
    context = replace(context, probe=SimpleNamespace(recorded=(1, 2, final)))
    rule = Overclocking(alphas=(20.0, 100.0))
    recipes, controls = rule.recipes(context, bench), rule.controls(context, bench)
    weak, strong = (recipe.directions[final] for recipe in recipes.values())
    (control,) = (recipe.directions[final] for recipe in controls.values())
    assert [*recipes, *controls] == ["alpha 20", "alpha 100", "alpha 100, shuffled labels"]
    torch.testing.assert_close(5 * weak, strong)
    assert control.norm() == pytest.approx(float(strong.norm()), rel=1e-4)
    aligned = torch.nn.functional.cosine_similarity
    assert aligned(strong, moves, 0) > 0.9 > abs(aligned(control, moves, 0))
    with pytest.raises(Unavailable, match="--layers all"):
        Overclocking().recipes(on_fit(fit, bench), bench)


def test_efficiency_steering_contrasts_traces_of_one_problem(hand_made):
    def of(problem, trace):
        return replace(trace, problem=problem)

    short = of("p", with_states(hand_made("+", True), [[1, 0]]))
    middle = of("p", with_states(hand_made("++", True), [[9, 9], [9, 9]]))
    long = of("p", with_states(hand_made("-++", True), [[0, 2], [0, 4], [0, 6]]))
    wrong = of("p", with_states(hand_made("-", False), [[50, 50]]))  # shorter still, but wrong
    other = of("q", with_states(hand_made("+", True), [[70, 70]]))  # an easy problem: no pair
    same = [of("r", with_states(hand_made("++", True), [[5, 5], [5, 5]]))] * 2  # of one length
    direction = EfficiencySteering().direction([long, wrong, other, middle, *same, short], 2)
    assert direction.tolist() == [1, -4]


def test_contrastive_steering_by_hand(hand_made):
    traces = [
        with_states(hand_made("-+", True), [[0, 0], [2, 1]]),
        with_states(hand_made("-", False), [[4, 2]]),
    ]
    assert ContrastiveSteering().direction(traces, 0).tolist() == [2 - 2, 1 - 1]
    assert ContrastiveSteering().direction(traces[:1], 0).tolist() == [2, 1]


def test_steering_adds_multiples_of_the_typical_norm(bench, hand_made, on_fit):
    fit = [with_states(hand_made("-+", True), [[0.0] * 31 + [3.0], [4.0] + [0.0] * 31])]
    context = on_fit(fit, bench)
    (recipe,) = ContrastiveSteering(strengths=(0.5,)).recipes(context, bench).values()
    ((layer, added),) = recipe.directions.items()
    assert layer == 2  # of the recorded layers 1, 2 and 4, the nearest to the middle of four
    assert added.norm() == pytest.approx(0.5 * 3)  # the lower median of 3 and 4
    assert added[0] / -added[31] == pytest.approx(4 / 3)


def test_the_final_norm_is_not_steered():
    assert nearest(1.0, (1, 3, 4), 4) == 3
    assert nearest(0.0, (1, 3, 4), 4) == 1
    with pytest.raises(Unavailable, match="--layers all"):
        nearest(0.5, (4,), 4)


@pytest.mark.parametrize("method", [EfficiencySteering(), ContrastiveSteering()])
def test_steering_says_what_it_lacks(method, hand_made, bench, on_fit):
    flat = [with_states(hand_made("-+", True), [[1, 1], [1, 1]])] * 8
    with pytest.raises(Unavailable, match="record"):
        method.recipes(on_fit(flat, bench), bench)
    with pytest.raises(Unavailable, match="record"):
        method.recipes(on_fit([], bench), bench)


def test_activation_addition_takes_one_pair_and_nothing_else(bench, hand_made, on_fit):
    """Equal prompts add nothing, so the text stays; the pair changes it; no trace is read."""
    question = next(iter(bench.task.items())).question
    trace = replace(hand_made("-", True), prompt_ids=torch.tensor(bench.reasoner.prompt(question)))
    context = on_fit([], bench)

    def certainty(method):
        (recipe,) = method.recipes(context, bench).values()
        (written,) = recipe.generate(bench, [trace], lambda: None, notes=TokenNotes())
        return written.logprobs

    same = certainty(ActivationAddition("Wait,", "Wait,", (5.0,)))
    assert torch.equal(torch.tensor(same), torch.tensor(certainty(FullRunAgain())))
    other = certainty(ActivationAddition(coefficients=(15.0,)))
    assert max(abs(a - b) for a, b in zip(same, other, strict=False)) > 0.01
