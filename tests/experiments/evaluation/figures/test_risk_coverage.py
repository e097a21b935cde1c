"""The risk-coverage figure."""

import pytest

from probexit.experiments.evaluation.figures import risk_coverage, style
from probexit.experiments.methods.abstaining.selective_answering import SelectiveAnswering


@pytest.fixture(scope="module")
def figure(context):
    return risk_coverage.draw(SelectiveAnswering().curves(context), context.alpha)


def test_it_renders(figure):
    assert style.png(figure).startswith(b"\x89PNG")


def test_it_shows_both_curves_and_the_risk_asked_for(figure, texts):
    assert "asked for: 5 %" in texts(figure)
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [name.split(" (")[0] for name in names] == ["full run", "where the probe leaves"]
