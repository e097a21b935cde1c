import math
from dataclasses import replace

import pytest

from probexit.calibration.statistics.intervals import Interval
from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.render.text import COLUMNS, NAME, WIDTH, as_text


def test_fits_the_terminal(compared):
    assert max(map(len, as_text(compared).splitlines())) <= WIDTH


def test_columns_are_aligned_and_no_name_is_cut(compared):
    lines = as_text(compared).splitlines()[3:]
    for row in compared.rows:
        if len(row.name) > NAME:
            assert lines.pop(0) == row.title
        line = lines.pop(0)
        assert len(line) == NAME + sum(1 + width for _, _, width, _ in COLUMNS)
        assert line[: NAME + 1].strip() in (row.name, row.label)
        assert line[:-7].endswith("]")
    assert set(lines[0]) == {"-"}


def test_a_long_name_has_two_lines(compared):
    row = replace(compared.rows[0], title="x" * 24, label="certified 2.5 %", live=True)
    lines = as_text(replace(compared, rows=(row,))).splitlines()
    assert lines[3] == "x" * 24
    assert lines[4].startswith("  certified 2.5 %* ")


def test_a_perfect_rule_keeps_the_columns(compared):
    row = compared.rows[0]
    best = replace(
        row.measures, accuracy=Interval(1.0, 0.995, 1.0), change=Interval(-0.8, -0.9, -0.7)
    )
    line = as_text(replace(compared, rows=(replace(row, measures=best),))).splitlines()[3]
    assert len(line) == WIDTH


def test_large_numbers_of_tokens_keep_the_columns(compared):
    row = compared.rows[0]
    many = replace(row.measures, thinking=replace(row.measures.thinking, estimate=12345.6))
    wide = replace(compared, rows=(replace(row, measures=many),))
    line = as_text(wide).splitlines()[3]
    assert "12,346" in line
    assert len(line) == len(as_text(compared).splitlines()[3])


def test_says_what_was_left_out_and_what_could_not_be_certified(tiny):
    found = compare(replace(tiny, alpha=0.001, alphas=()))
    text = as_text(replace(found, skipped={"LYNX": "it needs wrong cues"}))
    assert "LYNX: left out, since it needs wrong cues" in text
    assert "probe (ours), certified 0.1 %: Nothing certified: think on" in text
    assert math.inf in [row.threshold for row in found.rows]


@pytest.mark.parametrize("live", [True, False])
def test_marks_what_was_generated_anew(compared, live):
    row = replace(compared.rows[0], live=live)
    assert ("full run*" in as_text(replace(compared, rows=(row,)))) == live
