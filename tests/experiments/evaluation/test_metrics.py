import numpy as np
import pytest

from probexit.experiments.evaluation.metrics import Metrics


@pytest.fixture
def ruler(tiny):
    return Metrics.of(tiny.splits.test, tiny.exit_values)


def test_a_column_and_a_table_are_measured_alike(tiny, ruler):
    places = np.array([1, 0, 2, -1])
    measures = ruler.measure(tiny.exit_values.trace_results(places))
    table = tiny.exit_values.trace_results(places[:, None])
    assert ruler.saved(table).estimate[0] == measures.saved.estimate
    assert ruler.saved_total(table).estimate[0] == measures.saved_total.estimate


def test_nothing_to_save_leaves_the_share_open(tiny, hand_made, small):
    never = small([hand_made("--", False)], [(0.1, 0.2)])
    ruler = Metrics.of(never.splits.test, never.exit_values)
    assert np.isnan(
        ruler.measure(never.exit_values.trace_results(np.array([-1]))).oracle_share.estimate
    )
