"""What a saved controller decides, as plain numbers that stand beside it in ``decisions.json``."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.layer_view import LayerView
from probexit.exits.depth.heads.base import Head
from probexit.exits.trace import GradedCues, Trace

GOLDEN = Path(__file__).parents[2] / "data" / "controllers"
TEXT = "Wait, so 12.\n\nHmm, let me check. Actually it is 14? Okay but maybe.\n\nSo the answer."
RECORDED, WIDTH, VOCABULARY, DEPTH, CUES = 3, 4, 9, 6, 5


def wave(*shape: int, start: int = 1) -> Tensor:
    """Numbers in [-1, 1] that are the same on every machine, unlike random ones."""
    return torch.arange(start, start + math.prod(shape)).float().sin().reshape(shape)


def trace() -> Trace:
    answers = ("7", "12", "12", "", "12")
    cues = GradedCues(
        positions=torch.arange(1, CUES + 1) * 70,
        hidden=wave(CUES, RECORDED, WIDTH).to(torch.bfloat16),
        step_hidden=wave(CUES, RECORDED, WIDTH, start=90).to(torch.bfloat16),
        entropy=wave(CUES).abs(),
        top_logprobs=-wave(CUES, 3).abs().sort(-1).values,
        end_logprob=-wave(CUES, start=5).abs() * 3,
        steps=tuple(f"The answer is {answer}. Wait, hmm." for answer in answers),
        answers=answers,
        answer_ids=torch.ones(CUES, 2, dtype=torch.long),
        answer_logprobs=-wave(CUES, 2).abs(),
        answer_entropies=wave(CUES, 2).abs(),
        correct=torch.arange(CUES) > 2,
    )
    tokens = wave(400).abs()
    return Trace(
        problem="p",
        rollout=0,
        prompt_ids=tokens[:3].long(),
        token_ids=tokens.long(),
        logprobs=-tokens,
        entropies=tokens,
        confidences=tokens,
        thinking=390,
        finished=True,
        answer="12",
        correct=True,
        gold="12",
        cues=cues,
        agrees=torch.arange(CUES) > 2,
    )


@dataclass
class Columns:
    """Reads logits with a head and a fixed unembedding."""

    head: Head
    depth: int = DEPTH

    def logits(self, hidden: Tensor, layer: int) -> Tensor:
        return self.head.translate(hidden, layer) @ (3 * wave(WIDTH, VOCABULARY))

    def columns(self, hidden: Tensor, layer: int, tokens: Tensor) -> Tensor:
        return self.logits(hidden, layer).gather(-1, tokens)


def plain(found: Any) -> Any:
    """Numbers as JSON keeps them, infinities as words."""
    if isinstance(found, Tensor):
        return plain(found.tolist())
    if isinstance(found, list | tuple):
        return [plain(one) for one in found]
    if isinstance(found, dict):
        return {key: plain(one) for key, one in found.items()}
    return str(found) if isinstance(found, float) and not math.isfinite(found) else found


def of_reasoning(controller: ExitController) -> dict[str, Any]:
    history = wave(4, 6).abs()
    scores = controller.signal.scores(trace())
    return {
        "cues": [i for i in range(len(TEXT)) if controller.cues.fires(TEXT[:i], 1, i)],
        "scores": scores,
        "leaves": [bool(controller.policy.should_exit(scores[None, : i + 1])) for i in range(CUES)],
        "policy": controller.policy.should_exit(history),
        "tags": asdict(controller.tags),
        "rest": [controller.closing, controller.answer_tokens, controller.max_thinking],
        "model": controller.model and asdict(controller.model),
        "threshold": controller.policy.threshold,
        "statement": controller.certificate.get("statement"),
    }


def of_layers(controller: DepthController) -> dict[str, Any]:
    rule, reader, looks = controller.rule, Columns(controller.rule.head), []
    for layer in rule.layers:
        states = wave(4, WIDTH, start=layer), wave(4, WIDTH, start=layer + 50)
        final = None if controller.mode.live else torch.arange(4)
        looks.append(LayerView(layer, *states, 3, reader, looks[-1] if looks else None, final))
    return {
        "scores": [rule.decider.score(look) for look in looks],
        "first": rule.first(looks),
        "logits": [look.logits for look in looks],
        "mode": asdict(controller.mode),
        "model": controller.model and asdict(controller.model),
        "threshold": rule.threshold,
        "statement": controller.certificate.get("statement"),
    }


@pytest.fixture(scope="session")
def decisions() -> Callable[[Any], Any]:
    """``decisions(controller)``: all that a controller of either kind decides here."""

    def decide(controller: Any) -> Any:
        told = of_reasoning if isinstance(controller, ExitController) else of_layers
        return plain(told(controller))

    return decide
