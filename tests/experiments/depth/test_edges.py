"""Several edges against one cloud: nothing is mixed up, nothing is sent twice."""

import json
from typing import Any

import pytest
import torch

from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.rule import ExitRule
from probexit.experiments import reasoner
from probexit.experiments.commands.cli import main
from probexit.experiments.depth.edge import CloudLost, EdgeText
from probexit.experiments.depth.edges import EdgesBill, write

LIMIT = 12


@pytest.fixture
def model(tiny_model: Any) -> Any:
    made = tiny_model("llama", tie_word_embeddings=False, initializer_range=0.4)
    made.generation_config.eos_token_id = None
    return made


@pytest.fixture
def prompts() -> list[list[int]]:
    return [torch.randint(3, 60, (n,)).tolist() for n in (5, 9, 4, 7)]


def rule(threshold: float) -> ExitRule:
    return ExitRule((1,), MaxProbability(), PlainHead(), threshold)


def test_edges_at_once_write_what_each_writes_alone(model: Any, prompts: Any) -> None:
    """The cloud keeps each edge's states apart."""
    together = write(model, rule(0.5), prompts, 4, LIMIT)
    alone = [write(model, rule(0.5), [prompt], 1, LIMIT)[0] for prompt in prompts]
    assert together == alone
    assert len({tuple(text.tokens) for text in together}) == 4
    assert all(0 < text.asked < LIMIT for text in together)
    assert "forward" not in vars(model.model.layers[0])


def test_edges_that_always_ask_write_the_full_models_text(model: Any, prompts: Any) -> None:
    texts = write(model, rule(2.0), prompts, 2, LIMIT)
    full = [
        model.generate(torch.tensor([prompt]), max_new_tokens=LIMIT, do_sample=False)[
            0, len(prompt) :
        ].tolist()
        for prompt in prompts
    ]
    bill = EdgesBill.of(2, texts, full, 32)
    assert bill.same_text == 1.0
    assert bill.by_edge == 0.0
    assert bill.states == bill.all_states


def test_no_state_is_sent_twice(model: Any, prompts: Any) -> None:
    """Without what the cloud keeps, each question would carry its text so far."""
    texts = write(model, rule(0.5), prompts, 2, LIMIT)
    bill = EdgesBill.of(2, texts, [text.tokens for text in texts], 32)
    assert bill.states <= bill.all_states < bill.nothing_kept
    assert bill.states < bill.frames < bill.states + 100 * sum(text.asked for text in texts)


def test_the_bill_by_hand() -> None:
    texts = [
        EdgeText([1, 2, 3, 4], 1, 700, 40, None, 9, 6, 6),
        EdgeText([5, 6], 2, 900, 80, None, 5, 5, 9),
    ]
    bill = EdgesBill.of(2, texts, [[1, 2, 3, 4], [5, 7]], width=16)
    assert (bill.states, bill.all_states, bill.nothing_kept) == (32 * 11, 32 * 14, 32 * 15)
    assert (bill.by_edge, bill.same_text, bill.frames) == (0.5, 0.5, 1600)
    golden = EdgesBill.of(1, [EdgeText([1], 1, 0, 0, None, 20, 20, 20)], [[1]], width=4096)
    assert golden.states == 163_840  # the paper's 20 tokens at width 4,096 in half precision


def test_an_edge_does_not_wait_for_a_cloud_that_failed(
    model: Any, prompts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from probexit.experiments.depth import edges

    monkeypatch.setattr(edges, "serve", lambda *_: None)
    with pytest.raises(CloudLost, match="lost at token 0"):
        write(model, rule(0.5), prompts, 2, LIMIT)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    if not reasoner.path().is_dir():
        pytest.skip("the shipped reasoner is not in this checkout")
    small = ["--edge-layers", "2", "--n", "2", "--max-new-tokens", "12", "--json"]
    assert main(["depth", "edges", *small]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["texts"] == 2
    assert made["states"] <= made["all_states"]
    assert main(["depth", "edges", "--edge-layers", "2", "--n", "1"]) == 2
    assert "give each edge a problem" in capsys.readouterr().err
