"""Solve, detect the solution, verify it, send it back (Solve-Detect-Verify, arXiv 2505.11966)."""

from collections import Counter
from dataclasses import dataclass

from probexit.exits.engines.stepwise.base import StepwiseEngine
from probexit.exits.engines.stepwise.detectors import Detector
from probexit.exits.engines.stepwise.manuscript import Manuscript
from probexit.exits.engines.stepwise.solution_verifiers import (
    FlexibleBudget,
    SolutionVerdict,
    SolutionVerifier,
)
from probexit.exits.verifiers.stated_answer import stated
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.reflection import Reflection

# fmt: off
HESITATION = (  # the released code's
    "wait", "double-check", "alternatively", "hmm", "let me check", "let me double-check",
    "make sure", "another way", "let me verify", "to confirm",
)
# fmt: on
FEEDBACK = (
    "{question}\n\nA solution was written before:\n{solution}\n\n"
    "A verifier found a mistake in paragraph {index}. Solve the question again."
)


@dataclass(frozen=True)
class SolveDetectVerify(StepwiseEngine):
    """At hesitation words a detector may end the thinking; what a verifier rejects is written anew.

    After a rejection ``solutions`` new ones are written, with the detector on and the verdict in
    the prompt; the majority of their answers wins and is not verified again. Everything else is
    charged: the rejected solution, those that are outvoted, and what detector and verifier read.

    Attributes:
        detector: Whether the thinking holds a complete solution.
        verifier: Whether a solution is right.
        budget: How much is spent on the verdict.
        solutions: Solutions written after a rejection.
        feedback: Their prompt, with ``{question}``, ``{solution}`` and ``{index}``; "" = the
            question as it was, for models that follow no feedback.
        words: Where the detector is asked.
    """

    detector: Detector
    verifier: SolutionVerifier
    budget: FlexibleBudget = FlexibleBudget()  # noqa: RUF009  # frozen
    solutions: int = 4
    feedback: str = FEEDBACK
    words: tuple[str, ...] = HESITATION

    @property
    def steps(self) -> CueSet:
        return Reflection(self.words)

    def fill(self, text: Manuscript) -> None:
        self._solve(text)
        verdict = self.budget.verdict(self.verifier, text)
        if verdict is not None and not verdict.valid:
            again = [self._again(text, verdict, i) for i in range(self.solutions)]
            text.give_way(again, winner(again))

    def _solve(self, text: Manuscript) -> None:
        while not text.done:
            step = text.draft()
            text.keep(step)
            if step.cued and text.may_leave and self.detector.complete(text):
                text.leave()

    def _again(self, text: Manuscript, verdict: SolutionVerdict, number: int) -> Manuscript:
        prompt = text.prompt
        if self.feedback:
            prompt = text.reasoner.prompt(
                self.feedback.format(
                    question=text.question, solution=text.text, index=verdict.index
                )
            )
        key = (text.key << 4) + number + 1
        new = Manuscript(text.reasoner, prompt, text.decoding, self.steps, key)
        new.question = text.question
        new.charged += len(prompt) if self.feedback else 0
        self._solve(new)
        return new


def winner(texts: list[Manuscript]) -> int:
    """Return the first text whose stated answer most of them give; the first if none states any."""
    answers = [stated(text.reasoner.after_thinking(text.ids)) for text in texts]
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return 0
    return answers.index(max(counts, key=lambda answer: counts[answer]))
