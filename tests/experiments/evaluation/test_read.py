import math
from dataclasses import replace

import pytest

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.read import read_comparison
from probexit.experiments.evaluation.render.text import as_text


def test_what_was_written_is_read(compared, tmp_path):
    (tmp_path / "compare.json").write_text(compared.to_json())
    found = read_comparison(tmp_path)
    assert found.to_json() == compared.to_json()
    assert as_text(found) == as_text(compared)
    assert found.curves["probe (ours)"].risk.low.dtype == float


def test_infinite_and_undefined_numbers(tiny, tmp_path):
    found = compare(replace(tiny, alpha=0.001, alphas=()))
    row = replace(found.row("probe"), exited=math.nan)
    assert row.threshold == math.inf
    (tmp_path / "compare.json").write_text(replace(found, rows=(row,)).to_json())
    (back,) = read_comparison(tmp_path).rows
    assert back.threshold == math.inf
    assert math.isnan(back.exited)


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match="run `probexit compare"):
        read_comparison(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[1]", '{"rows": [{}]}', "no json"])
def test_something_else_there(tmp_path, text):
    (tmp_path / "compare.json").write_text(text)
    with pytest.raises(ValueError, match="no comparison of this version"):
        read_comparison(tmp_path)
