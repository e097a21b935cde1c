"""Serve problems batch by batch under Apparate's loops: released early, run to the end, audited."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tqdm.auto import tqdm

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.examples import Examples
from probexit.exits.depth.deciders.max_probability import MaxProbability
from probexit.exits.depth.deciders.own_thresholds import ABOVE, OwnThresholds
from probexit.exits.depth.heads.base import Head
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import ExitAudit
from probexit.exits.depth.tuning.adapt import Feedback
from probexit.exits.depth.tuning.plan import Costs
from probexit.exits.depth.tuning.ramp_loop import RampLoop, RampSettings
from probexit.exits.depth.tuning.ramps import Bootstrap
from probexit.exits.depth.tuning.rollouts import Writing, continuations
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.recording.tasks.base import Item


@dataclass(frozen=True)
class BatchServed:
    """One batch, at the ramps and thresholds it was served with.

    Attributes:
        task: Where its problems came from.
        ramps: Active ramps.
        thetas: Threshold of each.
        agreement: Share of the released tokens that are the full model's.
        saved: Share of the latency saved, by the cost model.
        tokens: Tokens released.
    """

    task: str
    ramps: tuple[int, ...]
    thetas: tuple[float, ...]
    agreement: float
    saved: float
    tokens: int


@dataclass(frozen=True)
class RampService:
    """A model whose ramps follow its audits.

    Attributes:
        bench: Model and limit of each text.
        head: Reads the states at the ramps.
        loop: Follows the audits.
    """

    bench: DepthBench
    head: Head
    loop: RampLoop

    def serve(
        self, batches: Sequence[tuple[str, Sequence[Item]]], quiet: bool = False
    ) -> Iterator[BatchServed]:
        """Serve batches of problems in turn, each with the name of its task."""
        for task, items in tqdm(batches, desc="serving", unit="batch", disable=quiet):
            yield self._batch(task, items)

    def _batch(self, task: str, items: Sequence[Item]) -> BatchServed:
        loop, model = self.loop, self.bench.reasoner.model
        ramps, thetas = loop.ramps, loop.thetas
        decider = OwnThresholds(ramps, thetas)
        controller = DepthController(ExitRule(ramps, decider, self.head, ABOVE), Shadow())
        prompts, writing = self.bench.prompts(items), Writing(self.bench.max_new_tokens)
        _, trace = continuations(model, controller, prompts, writing)
        served = loop.observe(confidences(trace.audits, decider, loop.depth))
        return BatchServed(
            task, ramps, thetas, served.accuracy, served.improvement, len(trace.audits)
        )


def confidences(audits: Sequence[ExitAudit], decider: OwnThresholds, depth: int) -> Feedback:
    """Return audits under own thresholds as confidences and agreement, ``[n, e]`` each.

    Raises:
        ValueError: if there are none.
    """
    feedback = Feedback.of(audits, depth)
    return replace(feedback, scores=decider.confidences(feedback.scores))


def first_ramps(
    head: Head, found: Examples, costs: Costs, settings: RampSettings
) -> tuple[int, ...]:
    """Choose the first ramps on recorded tokens; return their layers, ascending.

    Args:
        head: Reads the states at the ramps.
        found: Recorded tokens, at every layer that could have a ramp.
        costs: Of a pass, in layers.
        settings: The constants.

    Raises:
        ValueError: if no ramp pays.
    """
    recorded = Feedback.recorded(ExitRule(found.layers, MaxProbability(), head), found)
    limits = (settings.accuracy, settings.overhead, settings.most)
    chosen = Bootstrap(settings.climb, *limits).choose(recorded, costs)
    if not chosen:
        raise ValueError(
            f"no ramp after the layers {list(found.layers)} pays: one look costs {costs.look:.2f} "
            f"layers of {recorded.depth}, and ramps may cost {settings.overhead:.0%} together; try "
            "other --layers, or a larger --overhead"
        )
    return chosen
