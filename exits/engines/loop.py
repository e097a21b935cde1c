"""The one token loop: rows that finish leave the batch and waiting prompts take their place.

``model.generate`` keeps finished rows in the batch until the last one ends, so a row that stops
early saves nothing there. Here its place is filled at once, and saved tokens become saved time.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import SessionDriver
from probexit.exits.engines.cache import RowCache, layer_plan
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation, Processor, Slot, Watch
from probexit.exits.engines.padding import rows_together
from probexit.exits.engines.refusals import refuse_architecture, refuse_training
from probexit.exits.engines.session import Session
from probexit.exits.engines.summaries import confidence, entropy
from probexit.exits.engines.trials import CacheBranches
from probexit.hooks.capture import Capture
from probexit.hooks.end_ids import end_ids
from probexit.hooks.forward import forward
from probexit.hooks.prefill import groups_within, prefill_tokens


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    controller: ExitController | None = None,
    decoding: Decoding | None = None,
) -> list[Generation]:
    """Generate for every prompt (token ids), in order; see ``Loop``."""
    return Loop(model, tokenizer, controller, decoding or Decoding()).run(prompts)


class Loop(SessionDriver):
    """A batched generation loop with an optional exit controller; counts its last run."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        controller: ExitController | None,
        decoding: Decoding,
        processors: Sequence[Processor] = (),
    ) -> None:
        """Prepare a loop.

        ``processors`` change what is drawn from, in turn; the log-probabilities noted, what the
        controller sees and what it orders are not theirs to change.

        Raises:
            ValueError: if the controller was made for another model, the model is in training
                mode, or its layers keep a state that cannot move between rows.
        """
        refuse_training(model)
        refuse_architecture(model)
        layer_plan(model)  # refuses what cannot move between rows
        together = rows_together(model, decoding.batch_size)
        if controller is not None and controller.model is not None:
            controller.model.check(model)
        self.model, self.tokenizer = model, tokenizer
        self.decoding = replace(decoding, batch_size=together)
        self.processors = processors
        self.eos = end_ids(model, tokenizer)
        session, capture = None, None
        if controller is not None:
            session = Session(controller, tokenizer, decoding.max_new_tokens, self.eos)
            layers = controller.signal.layers
            capture = Capture(model, layers) if layers else None
        super().__init__(session, capture)

    @torch.inference_mode()
    def run(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int] | None = None,
        on_done: Callable[[int, Generation], None] | None = None,
        watch: Watch | None = None,
    ) -> list[Generation]:
        """Generate for every prompt.

        Args:
            prompts: Token ids of each prompt, unpadded.
            keys: A number per prompt that seeds its sampling; its index by default.
            on_done: Called with (index, generation) as each prompt ends.
            watch: Called after each decoding step; may stop prompts.

        Raises:
            ValueError: on an empty prompt.
        """
        if any(len(prompt) == 0 for prompt in prompts):
            raise ValueError("a prompt is empty: give at least one token id")
        self._waiting = deque(enumerate(prompts))
        self._keys = list(keys) if keys is not None else list(range(len(prompts)))
        self._slots: list[Slot | None] = []
        self._left = False  # whether a row left since places and columns were last counted
        self._done: dict[int, Generation] = {}
        self._on_done = on_done
        self.steps = self.rows_run = 0  # a Capture counts from its entry, too
        with self.capture or nullcontext():
            while self._waiting or any(self._slots):
                self._admit()
                if any(self._slots):
                    self._compact()
                    self._decode()
                    self._stop(watch)
        return [self._done[i] for i in range(len(prompts))]

    def _admit(self) -> None:
        """Let waiting prompts take free places, several at a time."""
        free = self.decoding.batch_size - sum(slot is not None for slot in self._slots)
        some_left = any(self._slots)
        if not self._waiting or (some_left and free < max(1, self.decoding.batch_size // 8)):
            return
        entering = [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]
        lengths = [len(prompt) for _, prompt in entering]
        for group in groups_within(lengths, prefill_tokens(self.model)):
            self._prefill([entering[i] for i in group])

    def _prefill(self, entering: Sequence[tuple[int, Sequence[int]]]) -> None:
        """Read some prompts at once and let them join the batch."""
        slots: list[Slot | None] = [self._open(index, prompt) for index, prompt in entering]
        width = max(len(prompt) for _, prompt in entering)
        pad = self.tokenizer.pad_token_id or 0
        ids = torch.tensor([[pad] * (width - len(p)) + list(p) for _, p in entering])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for _, p in entering])
        cache = RowCache.of(self.model)
        self._forward(slots, ids, mask, (mask.cumsum(1) - 1).clamp(min=0), cache)
        self._join(slots, mask, cache)

    def _open(self, index: int, prompt: Sequence[int]) -> Slot:
        row = self.session.start(prompt) if self.session else None
        uniforms = self.decoding.uniforms(self._keys[index])
        return Slot(index=index, prompt=prompt, uniforms=uniforms, row=row)

    def _stop(self, watch: Watch | None) -> None:
        """Close the prompts that the watch stops; their places are free."""
        running = {slot.index: (i, slot) for i, slot in enumerate(self._slots) if slot}
        if watch is None or not running:
            return
        for index in watch({index: slot for index, (_, slot) in running.items()}):
            place, slot = running[index]
            self._close(slot, finished=False, stopped=True)
            self._slots[place] = None

    def _join(self, slots: list[Slot | None], mask: Tensor, cache: RowCache) -> None:
        """Merge freshly prefilled rows into the running batch."""
        if not any(self._slots):
            self._slots, self._mask, self._cache = slots, mask, cache
            return
        free = [i for i, slot in enumerate(self._slots) if slot is None]
        if len(free) < len(slots):
            self._append(slots, mask, cache)
            return
        places = torch.tensor(free[: len(slots)])
        added = max(0, mask.shape[1] - self._mask.shape[1])
        self._cache.place(places.to(self.model.device), cache, added)
        self._mask = torch.nn.functional.pad(self._mask, (added, 0))
        self._mask[places] = torch.nn.functional.pad(mask, (self._mask.shape[1] - mask.shape[1], 0))
        for place, slot in zip(places.tolist(), slots, strict=True):
            self._slots[place] = slot

    def _append(self, slots: list[Slot | None], mask: Tensor, cache: RowCache) -> None:
        """Add rows below a batch that is not full yet, aligned at the newest column."""
        self._cache.append(cache)
        masks = (self._mask, mask)
        width = max(each.shape[1] for each in masks)
        pad = torch.nn.functional.pad
        self._mask = torch.cat([pad(each, (width - each.shape[1], 0)) for each in masks])
        self._slots = [*self._slots, *slots]

    def _compact(self) -> None:
        """Drop empty places once a quarter of the batch is empty, and columns no row needs."""
        if not self._left:
            return  # columns and places are as they were
        self._left = False
        kept = [i for i, slot in enumerate(self._slots) if slot is not None]
        if not self._waiting and len(kept) <= 0.75 * len(self._slots):
            rows = torch.tensor(kept)
            self._cache.select(rows.to(self.model.device))
            self._mask = self._mask[rows]
            self._slots = [self._slots[i] for i in kept]
            kept = list(range(len(kept)))
        unused = int(self._mask[kept].any(0).int().argmax())
        if unused:
            self._cache.trim(unused)
            self._mask = self._mask[:, unused:]

    def _decode(self) -> None:
        """One decoding step of the running batch."""
        ids = torch.tensor([[slot.ids[-1] if slot else 0] for slot in self._slots])
        lengths = [[len(slot.prompt) + len(slot.ids) - 1 if slot else 0] for slot in self._slots]
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        self._forward(self._slots, ids, self._mask, torch.tensor(lengths), self._cache)

    def _forward(
        self,
        slots: list[Slot | None],
        ids: Tensor,
        mask: Tensor,
        positions: Tensor,
        cache: RowCache,
    ) -> None:
        """Run the model, let the controller speak, and give every row its next token."""
        device = self.model.device
        logits = forward(self.model, ids, cache, positions, mask, keep=1)[:, -1].float()
        self.passed(len(slots))
        rows = [slot.row if slot else None for slot in slots]
        tokens = [slot.ids[-1] if slot and slot.ids else None for slot in slots]

        def fork(at: Sequence[int]) -> CacheBranches:
            chosen = torch.tensor(at)
            copied = cache.copy(chosen.to(device))
            return CacheBranches(
                self.model, copied, mask[chosen], positions[chosen, -1], self.passed
            )

        self._write(slots, logits, self.orders(rows, tokens, logits, fork))

    def _write(
        self, slots: list[Slot | None], logits: Tensor, forced: Sequence[int | None]
    ) -> None:
        uniforms = torch.stack(
            [slot.uniforms[len(slot.ids)] if slot else torch.tensor(0.0).double() for slot in slots]
        )
        # After an exit the answer is greedy, as the recorded forced answers are.
        left = [bool(slot and slot.row and slot.row.exit) for slot in slots]
        drawn_from = logits.clone() if self.processors else logits
        for processor in self.processors:
            every = [[*slot.prompt, *slot.ids] if slot else None for slot in slots]
            drawn_from = processor(every, drawn_from)
        greedy = torch.tensor(left, device=logits.device)
        chosen = self.decoding.draw(drawn_from, uniforms, greedy)
        orders = torch.tensor([-1 if f is None else f for f in forced], device=logits.device)
        chosen = torch.where(orders >= 0, orders, chosen)
        logprobs = logits.log_softmax(-1)
        picked = logprobs.gather(-1, chosen[:, None])[:, 0]
        notes = torch.stack([picked, entropy(logprobs), confidence(logprobs)], 1)
        values = zip(chosen.tolist(), notes.tolist(), strict=True)
        for i, (slot, (token, (logprob, h, token_confidence))) in enumerate(
            zip(slots, values, strict=True)
        ):
            if slot is None:
                continue
            slot.ids.append(token)
            slot.logprobs.append(logprob)
            slot.entropies.append(h)
            slot.confidences.append(token_confidence)
            finished = token in self.eos
            if finished or len(slot.ids) >= self.decoding.max_new_tokens:
                self._close(slot, finished)
                slots[i] = None

    def _close(self, slot: Slot, finished: bool, stopped: bool = False) -> None:
        self._left = True
        generation = slot.close(finished, stopped)
        self._done[slot.index] = generation
        if self._on_done is not None:
            self._on_done(slot.index, generation)
