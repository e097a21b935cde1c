"""Teach a reasoner redundant second thoughts.

`python -m probexit.experiments.reasoner.training.hesitant --start DIR --out DIR` goes on from a
trained checkpoint, for a few hundred steps on the traces of ``second_thoughts.py``, on problems
that hold no rare operation.
"""

import argparse
import itertools
import random
from collections.abc import Iterator
from typing import Any

from transformers import AutoModelForCausalLM

from probexit.experiments.reasoner.grammar import Problem, problem
from probexit.experiments.reasoner.interrupt import interrupt
from probexit.experiments.reasoner.second_thoughts import second_thoughts
from probexit.experiments.reasoner.trace import WrittenTrace
from probexit.experiments.reasoner.training.data import FAMILY_MIX, INTERRUPTED, Batch, batches
from probexit.experiments.reasoner.training.train import TrainingRun, hasty_scale, parser


def draw(rng: random.Random) -> tuple[Problem, WrittenTrace]:
    """Draw a problem without a rare operation, and a trace for it."""
    drawn = problem(rng, rng.choices(tuple(FAMILY_MIX), tuple(FAMILY_MIX.values()))[0], "known")
    thinking, starts = second_thoughts(rng, drawn)
    if starts and rng.random() < INTERRUPTED:
        thinking = interrupt(rng, drawn, thinking, starts)
    return drawn, thinking


class HesitantRun(TrainingRun):
    """A training run that starts from a checkpoint."""

    difficulty = "known"

    def start(self) -> Any:
        return AutoModelForCausalLM.from_pretrained(self.options.start)

    def stream(self) -> Iterator[tuple[Batch, float]]:
        seed, budget, steps = self.options.seed, self.options.batch_tokens, self.options.steps
        lesson = itertools.islice(batches(self.tokenizer, seed, budget, draw), steps)
        for step, batch in enumerate(lesson):
            if step >= self.done:
                yield batch, hasty_scale(step, steps)


def main(arguments: list[str] | None = None) -> None:
    """Train from the command line."""
    form = parser()
    form.description = "Teach a reasoner redundant second thoughts on a CPU."
    form.add_argument("--start", required=True, help="the checkpoint to go on from")
    form.set_defaults(steps=300, hasty_steps=0, batch_tokens=2048, layers=2, width=128)
    options: argparse.Namespace = form.parse_args(arguments)
    HesitantRun(options).train()


if __name__ == "__main__":
    main()
