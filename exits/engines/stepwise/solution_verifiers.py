"""Whether a whole solution is right, and how much to spend on finding out (FlexiVe, 2505.11966)."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import torch

from probexit.exits.engines.stepwise.detectors import finished_thinking
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.exits.signals.base import CueState, Signal
from probexit.hooks.capture import Capture
from probexit.hooks.cues.reader import cue_positions

EARLIEST = (
    "Question:\n{question}\n\nSolution, its paragraphs numbered from 0:\n{solution}\n\n"
    "Find the earliest paragraph with a mistake and give its number in \\boxed{{}}, or -1 if there "
    "is none."
)
_BOXED = re.compile(r"\\boxed\s*\{\s*(-?\d+)\s*\}")


@dataclass(frozen=True)
class SolutionVerdict:
    """What a verifier says of a solution.

    Attributes:
        valid: Whether it found no mistake.
        index: The earliest wrong paragraph, from 0; -1 of none.
    """

    valid: bool
    index: int = -1


class SolutionVerifier(ABC):
    """Judges a solution that is written to its end; charges the text what that costs."""

    @abstractmethod
    def judge(self, text: Manuscript, slow: bool, run: int) -> SolutionVerdict | None:
        """Return a verdict, or None if what came out cannot be read.

        Args:
            text: The solution.
            slow: With a thinking of its own; otherwise at once.
            run: Number of the run; each draws its own random numbers.
        """


@dataclass(frozen=True)
class AskedVerifier(SolutionVerifier):
    """The model itself as verifier: an untrained FlexiVe.

    The paper trains one, by reinforcement on located mistakes. Fast is a forced empty thinking,
    slow a whole one; both end at ``longest``, and a verdict that was not reached cannot be read.
    Paragraphs end at blank lines, where the released code (@9a73844) begins one at each hesitation
    word. The prompt and all that is written are charged.

    Attributes:
        instruction: What it is asked, with ``{question}`` and ``{solution}``; paraphrased.
        temperature: The paper's.
        longest: Most tokens of a run.
    """

    instruction: str = EARLIEST
    temperature: float = 0.6
    longest: int = 256

    def judge(self, text: Manuscript, slow: bool, run: int) -> SolutionVerdict | None:
        reasoner = text.reasoner
        asked = self.instruction.format(question=text.question, solution=numbered(text.text))
        prompt = reasoner.prompt(asked) if slow else finished_thinking(reasoner, asked)
        decoding = replace(text.decoding, max_new_tokens=self.longest, temperature=self.temperature)
        key = (text.key << 8) + 128 * slow + run + 1
        reply = Manuscript(reasoner, prompt, decoding, text.steps, key)
        while not reply.done:
            reply.keep(reply.draft())
        text.charged += len(prompt) + len(reply.ids)
        return verdict_in(reply.text)


@dataclass(frozen=True)
class ProbeVerifier(SolutionVerifier):
    """A fitted probe as verifier, for models that follow no questions; costs no token.

    It reads the last cue of the thinking, so that it has one verdict only, fast or slow; without a
    cue it has none.

    Attributes:
        signal: A probe's score; larger = likelier right.
        least: Valid from this score up.
    """

    signal: Signal
    least: float = 0.5

    def judge(self, text: Manuscript, slow: bool, run: int) -> SolutionVerdict | None:
        reasoner = text.reasoner
        cues = cue_positions(reasoner.tokenizer, text.steps, reasoner.tags, text.ids)
        if not cues:
            return None
        ids = torch.tensor(
            [[*text.prompt, *text.ids[: cues[-1] + 1]]], device=reasoner.model.device
        )
        with Capture(reasoner.model, self.signal.layers) as capture:
            logits = reasoner.model(input_ids=ids, use_cache=False).logits[:, -1]
        score = float(self.signal.live(CueState(capture.last(), logits, [cues[-1] + 1])))
        return (
            SolutionVerdict(True) if score >= self.least else SolutionVerdict(False, len(cues) - 1)
        )


@dataclass(frozen=True)
class FlexibleBudget:
    """Fast runs first; where they disagree, a quarter as many slow ones decide among themselves.

    Runs that cannot be read count for nothing. With up to nine fast runs, an agreement of .9 is
    unanimity. If no slow run can be read, there is no verdict.

    Attributes:
        fast: Fast runs; the released code (@9a73844) has 4, the paper's Flex@8 has 8.
        agreement: Share of the readable fast runs that must say the same.
    """

    fast: int = 4
    agreement: float = 0.9

    def verdict(self, verifier: SolutionVerifier, text: Manuscript) -> SolutionVerdict | None:
        """Let a verifier judge a solution."""
        found, share = majority([verifier.judge(text, False, run) for run in range(self.fast)])
        if share >= self.agreement:
            return found
        slow = [verifier.judge(text, True, run) for run in range(ceil(self.fast / 4))]
        return majority(slow)[0]


def majority(verdicts: Sequence[SolutionVerdict | None]) -> tuple[SolutionVerdict | None, float]:
    """Return the commonest verdict and its share of the readable ones; (None, 0) of none."""
    readable = [verdict for verdict in verdicts if verdict is not None]
    if not readable:
        return None, 0.0
    (best, count), *_ = Counter(readable).most_common()
    return best, count / len(readable)


def numbered(solution: str) -> str:
    """Number the paragraphs of a solution, parted by blank lines, from 0."""
    parts = [part for part in solution.split("\n\n") if part.strip()]
    return "\n\n".join(f"[{i}] {part}" for i, part in enumerate(parts))


def verdict_in(reply: str) -> SolutionVerdict | None:
    """Read the last boxed number of a reply: -1 = no mistake; None if there is none."""
    found = _BOXED.findall(reply)
    if not found:
        return None
    index = int(found[-1])
    return SolutionVerdict(True) if index < 0 else SolutionVerdict(False, index)
