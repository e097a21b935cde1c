import numpy as np
import pytest

from probexit.experiments.evaluation.layers import FEWEST, layer_map
from probexit.experiments.fitting.splits import Splits
from probexit.probes.mean_difference import MeanDifference


@pytest.fixture(scope="module")
def found(context, recorded_layers):
    return layer_map(context.splits, recorded_layers, MeanDifference, cues=12)


def test_the_synthetic_layers_come_out_in_order(found):
    """Rightness is written more clearly in each later layer."""
    estimates = [interval.estimate for interval in found.pooled]
    assert estimates == sorted(estimates)
    assert found.pooled[0].high < found.pooled[1].low < found.pooled[2].estimate


def test_by_cue(found):
    assert found.by_cue.shape[0] == 3
    assert found.by_cue.shape[1] >= 8
    assert (found.by_cue[2] > 0.9).all()


def test_cues_with_too_few_problems_are_left_off(context, recorded_layers):
    splits = context.splits
    few = Splits(splits.fit, splits.calibrate, splits.test[: 6 * FEWEST])
    found = layer_map(few, recorded_layers, MeanDifference)
    assert 1 <= found.by_cue.shape[1] < 8
    assert not np.isnan(found.by_cue[:, -1]).any()


def test_too_few_problems_for_any_cue(context, recorded_layers):
    splits = context.splits
    fewer = Splits(splits.fit, splits.calibrate, splits.test[:FEWEST])
    found = layer_map(fewer, recorded_layers, MeanDifference)
    assert np.isnan(found.by_cue).all()
    assert found.by_cue.shape[1] == 1


def test_no_cues(context, recorded_layers):
    silent = [trace for trace in context.splits.test if not len(trace.cues)]
    with pytest.raises(ValueError, match="cue"):
        layer_map(Splits(context.splits.fit, [], silent), recorded_layers, MeanDifference)
