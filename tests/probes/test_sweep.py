import pytest
import torch

from probexit.probes.mean_difference import MeanDifference
from probexit.probes.sweep import LayerResult, LayerSweep, sweep

GENERATOR = torch.Generator().manual_seed(0)
GROUPS = torch.arange(60).repeat_interleave(5)
Y = torch.randint(2, (300,), generator=GENERATOR)
HIDDEN = torch.randn(300, 4, 6, generator=GENERATOR)
HIDDEN[:, 2] += 1.0 * Y[:, None]
HIDDEN[:, 3, 0] += 1.0 * Y


def test_finds_the_layer_that_knows():
    result = sweep(MeanDifference, HIDDEN, Y, GROUPS)
    assert [row.layers for row in result.rows] == [(0,), (1,), (2,), (3,)]
    aurocs = [row.auroc for row in result.rows]
    assert result.best.layers == (2,)
    assert aurocs[2] > 0.9 > aurocs[3] > 0.65 > max(aurocs[:2])


def test_sets_of_layers_are_concatenated():
    alone, together = sweep(MeanDifference, HIDDEN, Y, GROUPS, [[3], [3, 2]]).rows
    assert together.auroc > alone.auroc + 0.1


def rows(*results: tuple[tuple[int, ...], float]) -> LayerSweep:
    return LayerSweep(tuple(LayerResult(layers, (a - 0.02, a, a + 0.02)) for layers, a in results))


def test_best_is_the_smallest_set_within_one_standard_error():
    # The standard error of each row is 0.02 / sqrt(3) = 0.0115.
    assert rows(((0,), 0.795), ((1,), 0.798), ((0, 1), 0.80)).best.layers == (1,)
    assert rows(((0,), 0.78), ((1, 2), 0.79), ((0, 1, 2), 0.80)).best.layers == (1, 2)


def test_prints_as_a_table_that_marks_the_best():
    assert repr(rows(((0,), 0.75), ((1, 2), 0.9))) == (
        "layers  AUROC    s.e.\n"
        "0       0.750  ±0.012  ██████████\n"
        "1+2     0.900  ±0.012  ████████████████      <- best"
    )


def test_refuses_what_it_cannot_cross_validate():
    with pytest.raises(ValueError, match="4 problems into 5"):
        sweep(MeanDifference, HIDDEN, Y, GROUPS % 4)
    with pytest.raises(ValueError, match="single class"):
        sweep(MeanDifference, HIDDEN, (GROUPS == 0).long(), GROUPS)
    with pytest.raises(ValueError, match="no candidate"):
        sweep(MeanDifference, HIDDEN, Y, GROUPS, [])


def test_one_candidate_at_a_time_is_in_memory(largest):
    """The positive control is the set of all layers, which is the whole."""
    with largest() as found:
        sweep(MeanDifference, HIDDEN, Y, GROUPS)
    assert found.values == HIDDEN[:, 0].numel()
    with largest() as found:
        sweep(MeanDifference, HIDDEN, Y, GROUPS, [[0, 1, 2, 3]])
    assert found.values == HIDDEN.numel()


def test_sets_that_are_too_large_are_left_out_aloud(monkeypatch, caplog):
    monkeypatch.setattr("probexit.probes.sweep.LARGEST", HIDDEN[:, 0].numel() // 2)
    found = sweep(MeanDifference, HIDDEN, Y, GROUPS, [[0], [0, 1], [0, 1, 2], [2]])
    assert [row.layers for row in found.rows] == [(0,), (2,)]
    assert "2 sets of 2 layers or more are not tried: 300 cues" in caplog.text
    with pytest.raises(ValueError, match=r"name layers .* to concatenate them all the same"):
        sweep(MeanDifference, HIDDEN, Y, GROUPS, [[0, 1]])
