"""Serve requests under a controller, audit some of them, and log every decision.

An audited request runs under the same controller at threshold ``inf``: it thinks to the end and is
scored at every cue. The exit it would have taken is then replayed from its scores (replay and live
are the same code), and its answer is forced and compared with the full run's. No engine needs to
know about audits.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from probexit.exits.answers.key import same_answer
from probexit.exits.controller import ExitController
from probexit.exits.engines.base import Engine, Request
from probexit.exits.production.audit import Audit
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision, DecisionLog
from probexit.exits.production.look import ServedRequest
from probexit.exits.trackers.base import track


@dataclass(frozen=True)
class Served:
    """What a request got, and what was logged about it."""

    token_ids: list[int]
    decision: Decision


@dataclass(frozen=True)
class Production:
    """A controller in service.

    Attributes:
        backend: The model in its engine.
        controller: The exit rule.
        log: Where decisions go.
        audit: Which requests are audited.
        same: Tells whether two answers agree, given the texts behind the thinking: the full run's,
            and that of an exit.
    """

    backend: Engine
    controller: ExitController
    log: DecisionLog
    audit: Audit = field(default_factory=Audit)
    same: Callable[[str, str], bool] = same_answer

    @cached_property
    def name(self) -> str:
        """The controller's digest."""
        return digest(self.controller)

    def serve(self, requests: Sequence[Request]) -> list[Served]:
        """Answer some requests; every decision is in the log when this returns.

        Raises:
            ValueError: for what the engine refuses.
        """
        chosen = [self.audit.chooses(request.id) for request in requests]
        groups: dict[bool, list[Request]] = {False: [], True: []}
        for audited, request in zip(chosen, requests, strict=True):
            groups[audited].append(request)
        served = {False: iter(self._stop(groups[False])), True: iter(self._audit(groups[True]))}
        found = [next(served[audited]) for audited in chosen]
        track(measured([one.decision for one in found]))
        return found

    def _stop(self, requests: Sequence[Request]) -> list[Served]:
        """Let the controller stop the thinking."""
        looks = self._write(requests, self.controller)
        return [self._log(look, look.left(), None) for look in looks]

    def _audit(self, requests: Sequence[Request]) -> list[Served]:
        """Let them think to the end, and look at what stopping would have given."""
        looks = self._write(requests, self.controller.with_threshold(math.inf))
        outcomes = self._examine(looks)
        pairs = zip(looks, outcomes, strict=True)
        return [self._log(look, look.replayed(), outcome) for look, outcome in pairs]

    def _write(
        self, requests: Sequence[Request], controller: ExitController
    ) -> list[ServedRequest]:
        written = self.backend.write(requests, controller) if requests else []
        pairs = zip(requests, written, strict=True)
        return [ServedRequest(self.backend, self.controller, *pair) for pair in pairs]

    def _examine(self, looks: Sequence[ServedRequest]) -> list[dict[int, bool]]:
        """Force an answer wherever a threshold would have left, and compare."""
        reached = [look.examined(self.audit) for look in looks]
        pairs = list(zip(looks, reached, strict=True))
        prefixes = [look.prefix(cue) for look, cues in pairs for cue in cues]
        forced = iter(self.backend.answers(prefixes, self.controller) if prefixes else [])
        answers = [{cue: next(forced) for cue in cues} for cues in reached]
        return [look.compared(own, self.same) for look, own in zip(looks, answers, strict=True)]

    def _log(self, look: ServedRequest, cue: int | None, outcome: dict[int, bool] | None) -> Served:
        decision = look.decision(self.name, cue, outcome)
        self.log.append(decision)
        return Served(look.written.token_ids, decision)


def measured(decisions: Sequence[Decision]) -> dict[str, float]:
    """Return means over some requests, for a tracker."""
    n, audited = len(decisions), [d for d in decisions if d.audit is not None]
    if not n:
        return {}
    found = {
        "serve/exited": sum(d.exited for d in decisions) / n,
        "serve/tokens": sum(d.tokens for d in decisions) / n,
        "serve/audited": len(audited) / n,
    }
    if audited:
        found["serve/agreed"] = sum(bool(d.agrees) for d in audited) / len(audited)
    return found
