"""Serve a task's problems as requests: the decision log of a controller, without a server."""

from collections.abc import Callable, Sequence

from tqdm.auto import tqdm

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Request
from probexit.exits.production.audit import Audit
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision
from probexit.exits.production.serve import Production, Served
from probexit.exits.replay import exits
from probexit.exits.trace import Trace
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.hooks.models import Reasoner


def agreement(task: Task) -> Callable[[str, str], bool]:
    """Compare two texts behind the thinking by the task's own grader."""

    def same(text: str, other: str) -> bool:
        return task.same(task.extract(text), task.extract(other))

    return same


def serve_items(
    production: Production, reasoner: Reasoner, items: Sequence[Item], chunk: int = 64
) -> list[Served]:
    """Serve problems in their order; those that the log holds already are passed over."""
    known = {d.request for d in production.log if d.controller == production.name}
    new = [item for item in items if item.id not in known]
    served: list[Served] = []
    with tqdm(total=len(items), initial=len(items) - len(new), unit="request") as bar:
        for first in range(0, len(new), chunk):
            part = new[first : first + chunk]
            served += production.serve([Request(i.id, reasoner.prompt(i.question)) for i in part])
            bar.update(len(part))
    return served


def rehearse(
    controller: ExitController, traces: Sequence[Trace], audit: Audit | None = None
) -> list[Decision]:
    """Replay a controller on traces as if they were requests.

    Args:
        controller: The exit rule.
        traces: Recorded with the controller's cues and closing text.
        audit: Which are audited; all of them if None. A recording holds the answer at every cue.

    Returns:
        One decision per trace; the closing text is not counted in its tokens.
    """
    choice, name = audit or Audit(1.0), digest(controller)
    scores = [controller.signal.scores(trace) for trace in traces]
    left = exits(controller.policy, scores)
    triples = zip(traces, [s.tolist() for s in scores], left, strict=True)
    return [_decision(name, triple, choice.chooses(triple[0].problem)) for triple in triples]


def _decision(name: str, triple: tuple[Trace, list[float], int | None], audited: bool) -> Decision:
    trace, scores, cue = triple
    tokens, seen = len(trace.token_ids), scores
    if cue is not None and not audited:
        tokens = int(trace.cues.positions[cue]) + 1 + int(trace.cues.answer_tokens[cue])
        seen = scores[: cue + 1]
    return Decision(
        request=trace.problem,
        controller=name,
        scores=tuple(seen),
        cue=cue,
        score=None if cue is None else scores[cue],
        refused=0,
        budget=False,
        tokens=tokens,
        audit=dict(enumerate(trace.agrees.tolist())) if audited else None,
    )
