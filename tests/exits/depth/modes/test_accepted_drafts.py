"""SpecDec++'s stop: the published numbers, and a head against noise of the same length."""

from statistics import mean
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.acceptance import Acceptance
from probexit.exits.depth.deciders.base import Decider
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.heads.readout import Readout
from probexit.exits.depth.modes.accepted_drafts import AcceptedDrafts
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import Round
from probexit.exits.depth.tuning.draft_labels import draft_labels

OPTIONS = {"max_new_tokens": 48, "do_sample": False, "eos_token_id": None}


class Given(Decider):
    """Scores in the order of the tokens read since the last verification; .5 thereafter."""

    def __init__(self, *chances: float) -> None:
        self.chances, self.read = chances, 0

    def score(self, look: LayerView) -> Tensor:
        self.read += 1
        return torch.tensor([self.chances[self.read - 1] if self.read <= len(self.chances) else 0])


@pytest.mark.parametrize(("h", "drafts"), [(0.3, 4), (0.1, 3), (0.04, 2)])
def test_the_published_stop(deep_model: Any, prompt: Tensor, h: float, drafts: int) -> None:
    """1 - c after drafts 1 to 4 is 0, .05, .145, .316; what is read for the first is settled."""
    decider = Given(0.0, 0.95, 0.9, 0.8)
    rule = ExitRule((1,), decider, PlainHead(), 1 - h)
    model = deep_model("llama")
    with DepthController(rule, AcceptedDrafts()).attach(model) as attached:
        model.generate(prompt, **OPTIONS | {"max_new_tokens": 3})
    assert len(attached.trace.rounds[0].drafts) == drafts


class Noise(Decider):
    """Scores drawn from those that a head gave, whatever the state."""

    def __init__(self, seen: Tensor) -> None:
        self.seen, self.drawn = seen, torch.Generator().manual_seed(0)

    def score(self, look: LayerView) -> Tensor:
        chosen = torch.randint(len(self.seen), (len(look.hidden),), generator=self.drawn)
        return self.seen[chosen]


class Noted(Decider):
    """A decider whose scores are noted."""

    def __init__(self, decider: Decider) -> None:
        self.decider, self.seen = decider, list[Tensor]()

    def score(self, look: LayerView) -> Tensor:
        self.seen.append(self.decider.score(look))
        return self.seen[-1]


class Eager(Head):
    """Drafts one kind of token too often: those that speak with the state's first entry."""

    def translate(self, hidden: Tensor, layer: int) -> Tensor:
        first = torch.zeros(hidden.shape[-1])
        first[0] = 1.0
        return hidden + 2.0 * hidden.norm(dim=-1, keepdim=True) / hidden.shape[-1] ** 0.5 * first


def marked(model: Any) -> Any:
    """Let upper layers change nothing, and a fifth of the tokens be of that kind, as words too."""
    for layer in model.model.layers[2:]:
        layer.self_attn.o_proj.weight.zero_()
        layer.mlp.down_proj.weight.zero_()
    kind = torch.arange(97) % 5 == 0
    model.get_input_embeddings().weight[:, 1] = torch.where(kind, 8.0, -8.0)
    model.get_output_embeddings().weight[:, 0] = torch.where(kind, 2.0, 0.0)
    return model


def drafted(model: Any, prompts: Tensor, decider: Decider, threshold: float) -> list[Round]:
    rule, rounds = ExitRule((1,), decider, Eager(), threshold), list[Round]()
    for prompt in prompts:
        plain = model.generate(prompt[None], **OPTIONS)
        with DepthController(rule, AcceptedDrafts()).attach(model) as attached:
            assert torch.equal(model.generate(prompt[None], **OPTIONS), plain)
        rounds += attached.trace.rounds
    return rounds


def test_a_head_stops_where_noise_of_the_same_length_does_not(deep_model: Any) -> None:
    model = marked(deep_model("llama"))
    drawn = torch.Generator().manual_seed(1)
    prompts = torch.randint(3, 97, (20, 9), generator=drawn)
    with torch.inference_mode():
        texts = model.generate(prompts, max_new_tokens=60, do_sample=True, eos_token_id=None)
    readout = Readout(model, Eager())
    states, accepted = draft_labels(model, readout, 1, texts.tolist(), [9] * 20)
    assert 0.1 < accepted.mean() < 0.9
    noted = Noted(Acceptance().learn(1, states, accepted))
    by_head = drafted(model, prompts[:3], noted, 0.7)
    by_noise = drafted(model, prompts[:3], Noise(torch.cat(noted.seen)), 0.7)
    length, at_random = (mean([len(r.drafts) for r in rounds]) for rounds in (by_head, by_noise))
    assert length < at_random + 0.25  # no longer drafts, and yet more of them kept
    kept, lucky = (mean([r.accepted for r in rounds]) for rounds in (by_head, by_noise))
    assert kept > 1.1 * lucky
