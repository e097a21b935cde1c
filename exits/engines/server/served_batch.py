"""The requests of a serving engine under their controllers, whatever its scheduler does with them.

A plugin says who stands in each row of a pass and hands over its states and logits. A request is
decided on only in a pass that has consumed all its tokens, and its newest token is then the one
behind those that were seen before. Anything else is an error.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.forward_pass import ForwardPass, States, on_device
from probexit.exits.engines.obedience import ANSWER, Obedience
from probexit.exits.engines.server.running import Running
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seat:
    """Who stands in a row of a pass.

    Attributes:
        name: The request.
        written: Tokens that it has written so far; the pass has consumed the last of them.
    """

    name: str
    written: Sequence[int]


class ServedBatch:
    """Decides for the rows of each pass.

    Attributes:
        running: Requests under way, by name; None for those that go without a controller.
        failed: Requests whose controller failed.
        left: Rows of the newest pass whose requests have left their thinking.
    """

    def __init__(
        self, settings: Settings, begin: Callable[[str], Running | None], end: Collection[int]
    ) -> None:
        """Prepare a batch.

        Args:
            settings: The controllers.
            begin: Opens a request when it is first seen.
            end: Tokens that end a sequence.
        """
        self.settings, self._begin = settings, begin
        self._obey = Obedience(end)
        self.running: dict[str, Running | None] = {}
        self.failed = 0
        self.left: list[int] = []

    def decide(
        self, seats: Sequence[Seat | None], read: Callable[[], Tensor | None], logits: Tensor
    ) -> Tensor:
        """Follow a pass.

        Args:
            seats: Who stands in each of ``n`` rows; None where the pass has not consumed all
                tokens of a request.
            read: Returns the states ``[n, L, d]`` at the layers of ``settings``, or None if no
                controller reads any; not called where nobody needs them.
            logits: ``[n, V]``.

        Returns:
            The logits with orders applied.

        Raises:
            RuntimeError: if a request is not where it was left, or was not obeyed.
            CaptureError: if the states did not come.
        """
        self.left = []
        rows = [None if seat is None else self._row(seat) for seat in seats]
        if not any(rows):
            return logits
        try:
            hidden = read()
        except Exception:
            if not self._think_on([row for row in rows if row is not None]):
                raise
            return logits
        orders: list[int | None] = [None] * len(rows)
        for session in {id(r.session): r.session for r in rows if r is not None}.values():
            at = [i for i, r in enumerate(rows) if r is not None and r.session is session]
            mine = [(row, seat) for i in at if (row := rows[i]) and (seat := seats[i])]
            states = None if hidden is None else self._states(session.controller, at, hidden)
            own = logits[on_device(at, logits)]
            for i, order in zip(at, self._step(session, mine, states, own), strict=True):
                orders[i] = order
        for row, order in zip(rows, orders, strict=True):
            if row is not None:
                row.told = None if order == ANSWER else order
        kept = [None if r is None or r.failed else r.row for r in rows]
        self.left = [i for i, row in enumerate(kept) if row is not None and row.exit is not None]
        return self._obey(logits, kept, orders)

    def finish(self, name: str) -> Running | None:
        """Forget a request that ended; return what was decided on it, None without a controller.

        Raises:
            RuntimeError: if a cue that it stood at was not decided on.
        """
        running = self.running.pop(name, None)
        if running is not None and not running.failed:
            try:
                running.session.finish(running.row)
            except RuntimeError:
                if not self._think_on([running]):
                    raise
        return running

    def _row(self, seat: Seat) -> Running | None:
        if seat.name not in self.running:
            if seat.written:
                raise RuntimeError(f"request {seat.name} was under way before it was seen")
            self.running[seat.name] = self._begin(seat.name)
        found = self.running[seat.name]
        return None if found is None or found.failed else found

    def _step(
        self,
        session: Session,
        mine: Sequence[tuple[Running, Seat]],
        states: States | None,
        logits: Tensor,
    ) -> list[int | None]:
        """Let a session decide on its rows; an error ends the engine or the controller's say."""
        try:
            tokens = [self._newest(row, seat) for row, seat in mine]
            return session.step(ForwardPass([row.row for row, _ in mine], tokens, logits, states))
        except Exception:
            if not self._think_on([row for row, _ in mine]):
                raise
            return [None] * len(mine)

    def _think_on(self, rows: Sequence[Running]) -> bool:
        """Let requests whose controller has just failed think on, if that was chosen; say so."""
        if self.settings.think_on:
            logger.exception("probexit: the controller failed; %d requests think on", len(rows))
            self.failed += len(rows)
            for row in rows:
                row.failed = True
        return self.settings.think_on

    def _newest(self, running: Running, seat: Seat) -> int | None:
        """Return the token that a request has just consumed; None after its prompt."""
        name, written = seat.name, seat.written
        if not written:
            return None
        if len(written) != running.row.written + 1 or written[-1] < 0:
            raise RuntimeError(
                f"request {name}: {len(written)} tokens written, {running.row.written} seen"
            )
        if running.told not in (None, written[-1]):
            raise RuntimeError(f"request {name}: was to write {running.told}, not {written[-1]}")
        return int(written[-1])

    def _states(self, controller: ExitController, at: Sequence[int], hidden: Tensor) -> States:
        """Return what reads a controller's layers, in its order, of the rows at some seats."""
        layers = [self.settings.layers.index(i) for i in controller.signal.layers]

        def read(rows: Sequence[int]) -> Tensor:
            return hidden[on_device([at[row] for row in rows], hidden)][:, layers]

        return read
