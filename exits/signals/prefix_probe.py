"""A probe on what anyone can see of a trace: eight numbers, no hidden state (LearnStop)."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.rollout import Rollout
from probexit.exits.signals.run_length import RunLength
from probexit.exits.signals.trial import TrialSignal
from probexit.exits.signals.whole_words import whole_words
from probexit.hooks.cues.hesitation import Hesitation
from probexit.probes.base import Probe


@dataclass(frozen=True)
class PrefixProbe(TrialSignal):
    """The probability that the trial answer is right, by the features of LearnStop.

    The features are those of arXiv 2606.30852: tokens thought (budget), number of the cue, mean
    log-probability and mean entropy of the answer's tokens, whether the answer matches the one
    before, its run length, its share of the votes so far, and backtracking markers per token. How
    the paper scales them, and its list of markers, we could not read; a linear probe standardises.

    Attributes:
        probe: A fitted probe of these ``width`` features.
        markers: Words that count as backtracking.
    """

    width: ClassVar[int] = 8
    unanswered: ClassVar[float] = -20.0  # log-probability of an answer that is not there
    probe: Probe = field(kw_only=True)
    markers: tuple[str, ...] = Hesitation().words

    def scores(self, trace: Rollout) -> Tensor:
        return self.probe.score(prefix_features(trace, self.markers))


def prefix_features(trace: Rollout, markers: tuple[str, ...]) -> Tensor:
    """Return the eight features at each cue, ``[c, 8]`` float32."""
    cues = trace.cues
    tokens = cues.answer_tokens
    count = tokens.clamp(min=1)
    spent = (cues.positions + 1 - trace.begins).float()
    logprob = cues.answer_logprobs.float().sum(-1) / count
    run = RunLength().scores(trace)
    columns = (
        spent,
        torch.arange(1, len(cues) + 1),
        torch.where(tokens > 0, logprob, PrefixProbe.unanswered),
        cues.answer_entropies.float().sum(-1) / count,
        run > 1,
        run,
        _vote_share(cues.answers),
        _markers(cues.steps, markers).cumsum(0) / spent,
    )
    return torch.stack([column.float() for column in columns], -1)


def _vote_share(answers: tuple[str, ...]) -> Tensor:
    """Return the share of the answers so far that equal this one, ``[c]``; 0 without an answer."""
    texts = [answer_key(answer) for answer in answers]
    votes = [texts[: i + 1].count(text) if text else 0 for i, text in enumerate(texts)]
    return torch.tensor(votes) / torch.arange(1, len(texts) + 1)


def _markers(steps: tuple[str, ...], markers: tuple[str, ...]) -> Tensor:
    """Count the markers in each step, ``[c]``."""
    pattern = whole_words(markers)
    return torch.tensor([len(pattern.findall(step)) for step in steps], dtype=torch.long)
