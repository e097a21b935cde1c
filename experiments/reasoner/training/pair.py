"""How right the small reasoner and the deep one are on the same problems.

`python -m probexit.experiments.reasoner.training.pair` prints the table of the small one's card.
"""

from collections.abc import Iterator
from pathlib import Path

import torch

from probexit.experiments.reasoner import deep_path, small_path
from probexit.experiments.reasoner.thoughts import Checkpoint, ThoughtSetting, think_all
from probexit.experiments.reasoner.training.behaviour import interval
from probexit.experiments.reasoner.training.card import share, table

SEED = 3
SETTINGS = (
    (ThoughtSetting("arith", "default", 1.0), 128),
    (ThoughtSetting("arith", "default", 0.0), 128),
    (ThoughtSetting("arith", "hard", 1.0), 96),
    (ThoughtSetting("arith", "hard", 0.0), 96),
    (ThoughtSetting("coins", "default", 1.0), 96),
    (ThoughtSetting("spell", "default", 1.0), 96),
)


def cells(folder: Path, setting: ThoughtSetting, number: int) -> tuple[str, str]:
    """Return how often a model is right, with its interval, and its mean thinking."""
    thoughts = think_all(Checkpoint(folder), setting, number, SEED)
    mean = sum(len(thought.thinking) for thought in thoughts) / number
    return share(interval([thought.right for thought in thoughts])), f"{mean:.0f}"


def rows() -> Iterator[list[object]]:
    """Yield a row of the table for each setting."""
    for setting, number in SETTINGS:
        small, deep = (cells(folder, setting, number) for folder in (small_path(), deep_path()))
        yield [setting.name, number, small[0], deep[0], small[1], deep[1]]


if __name__ == "__main__":
    torch.set_num_threads(1)
    header = ["setting", "problems", "small right", "deep right", "small tokens", "deep tokens"]
    print(table(header, rows()))
