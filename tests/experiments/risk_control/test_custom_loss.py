import numpy as np
import pytest
import torch

from probexit.experiments.risk_control.custom_loss import CustomLoss


def test_it_is_looked_up_like_any_other(make_traces) -> None:
    traces = [t for t in make_traces(12, 0) if len(t.cues) > 1][:2]
    loss = CustomLoss(lambda trace: torch.linspace(0.2, 0.4, len(trace.cues)))
    table = loss.table(traces, torch.tensor([[-1, 0], [0, -1]]))
    assert np.allclose(table, [[0.0, 0.2], [0.2, 0.0]])


@pytest.mark.parametrize("value", [1.5, -0.1])
def test_it_stays_in_bounds(make_traces, value: float) -> None:
    trace = next(t for t in make_traces(12, 0) if len(t.cues))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        CustomLoss(lambda t: torch.full((len(t.cues),), value)).at_cues(trace)


def test_one_number_per_cue(make_traces) -> None:
    trace = next(t for t in make_traces(12, 0) if len(t.cues))
    with pytest.raises(ValueError, match="one number per cue"):
        CustomLoss(lambda t: torch.zeros(len(t.cues) + 1)).at_cues(trace)
