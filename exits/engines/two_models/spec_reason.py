"""Speculative reasoning steps, accepted or rewritten by a larger model (SpecReason, 2504.07891)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.judge import Draft, Judge, Likelihood
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText
from probexit.exits.engines.two_models.track import Mark, Track
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.stream import TextStream


@dataclass(frozen=True)
class SpecReason(TwoModelEngine):
    """The small model drafts a step; the large one judges it, and rewrites what it rejects.

    Both caches are kept and cut back to the step's beginning where a draft is rejected. The paper
    asks the large model for a score from 0 to 9 in a prompt and accepts from 7 up, which is
    ``PromptedScore``; the default judge, for models that follow no instructions, reads the
    likelihood of the step off the pass in which the large model has to read it anyway. The answer
    is a step like any other.

    Attributes:
        threshold: Accept from this score up; ``inf`` = the large model alone, ``-inf`` = the small.
        judge: Scores a draft.
        steps: Where a step ends; the end of the text ends one too.
        longest: Most tokens of a step.
    """

    threshold: float
    judge: Judge = field(default_factory=Likelihood)
    steps: CueSet = field(default_factory=Paragraph)
    longest: int = 128

    @torch.inference_mode()
    def write(
        self, pair: ModelPair, prompt: Sequence[int], decoding: Decoding, key: int = 0
    ) -> TwoModelText:
        # Each model has its own random numbers: those with which a rejected draft was drawn are no
        # longer random for the step that replaces it.
        small, large = Track(pair.small, prompt), Track(pair.large, prompt)
        drafting = _Pen(self, pair, small, decoding, 2 * key + 1)
        writing = _Pen(self, pair, large, decoding, 2 * key)
        text = TwoModelText([], [], False, small.effort, large.effort)
        while len(text.token_ids) < decoding.max_new_tokens and not text.finished:
            so_far = [*prompt, *text.token_ids]
            small.follow(so_far)
            before = small.mark
            step = drafting.step(so_far, len(text.token_ids))
            rows = large.follow(so_far, step)
            text.judged += 1
            verdict = self.judge.judge(_draft(pair, step, rows, so_far, len(prompt)))
            large.effort.read += verdict.read
            accepted = verdict.score >= self.threshold
            if accepted:
                text.accepted += 1
                small.effort.written += len(step)
            else:
                small.effort.rejected += len(step)
                small.back(before)
                large.back(Mark(len(so_far), rows[0]))
                step = writing.step(so_far, len(text.token_ids))
                large.effort.written += len(step)
            text.token_ids += step
            text.by_large += [not accepted] * len(step)
            text.finished = step[-1] in pair.end
        return text


class _Pen:
    """Writes steps with one of the models."""

    def __init__(
        self, rule: SpecReason, pair: ModelPair, track: Track, decoding: Decoding, key: int
    ) -> None:
        self.rule, self.pair, self.track, self.decoding = rule, pair, track, decoding
        self.uniforms = decoding.uniforms(key)

    def step(self, so_far: Sequence[int], written: int) -> list[int]:
        """Write a step after a text of which ``written`` tokens were generated."""
        stream, told, ids = TextStream(self.pair.tokenizer), "", list[int]()
        while len(ids) < min(self.rule.longest, self.decoding.max_new_tokens - written):
            logits = self.track.follow([*so_far, *ids])[-1:]
            number = self.uniforms[written + len(ids)][None]
            ids.append(int(self.decoding.draw(logits, number)))
            new = stream.push(ids[-1])
            told += new
            if ids[-1] in self.pair.end or self.rule.steps.fires(told, len(new), len(ids)):
                break
        return ids


def _draft(
    pair: ModelPair, step: list[int], rows: Tensor, so_far: Sequence[int], prompt: int
) -> Draft:
    """Lay a step before the judge; ``rows [m + 1, V]`` are the large model's logits."""
    chosen = torch.tensor(step, device=rows.device)[:, None]
    logprobs = rows[:-1].log_softmax(-1).gather(-1, chosen)[:, 0]
    text = pair.tokenizer.decode(step)
    return Draft(text, tuple(step), logprobs, so_far, prompt, pair.large, pair.tokenizer)
