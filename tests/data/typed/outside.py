"""A program of a user's, to be checked by mypy --strict against the installed package."""

from pathlib import Path

import numpy as np
import torch

import probexit as px
from probexit.calibration.certificate import Certificate
from probexit.exits.policies.base import ExitPolicy


class Always(ExitPolicy):
    """Leaves at the first cue."""

    def crossing_threshold(self, scores: torch.Tensor) -> torch.Tensor:
        return scores[:, -1] * 0 + torch.inf


def certified(losses: list[list[int]]) -> Certificate:
    grid = np.linspace(1, 0, len(losses[0]), endpoint=False)
    return px.certify_losses(losses, grid, alpha=0.1)


def stopped(question: str, folder: Path) -> str:
    reasoner = px.load("shipped")
    run: px.Run = px.record(reasoner, "arith", folder, n=60)
    px.fit(run)
    controller: px.ExitController = px.certify(run, alpha=0.1)
    with px.attach(reasoner, controller) as attached:
        text: str = reasoner.ask(question)
    left = attached.rows[0].exit
    return text if left is None else f"{text} ({left.thinking} tokens)"
