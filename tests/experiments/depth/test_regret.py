"""The oracle's depth, by hand and on a model."""

import pytest
import torch

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.depth.regret import OracleDepth, oracle_depth


def test_by_hand():
    """Exits after 2 and 4 of 6 layers: right at once; right, wrong; late; never."""
    agreement = torch.tensor([[True, True], [True, False], [False, True], [False, False]])
    found = OracleDepth.of(agreement, (1, 3), 6)
    assert found.first == pytest.approx((2 + 2 + 4 + 6) / 4)
    assert found.stable == pytest.approx((2 + 6 + 4 + 6) / 4)
    assert found.stable >= found.first


def test_it_reads_what_the_full_model_wrote(tiny_model):
    """More exits can only help the oracle, and it is never deeper than the model."""
    texts = [[5, 6, 7, 8, 9, 10], [11, 12, 13, 14]]
    tiny = tiny_model("llama")
    one, three = (
        oracle_depth(
            tiny, DepthController(ExitRule(at, Gap(), PlainHead()), Shadow()), texts, [2, 1]
        )
        for at in ((2,), (0, 1, 2))
    )
    assert 1 <= three.first <= one.first <= 4
    assert three.first <= three.stable <= 4
    assert one.first == one.stable  # with one exit there is nothing to take back
