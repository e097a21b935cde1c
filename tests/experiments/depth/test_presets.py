"""What makes a preset the method it names."""

from typing import Any

import pytest
import torch

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import record
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.modes.base import Mode
from probexit.exits.depth.modes.leave import Leave
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.tuning.rollouts import Writing, continuations
from probexit.experiments.depth.fit import Texts, per_text
from probexit.experiments.depth.presets import PRESETS

LAYERS = (0, 1, 2)


def adainfer(model: Any) -> tuple[ExitRule, list[float]]:
    """The preset's rule, fitted on texts, and the thresholds to certify along."""
    for layer in model.model.layers[1:]:  # later layers change little, so early ones agree often
        layer.self_attn.o_proj.weight *= 0.3
        layer.mlp.down_proj.weight *= 0.3
    texts = torch.randint(3, 60, (12, 30), generator=torch.Generator().manual_seed(0)).tolist()
    preset = PRESETS["adainfer"]
    head = preset.head()
    found = record(model, Readout(model, head), texts, LAYERS)
    rule = ExitRule(LAYERS, preset.decider().fit(found), head, 0.0)
    return rule, per_text(model, rule, Texts([], texts, [8] * len(texts)))


def depths(model: Any, rule: ExitRule, mode: Mode) -> list[set[int]]:
    """The depths at which the tokens of each text left."""
    prompts = torch.randint(3, 60, (8, 7), generator=torch.Generator().manual_seed(1)).tolist()
    controller = DepthController(rule, mode)
    return [
        set(continuations(model, controller, [prompt], Writing(10))[1].row()) for prompt in prompts
    ]


@pytest.fixture
def model(tiny_model: Any) -> Any:
    made = tiny_model("llama", tie_word_embeddings=False, initializer_range=0.4)
    made.requires_grad_(False)
    made.generation_config.eos_token_id = None
    return made


def test_adainfer_decides_once_for_an_input(model: Any) -> None:
    """All tokens of a text leave at one layer, texts differ; token by token they would not."""
    rule, thresholds = adainfer(model)
    rule = rule.at(thresholds[len(thresholds) // 2])
    per_input = depths(model, rule, PRESETS["adainfer"].mode)
    assert all(len(found) == 1 for found in per_input)
    assert len(set.union(*per_input)) > 1
    per_token = depths(model, rule, Leave())
    assert max(map(len, per_token)) > 1


def test_thresholds_for_whole_texts_let_prompts_leave_one_by_one(model: Any) -> None:
    _, thresholds = adainfer(model)
    assert thresholds == sorted(set(thresholds), reverse=True)
    assert len(thresholds) >= 8
