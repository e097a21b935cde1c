"""A live progress bar of the thinking itself: how far has it come? (arXiv 2506.07240, figure 1).

::

    controller = ExitController.load("runs/arith/progress")  # of the preset thinking_progress
    with ThinkingBar(model, tokenizer, controller) as bar:
        model.generate(**inputs, max_new_tokens=640, logits_processor=[bar])

It reads the controller's signal at its cues and changes nothing: tokens are those of a run without
it. The policy is not asked. Any signal in [0, 1] can be watched, such as a probe's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from sys import maxsize
from typing import Any, Self

from torch import Tensor
from transformers import LogitsProcessor

from probexit.exits.controller import ExitController
from probexit.exits.engines.displays import Display, ProgressReading, Terminal, as_html
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.exits.policies.never import Never
from probexit.exits.signals.base import Trial
from probexit.hooks.capture import Capture
from probexit.hooks.end_ids import end_ids


@dataclass
class _Watched:
    """A row that is being written, and where it stands."""

    name: str
    row: Row
    begun: bool = False
    ended: bool = False

    def reading(self) -> ProgressReading:
        inside = self.row.reader.inside
        self.begun = self.begun or inside
        done = self.ended or (self.begun and not inside)
        newest = self.row.scores[-1] if len(self.row.seen) else 0.0
        share = 1.0 if done else min(max(newest, 0.0), 1.0)
        return ProgressReading(self.name, share, self.row.reader.thinking, done)


class ThinkingBar(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Context manager and logits processor that only looks; shows itself in a notebook.

    Works in ``generate``, greedy or sampled, any batch, also together with ``attach``; and in the
    own loop, as one of its ``processors`` by ``bar.look``, unless its controller forks the cache
    for trial answers. Rows are told apart by what they hold, so they may move in the batch.

    Args:
        model: The model that generates.
        tokenizer: Its tokenizer.
        controller: Cues, signal and tags; the signal's scores are the shares.
        display: Where to show the bars; the terminal if None.
        names: Names of the prompts, in the order in which they start.

    Raises:
        ValueError: if the signal needs trial answers, or the controller is another model's.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        controller: ExitController,
        display: Display | None = None,
        names: Sequence[str] = (),
    ) -> None:
        signal = controller.signal
        if signal.trial is not Trial.NONE:
            raise ValueError(
                f"{type(signal).__name__} needs trial answers, which a bar cannot decode: take a "
                "signal of hidden states or logits"
            )
        if controller.model is not None:
            controller.model.check(model)
        watching = replace(controller, policy=Never(), max_thinking=None)
        self._session = Session(watching, tokenizer, maxsize)
        self._end = end_ids(model, tokenizer)
        self._capture = Capture(model, signal.layers)
        self._display = display or Terminal()
        self._names = list(names)
        self._rows: list[_Watched] = []
        self._by_ids: dict[tuple[int, ...], list[_Watched]] = {}
        self._shown: list[ProgressReading] = []

    def __enter__(self) -> Self:
        self._capture.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._capture.__exit__(*exception)
        self._display.close()

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Look at ``input_ids [b, t]``; return ``scores [b, V]`` as they are."""
        return self.look(input_ids.tolist(), scores)

    def look(self, ids: Sequence[Sequence[int] | None], logits: Tensor) -> Tensor:
        """Follow one forward pass of rows given by all their ids (None is no row).

        Raises:
            CaptureError: outside ``with``, or if a hook did not fire.
            ValueError: if the newest forward pass was not of these rows.
        """
        hidden = self._capture.last()
        if len(hidden) != len(ids):
            raise ValueError(
                f"the newest forward pass had {len(hidden)} rows, not these {len(ids)}: a bar "
                "cannot follow a loop that runs the model in between, as for trial answers"
            )
        rows: list[Row | None] = []
        tokens: list[int | None] = []
        for every in ids:
            watched, token = (None, None) if every is None else self._find(tuple(every))
            if watched is not None and not watched.ended and token in self._end:
                watched.ended = True  # what follows is padding
                self._session.finish(watched.row)
            rows.append(None if watched is None or watched.ended else watched.row)
            tokens.append(token)
        states = self._capture.last if hidden.shape[1] else None
        self._session.step(ForwardPass(rows, tokens, logits, states))
        self._refresh()
        return logits

    @property
    def readings(self) -> list[ProgressReading]:
        """How far each thinking has come, in the order in which they began."""
        return [watched.reading() for watched in self._rows]

    def _find(self, ids: tuple[int, ...]) -> tuple[_Watched, int | None]:
        """Return the row that held all but the newest token, and that token; or a new row."""
        known = self._by_ids.pop(ids[:-1], [])
        token: int | None = None
        if known:
            watched, token = known.pop(), ids[-1]
            if known:
                self._by_ids[ids[:-1]] = known
        else:
            watched = self._open(ids)
        self._by_ids.setdefault(ids, []).append(watched)
        return watched, token

    def _open(self, prompt: tuple[int, ...]) -> _Watched:
        number = len(self._rows)
        name = self._names[number] if number < len(self._names) else f"thinking {number + 1}"
        self._rows.append(_Watched(name, self._session.start(prompt)))
        return self._rows[-1]

    def _refresh(self) -> None:
        """Draw anew when a thinking has begun, reached a cue or ended."""
        now = self.readings
        if [(r.share, r.done) for r in now] != [(r.share, r.done) for r in self._shown]:
            self._shown = now
            self._display.show(now)

    def _repr_html_(self) -> str:
        return as_html(self.readings)
