"""Traces whose second thoughts are redundant, in the words that NoWait suppresses.

Made for one purpose: to let the suppression of re-check words show an effect, which it cannot where
re-checks repair answers. In problems of difficulty "known" every step is known by heart, so the
first pass is right and each second thought only goes over a step again. Its words are of the
published list (NoWait, arXiv 2506.08343). Whether to go on or to end is chosen at the word itself:
the last paragraph repeats the answer, so a paragraph may begin with a re-check or with the end.
"""

import random

from probexit.experiments.reasoner.grammar import Problem
from probexit.experiments.reasoner.trace import Thinking, WrittenTrace

WORDS = ("Wait", "Hmm", "Alternatively")
"""Words of NoWait's list that are single tokens of the shipped tokenizer."""
GO_ON = 0.8
MOST = 8


def second_thoughts(rng: random.Random, drawn: Problem) -> tuple[WrittenTrace, tuple[int, ...]]:
    """Sample a trace, and say at which segments its second thoughts begin.

    After each stated answer it goes on with chance ``GO_ON``, at most ``MOST`` times: nothing that
    was found out tells when it ends, so there is nothing to be lost by ending it.
    """
    thinking = Thinking(drawn, rng)
    thinking.say("First:")
    thinking.run(0)
    starts: list[int] = []
    while len(starts) < MOST and rng.random() < GO_ON:
        starts.append(len(thinking.segments))
        _again(thinking, rng)
    thinking.say("\n\n")
    thinking.say("So")
    thinking.say(" the answer is")
    thinking.say(f" {thinking.answer}")
    thinking.say(".")
    return WrittenTrace(tuple(thinking.segments), thinking.answer), tuple(starts)


def _again(thinking: Thinking, rng: random.Random) -> None:
    """Write a paragraph that goes over something once more."""
    thinking.say("\n\n")
    thinking.say(rng.choice(WORDS))
    thinking.say(",")
    if rng.random() < 0.3:
        thinking.repeat()
    else:
        thinking.check(rng.randrange(len(thinking.operations)))
