"""The inserted stream: the model is untouched, the stream reads it, and a reward guides."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.inserted import kept
from probexit.exits.inserted.guided import RewardGuided
from probexit.exits.inserted.kept import trained_stream
from probexit.exits.inserted.preference import Pair, PreferenceTraining, learn_preferences
from probexit.exits.inserted.reader import BothCaches, RewardReader
from probexit.exits.inserted.stream import InsertedLinear, RewardStream, scaled
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags

GREEDY = Decoding(16)


@pytest.fixture
def reasoner(lively: Any, words: Any) -> Reasoner:
    return Reasoner(lively("llama"), words, ThinkTags(), " so", "tiny", answer_tokens=4)


@pytest.fixture
def ids() -> Tensor:
    return torch.randint(16, 128, (2, 9))


def test_new_rows_read_both_parts_and_the_old_ones_never_the_stream() -> None:
    rows = InsertedLinear(torch.tensor([[1.0, 0.0]]), 1)
    torch.nn.init.ones_(rows.from_stream)
    x, e = torch.tensor([1.0, 1.0]), torch.tensor([3.0])
    assert rows(x, e).tolist() == [4.0]
    assert (torch.tensor([[1.0, 2.0], [0.0, 1.0]]) @ x).tolist() == [3.0, 1.0]


def test_norms_take_their_statistics_from_the_model_alone() -> None:
    read = scaled(torch.tensor([10.0]), torch.tensor([3.0, 4.0]), torch.ones(1), 0.0)
    assert read.tolist() == pytest.approx([2.828427])


def test_the_model_is_bitwise_the_same(reasoner: Reasoner, ids: Tensor) -> None:
    model = reasoner.model
    with torch.no_grad():
        before = model(input_ids=ids).logits
        stream = RewardStream(model)
        with RewardReader(model, stream) as reader:
            during, _ = reader.run(ids)
        after = model(input_ids=ids).logits
    assert torch.equal(before, during)
    assert torch.equal(before, after)


@torch.inference_mode()
def test_at_first_the_stream_is_the_start_of_the_hidden_state(
    reasoner: Reasoner, ids: Tensor
) -> None:
    stream = RewardStream(reasoner.model, heads=2)
    with RewardReader(reasoner.model, stream) as reader:
        _, rewards = reader.run(ids)
        seen, caches = reader._seen, BothCaches()
        rotation = reader._rotation(torch.arange(ids.shape[1])[None])
        e = stream.stream(ids, seen, rotation, caches.stream)
    assert e.shape[-1] == 16
    assert torch.allclose(e, seen.last[..., :16], atol=1e-3, rtol=1e-3)
    assert rewards.abs().max() == 0


@torch.inference_mode()
def test_cached_steps_are_the_whole_text(reasoner: Reasoner, ids: Tensor) -> None:
    stream = RewardStream(reasoner.model)
    for parameter in stream.parameters():
        parameter += 0.05 * torch.randn_like(parameter)  # so that the stream feeds itself
    with RewardReader(reasoner.model, stream) as reader:
        _, whole = reader.run(ids)
        caches = BothCaches()
        parts = [reader.run(part, caches)[1] for part in ids.split([4, 1, 3, 1], 1)]
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-3, rtol=1e-3)


def preferring(token: int) -> list[Pair]:
    """Responses that end in ``token`` are better than those that end in any other."""
    prompts = torch.randint(16, 128, (64, 7)).tolist()
    return [Pair([*p, token], [*p, other]) for *p, other in prompts if other != token]


def count(reasoner: Reasoner, stream: RewardStream, weight: float, token: int) -> int:
    prompts = torch.randint(16, 128, (3, 7), generator=torch.Generator().manual_seed(3)).tolist()
    engine = RewardGuided(stream, weight, k=120)
    return sum(engine.write(reasoner, p, GREEDY).token_ids.count(token) for p in prompts)


def test_a_reward_that_was_learnt_guides_the_text(reasoner: Reasoner) -> None:
    stream = RewardStream(reasoner.model)
    settings = PreferenceTraining(steps=40, batch=8, rate=1e-2)
    losses = learn_preferences(reasoner.model, stream, preferring(50), settings)
    assert losses[-1] < 0.4 < losses[0]
    assert count(reasoner, stream, 30.0, 50) > count(reasoner, stream, 0.0, 50) + 5
    assert count(reasoner, stream, -30.0, 50) <= count(reasoner, stream, 0.0, 50)


def test_without_weight_it_is_plain_decoding(reasoner: Reasoner, prompts: Any) -> None:
    engine = RewardGuided(RewardStream(reasoner.model), weight=0.0)
    (plain,) = generate(reasoner.model, reasoner.tokenizer, prompts[:1], None, GREEDY)
    found = engine.write(reasoner, prompts[0], GREEDY)
    assert found.token_ids == plain.token_ids
    assert found.charged == 9 * len(plain.token_ids)


def test_the_model_learns_nothing_and_keeps_no_hook(reasoner: Reasoner) -> None:
    model = reasoner.model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    learn_preferences(model, RewardStream(model), preferring(50), PreferenceTraining(steps=2))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_what_cannot_be_is_refused(lively: Any, reasoner: Reasoner) -> None:
    with pytest.raises(ValueError, match="beside a gpt2"):
        RewardStream(lively("gpt2"))
    with pytest.raises(ValueError, match="no pair"):
        learn_preferences(
            reasoner.model, RewardStream(reasoner.model), [], PreferenceTraining(steps=1)
        )


def test_a_kept_stream_is_not_trained_again(
    reasoner: Reasoner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, pairs = PreferenceTraining(steps=2), preferring(50)
    made = trained_stream(reasoner.model, pairs, settings, tmp_path).state_dict()
    assert float(made["head.bias"].abs()) + float(made["head.weight"].abs().sum()) > 0
    fresh = trained_stream(reasoner.model, pairs, settings, None).state_dict()
    assert all(torch.equal(fresh[name], tensor) for name, tensor in made.items())
    monkeypatch.setattr(kept, "learn_preferences", None)  # fails if it is called
    read = trained_stream(reasoner.model, pairs, settings, tmp_path).state_dict()
    assert read.keys() == made.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in made.items())
    for other in (PreferenceTraining(steps=3), settings):
        with pytest.raises(TypeError):  # other settings, or other pairs: trained anew
            trained_stream(reasoner.model, pairs[: 4 + other.steps], other, tmp_path)


def test_a_kept_stream_that_was_changed_is_refused(reasoner: Reasoner, tmp_path: Path) -> None:
    arguments = (reasoner.model, preferring(50), PreferenceTraining(steps=1), tmp_path)
    trained_stream(*arguments)
    (file,) = tmp_path.glob("*/stream.json")
    file.write_text(file.read_text().replace('"steps": 1', '"steps": 2'))
    with pytest.raises(ValueError, match="changed after it was written"):
        trained_stream(*arguments)
