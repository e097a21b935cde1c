"""The controller inside ``model.generate``: each row leaves on its own, in any batch.

    with attach(model, tokenizer, controller):
        model.generate(**inputs, max_new_tokens=640)

Rows that left are padded by ``generate`` until the last one ends, so a batch is only as fast as
its longest row; the own loop (``loop.py``) does not have this limit.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import SessionDriver
from probexit.exits.engines.cache import copied_rows
from probexit.exits.engines.inferred_mask import inferred_mask
from probexit.exits.engines.refusals import (
    generate_setting,
    refuse_architecture,
    refuse_generate,
    refuse_inner_state,
    refuse_training,
)
from probexit.exits.engines.session import Row, Session
from probexit.exits.engines.trials import CacheBranches
from probexit.exits.signals.base import Trial
from probexit.hooks.capture import Capture
from probexit.hooks.forward import generate_cache_name, given_cache, takes


@contextmanager
def attach(model: Any, tokenizer: Any, controller: ExitController) -> Iterator["Attachment"]:
    """Let the controller stop the thinking in every ``model.generate`` call inside the block.

    Greedy and sampled decoding, any batch, left padding. After an exit the closing text is forced
    token by token and the answer is decoded greedily, as the recorded forced exits were.

    Raises:
        ValueError: if the controller was made for another model, something is attached already,
            or ``generate`` is called in a mode that cannot work (beam search, assisted decoding).
        CaptureError: if a hidden state was needed and its hook did not fire.
    """
    refuse_training(model)
    refuse_architecture(model)
    if controller.model is not None:
        controller.model.check(model)
    before = vars(model).get("generate")  # layer exits (DepthController) may stand there
    if isinstance(getattr(before, "__self__", None), Attachment):
        raise ValueError("a controller is attached to this model already: leave its block first")
    attachment = Attachment(model, tokenizer, controller)
    model.generate = attachment.generate
    try:
        yield attachment
    finally:
        del model.generate
        if before is not None:
            model.generate = before


class Attachment:
    """What ``attach`` yields; ``rows`` tells where each row of the last call left."""

    def __init__(self, model: Any, tokenizer: Any, controller: ExitController) -> None:
        self.model, self.tokenizer, self.controller = model, tokenizer, controller
        self._generate = model.generate
        self.rows: list[Row] = []
        self._told = False

    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """Stand in for ``model.generate``."""
        refuse_training(self.model)
        self._refuse(args, kwargs)
        self._tell(kwargs)
        if kwargs.get("attention_mask") is None:
            ids: Any = args[0] if args else kwargs.get("input_ids", kwargs.get("inputs"))
            kwargs["attention_mask"] = inferred_mask(self.model, ids, kwargs)
        end = generate_setting(self.model, kwargs, "eos_token_id")
        session = Session(
            self.controller,
            self.tokenizer,
            generate_setting(self.model, kwargs, "max_new_tokens"),
            torch.as_tensor([] if end is None else end).flatten().long().tolist(),
        )
        layers = self.controller.signal.layers
        capture = Capture(self.model, layers) if layers else None
        if self.controller.signal.trial is not Trial.NONE:
            refuse_inner_state(self.model)
            if given_cache(kwargs) is None:
                kwargs[generate_cache_name()] = DynamicCache(config=self.model.config)
        processor = ExitProcessor(session, capture, kwargs, self.model)
        kwargs["logits_processor"] = LogitsProcessorList(
            [*(kwargs.get("logits_processor") or []), processor]
        )
        with capture or nullcontext():
            output = self._generate(*args, **kwargs)
        self.rows = processor.rows
        return output

    def _tell(self, kwargs: dict[str, Any]) -> None:
        """Warn, once, of decoding that is not what the certificate speaks of."""
        promised = self.controller.certificate.get("decoding", {})
        sampled = bool(generate_setting(self.model, kwargs, "do_sample"))
        given = {
            name: generate_setting(self.model, kwargs, name) for name in ("temperature", "top_p")
        }
        now = {
            "temperature": (1.0 if given["temperature"] is None else given["temperature"])
            if sampled
            else 0.0,
            "max_new_tokens": generate_setting(self.model, kwargs, "max_new_tokens"),
        }
        if sampled:
            now["top_p"] = 1.0 if given["top_p"] is None else given["top_p"]
        other = [
            f"{k} is {v}, was {promised[k]}" for k, v in now.items() if v != promised.get(k, v)
        ]
        if other and not self._told:
            self._told = True
            told = f"{'; '.join(other)}: the promise was made for what was recorded"
            warnings.warn(told, stacklevel=3)

    def _refuse(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > 1:
            raise ValueError("give everything but the input ids to generate by keyword")
        if not args and kwargs.get("input_ids", kwargs.get("inputs")) is None:
            raise ValueError("give input_ids: whether the prompt opened the thinking is read there")
        refuse_generate(self.model, kwargs, "an exit controller")
        if generate_setting(self.model, kwargs, "max_new_tokens") is None:
            raise ValueError("give max_new_tokens: the controller keeps room for the answer in it")


class ExitProcessor(LogitsProcessor):  # type: ignore[misc]  # transformers is untyped here
    """Feeds the session after each forward pass and forces the tokens it asks for."""

    def __init__(
        self, session: Session, capture: Capture | None, given: dict[str, Any], model: Any
    ) -> None:
        """Prepare a call of ``generate`` with the keyword arguments ``given``."""
        self.session, self.model = session, model
        self.driver = SessionDriver(session, capture)
        self.mask: Tensor | None = given.get("attention_mask")
        self.cache = given_cache(given)
        self.rows: list[Row] = []
        self.running: list[Row | None] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Take ``input_ids [b, t]`` and ``scores [b, V]``; return scores with orders applied."""
        self.driver.passed(len(input_ids))
        tokens: list[int | None] = [None] * len(input_ids)
        if not self.running:
            self.rows = [self.session.start(prompt) for prompt in self._prompts(input_ids)]
            self.running = list(self.rows)
        else:
            tokens = list(input_ids[:, -1].tolist())
            for i, token in enumerate(tokens):
                if token in self.session.end:
                    self.running[i] = None

        def fork(at: Sequence[int]) -> CacheBranches:
            return self._fork(at, input_ids)

        forced = self.driver.orders(self.running, tokens, scores, fork)
        return self._obey(scores, forced)

    def _fork(self, at: Sequence[int], input_ids: Tensor) -> CacheBranches:
        """Copy the cached rows ``at``; what stands in front of a row's prompt stays masked."""
        rows = torch.tensor(at, device=input_ids.device)
        mask = self._whole_mask(input_ids)[rows]
        copied = copied_rows(self.cache, rows)
        # ``generate`` tells a model its positions only by name; else the model counts columns.
        told = takes(self.model, "position_ids")
        positions = mask.sum(1) - 1 if told else torch.full_like(rows, mask.shape[1] - 1)
        return CacheBranches(self.model, copied, mask, positions, self.driver.passed)

    def _whole_mask(self, input_ids: Tensor) -> Tensor:
        """Extend the prompt's mask ``[b, p]`` over what was generated."""
        mask = torch.ones_like(input_ids)
        if self.mask is not None:
            given = self.mask.to(mask)
            mask[:, : given.shape[1]] = given.repeat_interleave(len(mask) // len(given), 0)
        return mask

    def _prompts(self, input_ids: Tensor) -> list[list[int]]:
        if self.mask is None:
            return [list(ids) for ids in input_ids.tolist()]
        mask = self.mask.to(input_ids.device).bool()
        mask = mask.repeat_interleave(len(input_ids) // len(mask), 0)
        return [ids[keep].tolist() for ids, keep in zip(input_ids, mask, strict=True)]

    def _obey(self, scores: Tensor, forced: list[int | None]) -> Tensor:
        """Leave one token to rows that are told what to write, or that answer after an exit."""
        likeliest = scores.argmax(-1)
        only = {
            i: int(likeliest[i]) if order is None else order
            for i, (row, order) in enumerate(zip(self.running, forced, strict=True))
            if row is not None and row.exit is not None
        }
        if not only:
            return scores
        scores = scores.clone()
        rows = torch.tensor(list(only), device=scores.device)
        scores[rows] = float("-inf")
        scores[rows, torch.tensor(list(only.values()), device=scores.device)] = 0.0
        return scores
