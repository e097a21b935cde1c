"""Calibrating again and again until something is certified, and what keeps that honest."""

from pathlib import Path

import numpy as np
import pytest

from probexit.calibration.statistics.bounds import binomial_p
from probexit.experiments.risk_control.looks import (
    Question,
    evidence,
    look,
    next_look,
    read,
    spending,
)

ALPHA, DELTA, LOOKS = 0.05, 0.1, 6
ASKED = Question("logistic", "lost_correct", ALPHA)


def certified_above_level(deltas: list[float]) -> float:
    """Share of runs that certify a rule just above alpha at one of six looks, 100 problems each."""
    rng = np.random.default_rng(0)
    added = rng.binomial(100, ALPHA + 1e-4, size=(20000, LOOKS)).cumsum(1)
    sizes = 100 * np.arange(1, LOOKS + 1)
    return float((binomial_p(added, sizes, ALPHA) <= np.array(deltas)).any(1).mean())


def test_six_looks_keep_delta_only_when_it_is_spent() -> None:
    assert certified_above_level([DELTA] * LOOKS) > 0.15
    assert certified_above_level([spending(DELTA, k) for k in range(1, LOOKS + 1)]) <= DELTA


def test_what_is_spent_never_exceeds_delta() -> None:
    spent = [spending(DELTA, k) for k in range(1, 10001)]
    assert 0.999 * DELTA < sum(spent) < DELTA


def test_more_data_is_a_further_look_and_the_same_is_none(tmp_path: Path) -> None:
    file = tmp_path / "looks.jsonl"
    numbers = [look(file, ASKED, DELTA, ["a"], e).number for e in ("1", "1", "2", "3", "2")]
    assert numbers == [1, 1, 2, 3, 2]
    other = Question("logistic", "lost_correct", 0.1)
    assert look(file, other, DELTA, ["a"], "3").number == 1
    assert [made.number for made in read(file)] == [1, 2, 3, 1]
    assert "Look 3" in str(read(file)[2])
    assert read(file)[2].spent == pytest.approx(DELTA / 12)


def test_looks_share_one_delta(tmp_path: Path) -> None:
    look(tmp_path / "looks.jsonl", ASKED, 0.1, ["a"], "1")
    with pytest.raises(ValueError, match=r"first asked with delta 0.1, not 0.2"):
        look(tmp_path / "looks.jsonl", ASKED, 0.2, ["a"], "2")


def test_a_row_of_a_table_may_ask_at_a_share_of_delta(tmp_path: Path) -> None:
    """It pays for the looks before it out of its own share, also where the evidence is the same."""
    file = tmp_path / "looks.jsonl"
    look(file, ASKED, 0.1, ["a"], "1")
    assert next_look(file, ASKED, 0.05, ["a"], "1").spent == pytest.approx(0.05 / 2)
    assert next_look(file, ASKED, 0.05, ["a"], "2").spent == pytest.approx(0.05 / 6)
    with pytest.raises(ValueError, match="first asked with delta"):
        next_look(file, ASKED, 0.2, ["a"], "2")
    assert len(read(file)) == 1


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"question": {"rule": 1}}'])
def test_a_damaged_log_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "looks.jsonl").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"jsonl:1: .*no log of looks"):
        look(tmp_path / "looks.jsonl", ASKED, DELTA, ["a"], "1")


def test_evidence_is_the_problems_the_losses_and_the_way() -> None:
    losses, grid = np.zeros((2, 1)), np.ones(1)
    found = {
        evidence(["a", "b"], losses, grid, "x"),
        evidence(["a", "c"], losses, grid, "x"),
        evidence(["a", "b"], losses + 1, grid, "x"),
        evidence(["a", "b"], losses, grid, "y"),
        evidence(["a", "b"], losses, grid + 1, "x"),
    }
    assert len(found) == 5
    assert evidence(["a", "b"], losses, grid, "x") in found
