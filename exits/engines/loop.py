"""The one token loop: rows that finish leave the batch and waiting prompts take their place.

``model.generate`` keeps finished rows in the batch until the last one ends, so a row that stops
early saves nothing there. Here its place is filled at once, and saved tokens become saved time.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.base import SessionDriver
from probexit.exits.engines.cache import layer_plan
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.forward_pass import ForwardPass, on_device
from probexit.exits.engines.generation import Generation, Processor, Slot, Watch
from probexit.exits.engines.obedience import Obedience
from probexit.exits.engines.padding import rows_together
from probexit.exits.engines.readback import on_host
from probexit.exits.engines.readings import Looked, TokensRead
from probexit.exits.engines.refusals import refuse_architecture, refuse_training
from probexit.exits.engines.row import Row
from probexit.exits.engines.running_batch import RunningBatch
from probexit.exits.engines.session import Session
from probexit.exits.engines.token_notes import TokenNotes
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

        ``processors`` change what is drawn from, in turn; the log-probabilities noted, and what the
        controller sees and the tokens that it orders, are not theirs to change.

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
        self._obey = Obedience(self.eos)
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
        notes: TokenNotes | None = None,
    ) -> list[Generation]:
        """Generate for every prompt.

        Args:
            prompts: Token ids of each prompt, unpadded.
            keys: A number per prompt that seeds its sampling; its index by default.
            on_done: Called with (index, generation) as each prompt ends.
            watch: Called after each decoding step; may stop prompts.
            notes: Takes notes of every token, for whoever records them.

        Raises:
            ValueError: on an empty prompt.
        """
        if any(len(prompt) == 0 for prompt in prompts):
            raise ValueError("a prompt is empty: give at least one token id")
        self._waiting = deque(enumerate(prompts))
        self._keys = list(keys) if keys is not None else list(range(len(prompts)))
        self._batch: RunningBatch | None = None
        self._left = False  # whether a row left since places and columns were last counted
        self._done: dict[int, Generation] = {}
        self._on_done, self._notes = on_done, notes
        self.steps = self.rows_run = 0  # a Capture counts from its entry, too
        with self.capture or nullcontext():
            while self._waiting or self._batch is not None:
                self._admit()
                self._step(watch)
        return [self._done[i] for i in range(len(prompts))]

    @property
    def busy(self) -> bool:
        """Whether rows are running."""
        return self._batch is not None and self._batch.running

    def _step(self, watch: Watch | None) -> None:
        """One decoding step of the running batch, if rows are left in it."""
        batch = self._batch
        if batch is not None and batch.running:
            self._compact(batch)
            self._forward(batch)
            self._stop(batch, watch)
        if batch is not None and not batch.running:
            self._batch = None

    def _admit(self) -> None:
        """Let waiting prompts take free places, several at a time."""
        held = sum(slot is not None for slot in self._batch.slots) if self._batch else 0
        free = self.decoding.batch_size - held
        if not self._waiting or (held and free < max(1, self.decoding.batch_size // 8)):
            return
        entering = [self._waiting.popleft() for _ in range(min(free, len(self._waiting)))]
        lengths = [len(prompt) for _, prompt in entering]
        for group in groups_within(lengths, prefill_tokens(self.model)):
            self._prefill([entering[i] for i in group])

    def _prefill(self, entering: Sequence[tuple[int, Sequence[int]]]) -> None:
        """Read some prompts at once and let them join the batch."""
        slots = [self._open(index, prompt) for index, prompt in entering]
        uniforms = torch.stack([self.decoding.uniforms(self._keys[slot.index]) for slot in slots])
        pad = self.tokenizer.pad_token_id or 0
        batch = RunningBatch(slots, uniforms, pad, self.model)
        self._forward(batch)
        if self._batch is None or not self._batch.running:
            self._batch = batch
        else:
            self._batch.take(batch)

    def _open(self, index: int, prompt: Sequence[int]) -> Slot:
        row = self.session.start(prompt) if self.session else None
        return Slot(index=index, prompt=prompt, row=row)

    def _stop(self, batch: RunningBatch, watch: Watch | None) -> None:
        """Close the prompts that the watch stops; their places are free."""
        running = {slot.index: (i, slot) for i, slot in enumerate(batch.slots) if slot}
        if watch is None or not running:
            return
        stopped = [running[index] for index in watch({i: slot for i, (_, slot) in running.items()})]
        for _, slot in stopped:
            self._close(slot, finished=False, stopped=True)
        batch.retire([place for place, _ in stopped])

    def _compact(self, batch: RunningBatch) -> None:
        """Drop empty places once a quarter of the batch is empty, and columns no row needs."""
        if not self._left:
            return  # columns and places are as they were
        self._left = False
        held = sum(slot is not None for slot in batch.slots)
        if not self._waiting and held <= 0.75 * len(batch.slots):
            batch.shrink()
        batch.trim()

    def _forward(self, batch: RunningBatch) -> None:
        """Run the model, let the controller speak, and give every row its next token.

        What the device knows comes to the host in one copy; orders given before this pass are
        obeyed on the device.
        """
        mask, read = batch.mask.view, self._read_tokens(batch)
        logits = forward(self.model, batch.ids, batch.cache, batch.positions, mask, keep=1)
        self.passed(len(batch.slots))
        made = self._made(batch, mask, logits[:, -1].float())
        looked = Looked((), made.logits[:0, 0])
        if self.session is not None:
            looked = self.session.look(made, read)
        left = {i: row for i, row in enumerate(made.rows) if row is not None and row.exit}
        choice = self._choice(batch, made, left)
        seen = self._seen(made, looked, choice)
        orders = self.session.orders(made, looked, seen["scores"].tolist()) if self.session else []
        new = {i: o for i, o in enumerate(orders) if o is not None and i not in left}
        if new:  # rows that leave in this very pass
            choice[on_device([*new], choice)] = on_device([*new.values()], choice)
            seen = self._seen(made, looked, choice)
        batch.advance(choice)
        self._write(batch, seen["choice"].tolist(), seen["notes"].tolist())

    def _read_tokens(self, batch: RunningBatch) -> TokensRead:
        """Let the controller read what is about to run; say whether its states are wanted."""
        if self.session is None:
            return TokensRead((), (), False)
        read = self.session.read(*batch.newest())
        if self.capture is not None:
            self.capture.wanted = read.needs_states
        return read

    def _made(self, batch: RunningBatch, mask: Tensor, logits: Tensor) -> ForwardPass:
        def fork(at: Sequence[int]) -> CacheBranches:
            rows = on_device(at, mask)
            copied, positions = batch.cache.copy(rows), batch.positions[rows, -1]
            return CacheBranches(self.model, copied, mask[rows], positions, self.passed)

        return ForwardPass(*batch.newest(), logits, self.states(), fork, batch.ids[:, -1])

    def _choice(self, batch: RunningBatch, made: ForwardPass, left: Mapping[int, Row]) -> Tensor:
        """Choose a token ``[b]`` for each row; those that ``left`` obey the orders they have."""
        drawn_from = made.logits.clone() if self.processors else made.logits
        for processor in self.processors:
            drawn_from = processor(
                [slot.text if slot else None for slot in batch.slots], drawn_from
            )
        choice = self.decoding.draw(drawn_from, batch.uniforms())
        if left:
            standing = [row.forced[0] if row.forced else None for row in left.values()]
            where = self._obey.places(tuple(left), choice)
            choice[where] = self._obey.chosen(drawn_from[where], standing)
        return choice

    def _seen(self, made: ForwardPass, looked: Looked, choice: Tensor) -> dict[str, Tensor]:
        """Copy to the host what is chosen, the scores of the rows at a cue, and the notes."""
        notes = made.logits[:0] if self._notes is None else self._notes.take(made.logits, choice)
        return on_host({"choice": choice, "scores": looked.scores, "notes": notes})

    def _write(
        self, batch: RunningBatch, tokens: Sequence[int], notes: Sequence[Sequence[float]]
    ) -> None:
        ended = []
        for i, (slot, token) in enumerate(zip(batch.slots, tokens, strict=True)):
            if slot is None:
                continue
            slot.write(token)
            if self._notes is not None:
                self._notes.write(slot, notes[i])
            finished = token in self.eos
            if finished or len(slot.ids) >= self.decoding.max_new_tokens:
                self._close(slot, finished)
                ended.append(i)
        batch.retire(ended)

    def _close(self, slot: Slot, finished: bool, stopped: bool = False) -> None:
        self._left = True
        if self.session is not None and slot.row is not None:
            self.session.finish(slot.row)
        generation = slot.close(finished, stopped)
        self._done[slot.index] = generation
        if self._on_done is not None:
            self._on_done(slot.index, generation)
