"""Route by the question's text whether to think (semantic router, arXiv 2510.08731)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.experiments.methods.core.answer_at_once import AnswerAtOnce, Scorer
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.core.before_thinking import start_of
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.question_classifier import QuestionClassifier


@dataclass(frozen=True)
class QuestionRouter(AnswerAtOnce):
    """Answer at once where a classifier of the question's words says that this would be right.

    Nothing is generated or read by the model before the decision. The released router classifies a
    question into 14 subjects with ModernBERT, trusts a class from a probability of .6 on, and
    looks up in a table written by hand which subjects need reasoning. A test bed has one subject;
    so here the classifier, a logistic regression on words, is trained on what the table is to
    say, whether the answer at once is right. Below .6 it thinks; the released router does not,
    which would lose the answers of which it knows least.
    """

    title: ClassVar[str] = "question router"
    reads: ClassVar[str] = "the question's words"
    training: ClassVar[str] = "classifier of words, graded answers at once"
    source: ClassVar[str] = "2510.08731"
    summary: ClassVar[str] = "answers at once by the words of the question"
    even: float = 0.6

    def scorer(self, context: Context) -> Scorer:
        traces = context.splits.fit
        right = [float(start_of(trace).correct[0]) for trace in traces]
        try:
            classifier = QuestionClassifier.fit([trace.question for trace in traces], right)
        except ValueError as why:
            raise Unavailable(f"{why}: record more problems, or others") from why
        return lambda traces: classifier.score([trace.question for trace in traces])
