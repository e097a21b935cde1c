"""How tokens are drawn: exactly the nucleus, and the same for a row in any company."""

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from probexit.exits.engines import decoding
from probexit.exits.engines.decoding import Decoding
from probexit.hooks.end_ids import end_ids

NOT_GREEDY = torch.tensor([False])


def nucleus(logits: Tensor, temperature: float, top_p: float) -> dict[int, float]:
    """The smallest set of likeliest tokens whose mass reaches ``top_p``, renormalised."""
    probs = (logits.double() / temperature).softmax(-1).tolist()
    kept: dict[int, float] = {}
    for token in sorted(range(len(probs)), key=lambda i: -probs[i]):
        if sum(kept.values()) < top_p:
            kept[token] = probs[token]
    return {token: p / sum(kept.values()) for token, p in kept.items()}


@pytest.mark.parametrize("top_p", [1e-9, 0.3, 0.75, 1.0])
@pytest.mark.parametrize("temperature", [0.6, 1.0])
def test_draws_follow_the_nucleus(top_p: float, temperature: float) -> None:
    """Inverting an even grid of numbers gives each token its exact share."""
    sampled, n = Decoding(temperature=temperature, top_p=top_p), 20_000
    logits = torch.randn(9) * 2
    grid = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    drawn = sampled.draw(logits.expand(n, -1), grid, NOT_GREEDY.expand(n))
    expected = nucleus(logits, temperature, top_p)
    shares = {t: (drawn == t).double().mean().item() for t in expected}
    assert set(drawn.tolist()) <= set(expected)
    assert shares == pytest.approx(expected, abs=2 / n)


@pytest.mark.parametrize("scale", [0.5, 4.0])  # a nucleus beyond the head, and one within it
def test_a_nucleus_is_found_without_sorting_all(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole sorts draw the same tokens, also among many that are equally likely."""
    logits = (torch.randn(64, 400) * scale).round()
    numbers = torch.rand(64, dtype=torch.float64)
    found = []
    for head in (50, 400):
        monkeypatch.setattr(decoding, "HEAD", head)
        found.append(Decoding(temperature=1.0, top_p=0.9).draw(logits, numbers).tolist())
    assert found[0] == found[1]
    masses = logits.double().softmax(-1).sort(-1, descending=True).values[:, :50].sum(-1)
    assert bool((masses >= 0.9).any()) == (scale > 1)


def test_the_stream_is_uniform() -> None:
    decoding = Decoding(20_000, temperature=1.0)
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = decoding.draw(logits.expand(20_000, -1), decoding.uniforms(3), NOT_GREEDY.expand(20000))
    counts = drawn.bincount(minlength=4).double()
    assert chisquare(counts, logits.double().softmax(-1) * 20_000).pvalue > 0.001


@pytest.mark.parametrize(("top_p", "expected"), [(0.5, [1, 1]), (1.0, [1, 3])])
def test_the_ends_of_the_unit_interval_draw_a_token(top_p: float, expected: list[int]) -> None:
    """Never one that cannot be drawn, wherever it stands in the vocabulary."""
    impossible = -torch.inf
    logits = torch.tensor([[impossible, 3.0, 0.0, -1.0, impossible]]).expand(2, -1)
    ends = torch.tensor([0.0, 1.0 - 2**-53], dtype=torch.float64)
    decoding = Decoding(temperature=1.0, top_p=top_p)
    assert decoding.draw(logits, ends, NOT_GREEDY.expand(2)).tolist() == expected


def test_every_key_and_every_seed_has_its_own_numbers() -> None:
    streams = [Decoding(8, 1.0, seed=s).uniforms(k) for s in (0, 1, 2**40) for k in (0, 1, 2**33)]
    assert len({tuple(stream.tolist()) for stream in streams}) == len(streams)
    assert torch.equal(Decoding(8, 1.0, seed=1).uniforms(1), Decoding(8, 1.0, seed=1).uniforms(1))
    longer = Decoding(12, 1.0).uniforms(5)
    assert torch.equal(longer[:8], Decoding(8, 1.0).uniforms(5))  # the limit changes no draw


def test_greedy_rows_among_sampled_ones() -> None:
    logits = torch.tensor([[1.0, 1.1, 0.9]]).expand(3, -1)
    greedy = torch.tensor([True, False, True])
    drawn = Decoding(temperature=1.0).draw(logits, torch.full((3,), 0.99).double(), greedy)
    assert drawn.tolist() == [1, 2, 1]
    assert Decoding().draw(logits, torch.rand(3), ~greedy).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"temperature": -1.0}, "temperature=-1"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"top_p": 0.0}, "top_p=0"),
        ({"top_p": 1.1}, "top_p=1.1"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Decoding(**settings)


def test_end_of_sequence_is_what_generate_stops_at(lively, words) -> None:
    model = lively("llama")
    assert end_ids(model, words) == {2}
    model.generation_config.eos_token_id = [5, 6]
    assert end_ids(model, words) == {5, 6}
    model.generation_config.eos_token_id = None
    assert end_ids(model, words) == {words.eos_token_id}
