"""What holds for every figure: it renders, is not empty, and leaves matplotlib alone."""

import io
from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.image import imread

from probexit.calibration.metrics.reliability import reliability_diagram
from probexit.experiments.evaluation.figures import (
    accuracy_tokens,
    families,
    frontier,
    layers,
    reliability,
    risk,
    risk_levels,
    style,
)
from probexit.experiments.evaluation.figures import transfer as transfer_figure
from probexit.experiments.evaluation.layers import layer_map
from probexit.experiments.evaluation.risk_levels import by_level
from probexit.experiments.evaluation.transfer import Target, transfer
from probexit.experiments.fitting.targets import cue_table
from probexit.probes.mean_difference import MeanDifference


@pytest.fixture(scope="module")
def diagram(context):
    table = cue_table(context.splits.test, "correct")
    scores = torch.cat([context.probe.scores(t) for t in context.splits.test if len(t.cues)])
    return reliability_diagram(scores.numpy(), table.labels.numpy(), table.groups.numpy())


@pytest.fixture(scope="module")
def mapped(context, recorded_layers):
    return layer_map(context.splits, recorded_layers, MeanDifference)


@pytest.fixture(scope="module")
def moved(context):
    """Our rule on its own test problems, and on those where every answer is wrong."""
    test = context.splits.test
    wrong = [replace(t, cues=replace(t.cues, correct=~t.cues.correct)) for t in test]
    targets = [Target("home", "here", test, context.probe, context.closing)]
    targets += [replace(targets[0], name="away", traces=wrong)]
    return transfer(context, targets)


@pytest.fixture(
    params=[
        *("accuracy_tokens", "frontier", "risk", "reliability", "layers"),
        *("families", "families_thinking", "transfer", "risk_levels"),
    ]
)
def figure(request, context, compared, diagram, mapped, moved):
    drawn = {
        "accuracy_tokens": lambda: accuracy_tokens.draw(compared),
        "frontier": lambda: frontier.draw(compared),
        "risk": lambda: risk.draw(compared),
        "risk_levels": lambda: risk_levels.draw(by_level(context)),
        "reliability": lambda: reliability.draw(diagram),
        "layers": lambda: layers.draw(mapped),
        "families": lambda: families.draw(compared),
        "families_thinking": lambda: families.draw(compared, "thinking"),
        "transfer": lambda: transfer_figure.draw(moved, 0.05),
    }
    return drawn[request.param]()


def test_renders_to_a_picture_that_is_not_empty(figure):
    image = imread(io.BytesIO(style.png(figure)))
    assert image.shape[0] > 300
    assert image.shape[1] > 500
    ink = image[..., :3].min(-1) < 0.5
    assert 0.002 < ink.mean() < 0.6


def test_what_is_written_is_inside_the_picture(figure):
    """A name cut off at the edge cannot be read: the outermost pixels stay white."""
    image = imread(io.BytesIO(style.png(figure)))[..., :3]
    edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    assert (edge > 0.95).all()


def test_nothing_global_changes(compared):
    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    style.png(risk.draw(compared))
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend() == backend


def test_every_rule_is_named(compared, texts):
    named = texts(accuracy_tokens.draw(compared))
    assert all(any(text.startswith(row.name) for text in named) for row in compared.rows)
    dialled = [row.name for row in compared.rows if row.threshold is not None]
    assert set(dialled) <= texts(risk.draw(compared))
    assert {"probe (ours)", "trial answer", "fixed budget"} <= texts(frontier.draw(compared))


def test_every_rule_is_named_in_its_family(compared):
    figure = families.draw(compared)
    shown = {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_visible()}
    assert set(shown) == {"no signal", "trial answers", "hidden states"}
    for row in compared.rows:
        if row.family in shown and row.method not in ("probe", "random_exit"):
            legend = shown[row.family].get_legend()
            assert row.title in [text.get_text() for text in legend.get_texts()]


def test_tokens_are_those_asked_for(compared):
    def whole(tokens):
        (axes, *_) = families.draw(compared, tokens).axes
        return max(max(line.get_xdata()) for line in axes.lines)

    probed = compared.only(("full_run", "trial_confidence"))
    assert whole("total") > whole("thinking")
    assert [a.get_title(loc="left") for a in families.draw(probed).axes] == ["trial answers"]


def test_ours_alone_has_a_panel(compared):
    frame = compared.only(("full_run", "probe", "oracle"))
    assert [a.get_title(loc="left") for a in families.draw(frame).axes] == ["hidden states"]


def test_a_broken_promise_is_drawn_in_another_colour(moved):
    left = transfer_figure.draw(moved, 0.05).axes[0]
    marks = {
        float(line.get_xdata()[0]): line.get_color()
        for line in left.lines
        if line.get_marker() == "o"
    }
    for row in moved:
        wanted = style.VERMILLION if row.broken else style.BLUE
        assert marks[100 * row.measures.risk.estimate] == wanted
    assert {row.broken for row in moved} == {True, False}


def test_empty_bins_leave_a_gap_not_a_zero():
    diagram = reliability_diagram([0.1, 0.9], [0, 1], [0, 1])
    line = reliability.draw(diagram).axes[0].lines[-1]
    assert line.get_xdata().tolist() == [0.1, 0.9]


def test_a_rule_far_off_is_written_out(compared, texts):
    worst = compared.row("no_thinking").measures.accuracy.estimate
    assert f"no thinking \u2193 {100 * worst:.0f} %" in texts(accuracy_tokens.draw(compared))
    budget = next(row for row in compared.rows if row.method == "fixed_budget")
    assert f"{100 * budget.measures.risk.estimate:.0f} % \u2192" in texts(risk.draw(compared))
