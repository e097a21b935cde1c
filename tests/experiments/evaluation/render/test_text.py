import math
from dataclasses import replace

import pytest

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.render.text import as_text


@pytest.mark.parametrize("columns", [100, 120])
def test_fits_the_terminal_and_loses_nothing(compared, columns):
    text = as_text(compared, columns)
    table = text.split("\n\n")[0]
    assert max(map(len, table.splitlines())) <= columns
    for row in compared.rows:
        assert set(row.name.split()) <= set(text.split())
        assert f"{100 * row.measures.accuracy.estimate:.1f}" in table


@pytest.mark.parametrize(("columns", "left_out"), [(80, True), (100, True), (140, False)])
def test_a_narrow_terminal_loses_columns_not_numbers(compared, columns, left_out):
    text = as_text(compared, columns)
    table = text.split("\n\n")[0]
    assert ("Too narrow here for: " in text) == left_out == ("regret" not in table)
    for row in compared.rows:
        assert wording.percent(row.measures.accuracy) in table
        assert wording.percent(row.measures.risk) in table


def test_columns_are_aligned(compared):
    head, _, *lines = as_text(compared, 160).splitlines()[1 : 3 + len(compared.rows)]
    assert {len(line) for line in [head, *lines]} == {len(head)}
    assert all(line[:-8].rstrip().endswith("]") for line in lines)


def test_a_long_name_goes_on_below(compared):
    row = replace(compared.rows[0], title="long " * 12, label="certified 2.5 %", live=True)
    text = as_text(replace(compared, rows=(row,)), 100)
    assert {"long", "certified", "2.5", "%*"} <= set(text.split())
    assert len(text.split("\n\n")[0].splitlines()) > 4


def test_says_what_was_left_out_and_what_could_not_be_certified(tiny):
    found = compare(replace(tiny, alpha=0.001, alphas=()))
    text = as_text(replace(found, skipped={"LYNX": "it needs wrong cues"}))
    assert "LYNX: left out, since it needs wrong cues" in text
    assert "probe (ours), certified 0.1 %: Nothing certified: think on" in text
    assert math.inf in [row.threshold for row in found.rows]


@pytest.mark.parametrize("live", [True, False])
def test_marks_what_was_generated_anew(compared, live):
    row = replace(compared.rows[0], live=live)
    assert ("full run*" in as_text(replace(compared, rows=(row,)), 120)) == live
