"""What one engine writes down about requests that ended: decision log, counters, audits, alarms.

One process of an engine does, the first of those that share a model's weights. Comparing answers
may take a grader seconds: a thread does it, beside the passes.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from probexit.exits.engines.base import Request, Written
from probexit.exits.engines.server.decisions import decision_of
from probexit.exits.engines.server.running import Running
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.audits import Ask, Audits, Examined
from probexit.exits.engines.vllm_plugin.counts import Counts
from probexit.exits.production.digest import digest
from probexit.exits.production.log import Decision, DecisionLog, now
from probexit.exits.production.look import ServedRequest
from probexit.exits.production.oversight import Alarm, Oversight

logger = logging.getLogger("vllm.probexit")


@dataclass(frozen=True)
class Limits:
    """What a look at a request must know.

    Attributes:
        tokenizer: The model's.
        max_new_tokens: Tokens that the request may write.
    """

    tokenizer: Any
    max_new_tokens: int


class Ledger:
    """Writes down what was decided.

    Attributes:
        counts: The counters.
        audits: Audited requests whose answers are still to come.
    """

    def __init__(self, settings: Settings, oversight: Oversight, tokenizer: Any) -> None:
        """Open the log and go through it, so that the alarms know what went before.

        Raises:
            ValueError: if the log is no decision log, or the alarms' run cannot be read.
        """
        self.settings, self.oversight, self.tokenizer = settings, oversight, tokenizer
        self.counts = Counts(settings.counts)
        self.audits = Audits(self._compare)
        self._log = DecisionLog(settings.log) if settings.log is not None else None
        self._alarms: dict[str, Alarm] = {}
        if oversight.alarm is not None:
            self._alarms = {digest(made): oversight.alarm(made) for made in settings.controllers}
        self.counts.drift = {name: (alarm.evidence, False) for name, alarm in self._alarms.items()}
        self._lock = Lock()
        self._comparing = ThreadPoolExecutor(1, "probexit-audit")
        for made in self._log or ():
            self._watch(made)
        self.counts.write()

    def ended(self, name: str, request: Any, running: Running) -> None:
        """Take a request that ended, before the model runner forgets it."""
        if not running.audited:
            tokens = len(request.output_token_ids)
            made = decision_of(name, running.rule.name, running.row, tokens)
            self._write(made, running)
        elif running.failed or not _ended_by_itself(request, running.limit):
            self.counts.unfinished += 1
        else:
            self._examine(name, request, running)

    def flush(self) -> None:
        """Show the counters to other processes."""
        with self._lock:
            self.counts.pending = self.audits.open_answers
            self.counts.write()

    def close(self) -> None:
        """Wait for audited answers that are being compared, so that their lines are written."""
        self._comparing.shutdown()

    def asks(self) -> Sequence[Ask]:
        """Return answers of audited requests that the engine is to write now."""
        return self.audits.take()

    def _examine(self, name: str, request: Any, running: Running) -> None:
        """Ask for the answers of an audited request at its exits."""
        row, written = running.row, list(request.output_token_ids)
        look = ServedRequest(
            Limits(self.tokenizer, running.limit),
            running.rule.made,
            Request(name, request.prompt_token_ids),
            Written(written, tuple(row.scores), row.exit),
        )
        cues = look.examined(self.settings.audit)
        self.audits.open(running, look, cues, request.sampling_params)

    def _compare(self, examined: Examined) -> None:
        """Compare an audited request's answers, and write its line."""
        time = now()

        def judge() -> None:
            look, name = examined.look, examined.running.rule.name
            try:
                found = look.compared(examined.answers, self.oversight.same)
                made = look.decision(name, look.replayed(), found)
                self._write(replace(made, time=time), examined.running)
            except Exception:  # nobody waits for this thread: say it here
                logger.exception("probexit: request %s could not be examined", look.request.id)
                self.counts.unfinished += 1
            self.flush()

        self._comparing.submit(judge)

    def _write(self, made: Decision, running: Running) -> None:
        with self._lock:
            self.counts.add(made, running.rule.made, running.row.reader.thinking)
            self._watch(made)
            if self._log is not None:
                self._log.append(made)

    def _watch(self, made: Decision) -> None:
        """Let the alarm of a decision's controller see it."""
        alarm = self._alarms.get(made.controller)
        if alarm is not None:
            alarm.see(made)
            self.counts.drift[made.controller] = (alarm.evidence, alarm.rang is not None)


def _ended_by_itself(request: Any, limit: int) -> bool:
    """Tell whether a request wrote an end, or all it might: a client's abort leaves no answer."""
    written = request.output_token_ids
    ends = request.sampling_params.all_stop_token_ids
    return len(written) >= limit or (bool(written) and written[-1] in ends)
