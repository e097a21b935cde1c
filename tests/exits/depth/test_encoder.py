from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from probexit.exits.depth.deciders.entropy import Entropy
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.deciders.patience import PatienceDecider
from probexit.exits.depth.encoder import OffRamps, classify, train_ramps
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.rule import ExitRule

SIZES = {"vocab_size": 50, "num_labels": 3, "pad_token_id": 0}
BERT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
KINDS = {
    "bert": ("BertConfig", BERT),
    "roberta": ("RobertaConfig", BERT),
    "distilbert": ("DistilBertConfig", {"dim": 32, "hidden_dim": 48, "n_layers": 4, "n_heads": 4}),
    "electra": ("ElectraConfig", BERT | {"embedding_size": 32}),
}
LAYERS = (0, 1, 2)


@pytest.fixture(params=KINDS)
def encoder(request: pytest.FixtureRequest) -> Any:
    kind, arguments = KINDS[request.param]
    config = getattr(transformers, kind)(**(SIZES | arguments), initializer_range=0.3)
    torch.manual_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    return model.eval().requires_grad_(False)


def batch(rows: int = 8, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 50, (rows, 12), generator=generator)
    mask = torch.ones_like(ids)
    for row in range(1, rows, 2):
        mask[row, 12 - row :] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}


def rule(decider: Any, threshold: float) -> ExitRule:
    return ExitRule(LAYERS, decider, PlainHead(), threshold)


def test_never_leaving_is_the_model(encoder: Any) -> None:
    got = classify(encoder, OffRamps(encoder, LAYERS), rule(Entropy(), 2.0), batch())
    assert torch.equal(got.logits, encoder(**batch()).logits)
    assert got.executed == (8, 8, 8, 8)


@pytest.mark.parametrize("decider", [Entropy(), PatienceDecider()])
def test_a_shrinking_batch_is_rows_alone(encoder: Any, decider: Any) -> None:
    ramps = OffRamps(encoder, LAYERS)
    inputs = batch()
    with torch.inference_mode():
        first = encoder(**inputs, output_hidden_states=True).hidden_states[1][:, 0]
        middle = float(Entropy().score(LayerView(0, first, first, 1, ramps)).quantile(0.5))
    threshold = {Entropy: middle, PatienceDecider: 1.0}[type(decider)]
    together = classify(encoder, ramps, rule(decider, threshold), inputs)
    assert len(set(together.depths.tolist())) > 1
    runs = [int((together.depths > layer).sum()) for layer in range(4)]
    assert list(together.executed) == runs
    for row in range(8):
        one = {name: tensor[row : row + 1] for name, tensor in inputs.items()}
        alone = classify(encoder, ramps, rule(decider, threshold), one)
        assert alone.depths[0] == together.depths[row]
        assert torch.allclose(alone.logits[0], together.logits[row], atol=1e-5)


def test_a_row_that_left_has_its_ramps_class(encoder: Any) -> None:
    ramps = OffRamps(encoder, LAYERS)
    got = classify(encoder, ramps, rule(Entropy(), -1.0), batch())
    states = encoder(**batch(), output_hidden_states=True).hidden_states[1][:, 0]
    assert torch.allclose(got.logits, ramps.logits(states, 0), atol=1e-6)
    assert got.executed == (8, 0, 0, 0)


def test_training_ramps_helps_and_leaves_the_model_alone(encoder: Any) -> None:
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    ramps = OffRamps(encoder, LAYERS)
    inputs = batch(32)
    labels = encoder(**inputs).logits.argmax(-1)
    losses = train_ramps(encoder, ramps, [(inputs, labels)] * 40, rate=1e-2)
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.state_dict().items())


def test_a_missing_ramp_is_named(encoder: Any) -> None:
    with pytest.raises(ValueError, match=r"no off-ramps at layers \[2\]"):
        classify(encoder, OffRamps(encoder, (0, 1)), rule(Entropy(), 0.5), batch())
