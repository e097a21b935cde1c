"""Make the model believe that it is further along (overclocking, arXiv 2506.07240)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from probexit.exits.trace import Trace
from probexit.experiments.fitting.targets import progress
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.core.training import recorded_layers
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.hooks.layers import n_layers


@dataclass(frozen=True)
class Overclocking(LiveRule):
    """Add ``alpha theta`` to the output of the final norm, where it is a constant bias of logits.

    ``theta`` is the progress vector: the least-squares fit of ``(j + 1) / N`` for token ``j`` of a
    thinking of ``N`` on its states behind the final norm, without an intercept, of traces that
    ended. As in the code (@8ce8efd) alpha is absolute and theta is not normalised; predicted
    progress rises by ``alpha |theta|^2``. The code's penalty of 1e-10 leaves the fit singular with
    few tokens: here it is relative to the mean square of a coordinate. With `record --tokens` the
    fit is over all thinking tokens, as in the paper, else over the cue tokens. Beside it stands a
    direction of the same length fitted to shuffled labels: what any push of that size does.

    Attributes:
        alphas: Strengths.
        penalty: Penalty of the fit, in multiples of the mean square of a coordinate.
    """

    title: ClassVar[str] = "overclocking"
    family: ClassVar[MethodFamily] = MethodFamily.STEERING
    reads: ClassVar[str] = "hidden states, and changes them"
    training: ClassVar[str] = "least squares of progress"
    source: ClassVar[str] = "2506.07240"
    summary: ClassVar[str] = "adds the direction in which the thinking comes to its end"
    alphas: tuple[float, ...] = (20.0, 100.0)
    penalty: float = 1e-3

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        final = _final_norm(context, bench)
        theta = least_squares(*_progress(context, final), self.penalty)
        return {
            f"alpha {alpha:g}": InterventionRun(directions={final: alpha * theta})
            for alpha in self.alphas
        }

    def controls(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        final, alpha = _final_norm(context, bench), max(self.alphas)
        X, y = _progress(context, final)
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(context.seed))
        noise = least_squares(X, y[order], self.penalty)
        as_long = noise / noise.norm() * least_squares(X, y, self.penalty).norm()
        label = f"alpha {alpha:g}, shuffled labels"
        return {label: InterventionRun(directions={final: alpha * as_long})}


def _final_norm(context: Context, bench: LiveEvaluator) -> int:
    """Return the layer that stands for the final norm.

    Raises:
        Unavailable: if it was not recorded.
    """
    final = n_layers(bench.reasoner.model)
    if final not in recorded_layers(context):
        raise Unavailable("the final norm was not recorded: record with --layers all")
    return final


def _progress(context: Context, layer: int) -> tuple[Tensor, Tensor]:
    return progress_table(context.splits.fit, recorded_layers(context).index(layer))


def progress_table(traces: Sequence[Trace], column: int) -> tuple[Tensor, Tensor]:
    """Pool states and progress over the traces that ended.

    Args:
        traces: Recorded traces.
        column: Index along ``L`` of the recorded layer.

    Returns:
        States ``[n, d]`` and relative positions ``[n]`` in (0, 1]: of all thinking tokens where
        they were recorded, else of the cue tokens.

    Raises:
        Unavailable: if no trace ended.
    """
    ended = [trace for trace in traces if trace.finished and trace.thinking and len(trace.cues)]
    if not ended:
        raise Unavailable("no thinking came to its end: record with more --max-new-tokens")
    pairs = [_states(trace, column) for trace in ended]
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])


def _states(trace: Trace, column: int) -> tuple[Tensor, Tensor]:
    if trace.thinking_hidden is None:
        return trace.cues.hidden[:, column].float(), progress(trace)
    states = trace.thinking_hidden[:, column].float()
    return states, torch.arange(1, len(states) + 1) / len(states)


def least_squares(X: Tensor, y: Tensor, penalty: float) -> Tensor:
    """Return the weights ``[d]`` of ``y [n]`` on ``X [n, d]``, without an intercept.

    ``(X'X + p mean(diag X'X) I) w = X'y``.

    Raises:
        Unavailable: if there is nothing to tell apart.
    """
    X, y = X.double(), y.double()
    gram = X.T @ X
    shrunk = gram + penalty * gram.diagonal().mean() * torch.eye(X.shape[1]).double()
    weights: Tensor = torch.linalg.lstsq(shrunk, X.T @ y, driver="gelsd").solution
    if not weights.norm() > 0:
        raise Unavailable("the states hold no progress: record more problems")
    return weights.float()
