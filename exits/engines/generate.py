"""The controller inside ``model.generate``: each row leaves on its own, in any batch.

::

    with attach(model, tokenizer, controller):
        model.generate(**inputs, max_new_tokens=640)

Rows that left are padded by ``generate`` until the last one ends, so a batch is only as fast as
its longest row; the own loop (``loop.py``) does not have this limit.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache, LogitsProcessorList, StaticCache

from probexit.exits.controller import ExitController
from probexit.exits.engines.departures import decoding_departures
from probexit.exits.engines.exit_processor import ExitProcessor
from probexit.exits.engines.inferred_mask import inferred_mask
from probexit.exits.engines.refusals import (
    generate_setting,
    refuse_architecture,
    refuse_generate,
    refuse_inner_state,
    refuse_training,
)
from probexit.exits.engines.room import most_new_tokens
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.exits.shown import Shown
from probexit.exits.signals.base import Trial
from probexit.hooks.before_pass import BeforePass
from probexit.hooks.capture import Capture
from probexit.hooks.forward import generate_cache_name, given_cache

DYNAMIC = (None, "dynamic", "hybrid")  # "hybrid" stands in older Gemmas, and is read as no choice

if TYPE_CHECKING:  # it needs a transformers that batches continuously, which attach does not
    from probexit.exits.engines.continuous import ContinuousExits


@contextmanager
def attach(
    model: Any, tokenizer: Any, controller: ExitController | None = None
) -> Iterator["Attachment"]:
    """Let the controller stop the thinking in every ``model.generate`` call inside the block.

    ``model.generate_batch`` and its managers (continuous batching) run under it likewise.

    Greedy and sampled decoding, any batch, left padding. After an exit the closing text is forced
    token by token and the answer is decoded greedily, as the recorded forced exits were.

    ``attach(reasoner, controller)`` does the same for what `probexit.load` returned.

    Raises:
        ValueError: if the controller was made for another model, something is attached already,
            or ``generate`` is called in a mode that cannot work (beam search, assisted decoding).
        CaptureError: if a hidden state was needed and its hook did not fire.
    """
    if controller is None:
        model, tokenizer, controller = model.model, model.tokenizer, tokenizer
    refuse_training(model)
    refuse_architecture(model)
    if controller.model is not None:
        controller.model.check(model)
    before = vars(model).get("generate")  # layer exits (DepthController) may stand there
    if isinstance(getattr(before, "__self__", None), Attachment):
        raise ValueError("a controller is attached to this model already: leave its block first")
    attachment = Attachment(model, tokenizer, controller)
    model.generate = attachment.generate
    model.init_continuous_batching = attachment.init_continuous_batching
    try:
        yield attachment
        attachment.finish()
    finally:
        attachment.detach()
        del model.generate, model.init_continuous_batching
        if before is not None:
            model.generate = before


class Attachment(Shown):
    """What ``attach`` yields.

    Attributes:
        rows: What each row of the last call of ``generate``, or of the running one, has seen, and
            where it left.
        requests: The same by request id, where requests are batched continuously.
    """

    def __init__(self, model: Any, tokenizer: Any, controller: ExitController) -> None:
        self.model, self.tokenizer, self.controller = model, tokenizer, controller
        self._generate = model.generate
        self.rows: list[Row] = []
        self._told = False
        self._running = Lock()
        self._init_batching = getattr(model, "init_continuous_batching", None)
        self._batched: list[tuple[Any, ContinuousExits]] = []

    def to_frame(self) -> Any:
        """Return one line per row, as a pandas frame: tokens, cues, and where it left."""
        import pandas

        return pandas.DataFrame(
            {
                "tokens": [row.written for row in self.rows],
                "cues": [row.cues for row in self.rows],
                "left": [row.exit is not None for row in self.rows],
                "thinking": [None if row.exit is None else row.exit.thinking for row in self.rows],
                "cue": [None if row.exit is None else row.exit.cue for row in self.rows],
                "score": [None if row.exit is None else row.exit.score for row in self.rows],
            }
        )

    def described(self) -> tuple[str, dict[str, str]]:
        rows = list(self.rows)
        left = [row.exit for row in rows if row.exit is not None]
        told = {
            "rows": str(len(rows)),
            "left at a cue": str(sum(one.cue is not None for one in left)),
            "closed by the budget": str(sum(one.cue is None for one in left)),
            "exits refused": str(sum(row.refused for row in rows)),
        }
        return "Exits in the newest call of generate", told

    @property
    def requests(self) -> dict[str, Row]:
        """Rows of continuous batching by request id, of the manager made last."""
        return dict(self._batched[-1][1].requests) if self._batched else {}

    def init_continuous_batching(
        self,
        generation_config: Any = None,
        continuous_batching_config: Any = None,
        **given: Any,
    ) -> Any:
        """Stand in for ``model.init_continuous_batching``, which ``generate_batch`` calls, too."""
        from probexit.exits.engines.continuous import controlled_manager

        refuse_training(self.model)
        settings = {"generation_config": generation_config}
        self._tell(settings, generate_setting(self.model, settings, "max_new_tokens"))
        given |= {
            "generation_config": generation_config,
            "continuous_batching_config": continuous_batching_config,
        }
        manager, exits = controlled_manager(
            self._init_batching, self.model, self.tokenizer, self.controller, given
        )
        exits.capture.__enter__()
        self._batched.append((manager, exits))
        return manager

    def finish(self) -> None:
        """Check what the managers that have stopped have decided.

        Raises:
            RuntimeError: if a cue was not decided on.
        """
        for manager, exits in self._batched:
            if not manager.is_running():
                exits.finish()

    def detach(self) -> None:
        """Take the hooks out; a manager that is still running goes on without the controller."""
        for _, exits in self._batched:
            exits.active = False
            exits.capture.__exit__()

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Stand in for ``model.generate``; one call at a time, since hooks read whoever runs.

        Raises:
            ValueError: in a mode that cannot work, or while another thread generates here.
        """
        if not self._running.acquire(blocking=False):
            raise ValueError(
                "another thread is generating with this model under a controller: states are read "
                "from the model, which both share; batch the prompts, or load the model twice"
            )
        try:
            return self._controlled(*args, **kwargs)
        finally:
            self._running.release()

    def _controlled(self, *args: Any, **kwargs: Any) -> Any:
        refuse_training(self.model)
        ids = self._prompt(args, kwargs)
        refuse_generate(self.model, kwargs, "an exit controller")
        room = most_new_tokens(self.model, ids, kwargs)
        if room is None:
            raise ValueError(
                "give max_new_tokens or max_length: the controller keeps room for the answer in it"
            )
        self._tell(kwargs, room)
        if kwargs.get("attention_mask") is None:
            kwargs["attention_mask"] = inferred_mask(self.model, ids, kwargs)
        end = generate_setting(self.model, kwargs, "eos_token_id")
        session = Session(
            self.controller,
            self.tokenizer,
            room,
            torch.as_tensor([] if end is None else end).flatten().long().tolist(),
        )
        layers = self.controller.signal.layers
        capture = Capture(self.model, layers) if layers else None
        if self.controller.signal.trial is not Trial.NONE:
            refuse_inner_state(self.model)
            if given_cache(kwargs) is None:
                kwargs[generate_cache_name()] = self._cache(ids, kwargs, session)
        processor = ExitProcessor(session, capture, kwargs, self.model)
        kwargs["logits_processor"] = LogitsProcessorList(
            [*(kwargs.get("logits_processor") or []), processor]
        )
        self.rows = processor.rows  # filled as the rows begin, for whoever looks on
        if capture is None:  # a model that may be compiled gets no hook it does not need
            return processor.finished(self._generate(*args, **kwargs))
        with capture, BeforePass(self.model, processor.before):
            return processor.finished(self._generate(*args, **kwargs))

    def _cache(self, ids: Any, kwargs: dict[str, Any], session: Session) -> Any:
        """Make the cache that trial answers are copied from, in the form the caller asked for.

        Raises:
            ValueError: if rows of that form cannot be copied.
        """
        kind = generate_setting(self.model, kwargs, "cache_implementation")
        kwargs["cache_implementation"] = None  # also where a configuration names one
        if kind in DYNAMIC:
            return DynamicCache(config=self.model.config)
        if kind != "static":
            raise ValueError(
                f"cache_implementation={kind!r} keeps rows that cannot be copied, which a trial "
                "answer needs: leave it out, or use 'static'"
            )
        room = len(session.closing) + self.controller.answer_tokens  # a trial writes on its copy
        longest = ids.shape[1] + session.max_new_tokens + room
        return StaticCache(config=self.model.config, max_cache_len=longest)

    def _tell(self, kwargs: dict[str, Any], room: int | None) -> None:
        """Warn, once, of decoding that is not what the certificate speaks of."""
        sampled = bool(generate_setting(self.model, kwargs, "do_sample"))
        temperature, top_p = (
            1.0 if (given := generate_setting(self.model, kwargs, name)) is None else given
            for name in ("temperature", "top_p")
        )
        told = decoding_departures(
            self.controller.certificate.get("decoding", {}),
            temperature if sampled else 0.0,
            top_p,
            room,
        )
        if told and not self._told:
            self._told = True
            warnings.warn(told, stacklevel=3)

    def _prompt(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) > 1:
            raise ValueError("give everything but the input ids to generate by keyword")
        ids = args[0] if args else kwargs.get("input_ids", kwargs.get("inputs"))
        if ids is None:
            raise ValueError("give input_ids: whether the prompt opened the thinking is read there")
        return ids
