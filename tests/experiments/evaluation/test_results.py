import json
import math
from dataclasses import replace

import pytest

from probexit.experiments.evaluation.compare import compare


def test_json_holds_every_row_and_number(compared):
    data = json.loads(compared.to_json())
    assert len(data["rows"]) == len(compared.rows)
    for found, row in zip(data["rows"], compared.rows, strict=True):
        assert found["measures"]["accuracy"]["estimate"] == row.measures.accuracy.estimate
        assert tuple(found["exits"]) == row.exits
    assert data["curves"]["probe (ours)"]["risk"]["low"][0] == 0


def test_json_says_infinity_in_words_and_undefined_as_null(compared):
    row = replace(compared.rows[0], threshold=math.inf, exited=math.nan)
    found = json.loads(replace(compared, rows=(row,)).to_json())["rows"][0]
    assert found["threshold"] == "inf"
    assert found["exited"] is None


def test_a_row_by_name(compared):
    assert compared.row("probe", "certified 2 %").promised == 0.02
    with pytest.raises(KeyError, match="no row 'probes'"):
        compared.row("probes")


def test_nothing_in_it_can_be_changed(compared):
    with pytest.raises(AttributeError):
        compared.rows[0].title = "mine"


def test_same_seed_same_table(tiny):
    assert compare(tiny).to_json() == compare(tiny).to_json()
