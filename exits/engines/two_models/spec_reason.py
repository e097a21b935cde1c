"""Speculative reasoning steps, accepted or rewritten by a larger model (SpecReason, 2504.07891)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.tracks import Mark, Tracks, windowed
from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.judge import Draft, Judge, Likelihood
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText
from probexit.exits.engines.two_models.pen import Pen, StepEnd
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.paragraph import Paragraph


@dataclass(frozen=True)
class SpecReason(TwoModelEngine):
    """The small model drafts a step; the large one judges it, and rewrites what it rejects.

    Both caches are kept and cut back to the step's beginning where a draft is rejected. Several
    texts are written in step: drafts together, judged in one pass, the rejected ones rewritten
    together; models with sliding windows write one text after another.

    The paper asks the large model for a score from 0 to 9 in a prompt and accepts from 7 up, which
    is ``PromptedScore``; the default judge, for models that follow no instructions, reads the
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

    def write(
        self, pair: ModelPair, prompt: Sequence[int], decoding: Decoding, key: int = 0
    ) -> TwoModelText:
        return self.write_all(pair, [prompt], decoding, [key])[0]

    @torch.inference_mode()
    def write_all(
        self,
        pair: ModelPair,
        prompts: Sequence[Sequence[int]],
        decoding: Decoding,
        keys: Sequence[int],
    ) -> list[TwoModelText]:
        if len(prompts) > 1 and (windowed(pair.small) or windowed(pair.large)):  # see `Tracks`
            return super().write_all(pair, prompts, decoding, keys)
        # Each model has its own random numbers: those with which a rejected draft was drawn are no
        # longer random for the step that replaces it.
        small, large = Tracks(pair.small, prompts), Tracks(pair.large, prompts)
        until = StepEnd(self.steps, self.longest, pair.end)
        drafting = Pen(small, pair.tokenizer, until, decoding, [2 * key + 1 for key in keys])
        writing = Pen(large, pair.tokenizer, until, decoding, [2 * key for key in keys])
        efforts = zip(small.efforts, large.efforts, strict=True)
        texts = [TwoModelText([], [], False, *both) for both in efforts]
        while going := [
            row
            for row, text in enumerate(texts)
            if len(text.token_ids) < decoding.max_new_tokens and not text.finished
        ]:
            written = {row: len(texts[row].token_ids) for row in going}
            so_far = {row: [*prompts[row], *texts[row].token_ids] for row in going}
            small.follow(so_far)
            before = {row: small.marks[row] for row in going}
            steps = drafting.steps(so_far, written)
            read = large.follow(so_far, steps)
            rejected = [
                row
                for row in going
                if not self._accepts(pair, texts[row], steps[row], read[row], prompts[row])
            ]
            if rejected:
                small.back({row: before[row] for row in rejected})
                large.back({row: Mark(len(so_far[row]), read[row][0]) for row in rejected})
                again = {row: so_far[row] for row in rejected}
                steps |= writing.steps(again, {row: written[row] for row in rejected})
            for row in going:
                _add(texts[row], steps[row], row in rejected, pair.end)
        return texts

    def _accepts(
        self,
        pair: ModelPair,
        text: TwoModelText,
        step: list[int],
        rows: Tensor,
        prompt: Sequence[int],
    ) -> bool:
        """Judge a draft and note what came of it; ``rows [m + 1, V]`` are the large's logits."""
        so_far = [*prompt, *text.token_ids]
        verdict = self.judge.judge(_draft(pair, step, rows, so_far, len(prompt)))
        text.judged += 1
        text.large.read += verdict.read
        accepted = verdict.score >= self.threshold
        text.accepted += accepted
        if accepted:
            text.small.written += len(step)
        else:
            text.small.rejected += len(step)
        return accepted


def _add(text: TwoModelText, step: list[int], by_large: bool, end: set[int]) -> None:
    text.token_ids += step
    text.by_large += [by_large] * len(step)
    text.large.written += by_large * len(step)
    text.finished = step[-1] in end


def _draft(
    pair: ModelPair, step: list[int], rows: Tensor, so_far: Sequence[int], prompt: int
) -> Draft:
    """Lay a step before the judge; ``rows [m + 1, V]`` are the large model's logits."""
    chosen = torch.tensor(step, device=rows.device)[:, None]
    logprobs = rows[:-1].log_softmax(-1).gather(-1, chosen)[:, 0]
    text = pair.tokenizer.decode(step)
    return Draft(text, tuple(step), logprobs, so_far, prompt, pair.large, pair.tokenizer)
