"""The controller over vLLM's running batch: rows by request, whatever the scheduler does with them.

Prompts in parts, prompts found in the prefix cache, requests put aside and brought back: a request
is looked at only in a pass that has consumed all its tokens, and its newest token is then the one
behind those that it has been told before. Anything else is an error.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.departures import decoding_departures
from probexit.exits.engines.forward_pass import ForwardPass, States, on_device
from probexit.exits.engines.obedience import ANSWER, Obedience
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.exits.engines.vllm_plugin.counts import Counts
from probexit.exits.engines.vllm_plugin.decisions import decision_of
from probexit.exits.engines.vllm_plugin.request_options import RequestOptions
from probexit.exits.engines.vllm_plugin.settings import Settings
from probexit.exits.engines.vllm_plugin.states import LayerHooks, states_of
from probexit.exits.production.digest import digest
from probexit.exits.production.log import DecisionLog

logger = logging.getLogger("vllm.probexit")


@dataclass
class Running:
    """A request under a controller.

    Attributes:
        session: Decides on it.
        row: What it has seen.
        told: The token it was ordered to write, if any.
        failed: Whether its controller failed and it thinks on without.
    """

    session: Session
    row: Row
    told: int | None = None
    failed: bool = False


class BatchExits:
    """A model runner's controller.

    Attributes:
        depth: Decoder layers of the model.
        hooks: Reads states where the model does not give them.
        running: Requests under way, by vLLM's name; None for those that go without.
    """

    def __init__(self, runner: Any, settings: Settings) -> None:
        """Prepare for a runner whose model is not loaded yet."""
        from transformers import AutoTokenizer

        self.runner, self.settings = runner, settings
        config = runner.model_config
        self.depth = int(config.hf_text_config.num_hidden_layers)
        self.hooks: LayerHooks | None = None
        self.running: dict[str, Running | None] = {}
        self.counts = Counts(settings.counts)
        self.tokenizer = AutoTokenizer.from_pretrained(
            config.tokenizer, revision=config.tokenizer_revision
        )
        self._end = _end_ids(config, self.tokenizer)
        self._obey = Obedience(self._end)
        self._parsed = bool(runner.vllm_config.structured_outputs_config.reasoning_parser)
        self._sessions: dict[tuple[Any, ...], Session] = {}
        self._digests: dict[Session, str] = {}
        self._state: Any = None
        self._told = False
        for alpha in (None, *settings.levels):  # what cannot be is said at the start
            self._session(RequestOptions(alpha=alpha), False)

    def passed(self, state: Any) -> None:
        """Keep what a forward pass left behind; None where it sampled nothing."""
        self._state = state

    def decide(self, logits: Tensor) -> Tensor:
        """Follow a pass: take its ``logits [n, V]``, return them with orders applied."""
        state, self._state = self._state, None
        if state is None:
            raise RuntimeError("tokens are sampled of a pass that was not seen")
        ids = list(self.runner.input_batch.req_ids)
        parts = self.runner.discard_request_mask.np[: len(ids)]
        rows = [None if parts[i] else self._row(name) for i, name in enumerate(ids)]
        if not any(rows):
            return logits
        try:
            hidden = self._hidden(state, len(ids))
        except Exception:
            if not self._think_on([row for row in rows if row is not None]):
                raise
            return logits
        orders: list[int | None] = [None] * len(rows)
        for session in {id(r.session): r.session for r in rows if r is not None}.values():
            at = [i for i, r in enumerate(rows) if r is not None and r.session is session]
            for i, order in zip(at, self._step(session, at, rows, hidden, logits), strict=True):
                orders[i] = order
        for row, order in zip(rows, orders, strict=True):
            if row is not None:
                row.told = None if order == ANSWER else order
        kept = [None if r is None or r.failed else r.row for r in rows]
        return self._obey(logits, kept, orders)

    def finish(self, names: Collection[str]) -> None:
        """Log and count requests that ended, before the runner forgets them."""
        for name in names:
            request, running = self.runner.requests.get(name), self.running.pop(name, None)
            if request is None or running is None:
                continue
            session, row = running.session, running.row
            made = decision_of(name, self._digests[session], row, len(request.output_token_ids))
            self.counts.add(made, session.controller, row.reader.thinking)
            if self._log is not None:
                self._log.append(made)
        if names and _writes():
            self.counts.write()

    @cached_property
    def _log(self) -> DecisionLog | None:
        """The decision log; None where there is none, or another process writes it."""
        file = self.settings.log
        return DecisionLog(file) if file is not None and _writes() else None

    def _row(self, name: str) -> Running | None:
        """Return a request's row in a pass that has consumed all its tokens."""
        request = self.runner.requests[name]
        if name not in self.running:
            if request.output_token_ids:
                raise RuntimeError(f"request {name} was under way before it was seen")
            self.running[name] = self._begin(request)
        found = self.running[name]
        return None if found is None or found.failed else found

    def _begin(self, request: Any) -> Running | None:
        params = request.sampling_params
        options = RequestOptions.read(params.extra_args, self.settings.levels)
        structured = params.structured_outputs is not None
        # Under a grammar from its first token a request does not think: there is nothing to stop.
        if not options.on or request.prompt_token_ids is None or (structured and not self._parsed):
            return None
        session = self._session(options, structured)
        self._tell(session.controller, params)
        prompt = request.prompt_token_ids
        room = int(self.runner.max_model_len) - len(prompt)  # the model's length ends it, too
        return Running(session, session.start(prompt, min(params.max_tokens or room, room)))

    def _tell(self, controller: ExitController, params: Any) -> None:
        """Warn, once, of decoding that is not what the certificate speaks of."""
        promised = controller.certificate.get("decoding", {})
        told = decoding_departures(promised, params.temperature, params.top_p, params.max_tokens)
        if told and not self._told:
            self._told = True
            logger.warning("probexit: %s", told)

    def _session(self, options: RequestOptions, structured: bool) -> Session:
        key = (options.alpha, options.max_thinking, structured)
        if key not in self._sessions:
            made = self.settings.controllers[0]
            if options.alpha is not None:
                made = self.settings.levels[options.alpha]
            if structured:  # the grammar writes the answer: only the closing tag is forced
                made = replace(made, closing="")
            limit = int(self.runner.max_model_len)
            if options.max_thinking is not None:  # a budget beyond the model's length never binds
                room = limit - len(made.closing_ids(self.tokenizer)) - made.answer_tokens
                made = replace(made, max_thinking=min(options.max_thinking, room))
            session = Session(made, self.tokenizer, limit, self._end)
            self._sessions[key], self._digests[session] = session, digest(made)
        return self._sessions[key]

    def _step(
        self,
        session: Session,
        at: Sequence[int],
        rows: Sequence[Running | None],
        hidden: Tensor | None,
        logits: Tensor,
    ) -> list[int | None]:
        """Let a session decide on its rows; an error ends the engine or the controller's say."""
        mine = [row for i in at if (row := rows[i]) is not None]
        try:
            tokens = [
                self._newest(row, self.runner.input_batch.req_ids[i])
                for i, row in zip(at, mine, strict=True)
            ]
            index = on_device(at, logits)
            states = None if hidden is None else self._states(session.controller, at, hidden)
            made = ForwardPass([row.row for row in mine], tokens, logits[index], states)
            return session.step(made)
        except Exception:
            if not self._think_on(mine):
                raise
            return [None] * len(mine)

    def _think_on(self, rows: Sequence[Running]) -> bool:
        """Let requests whose controller has just failed think on, if that was chosen; say so."""
        if self.settings.think_on:
            logger.exception("probexit: the controller failed; %d requests think on", len(rows))
            self.counts.failed += len(rows)
            for row in rows:
                row.failed = True
        return self.settings.think_on

    def _newest(self, running: Running, name: str) -> int | None:
        """Return the token that a request has just consumed; None after its prompt."""
        written = self.runner.requests[name].output_token_ids
        if not written:
            return None
        if len(written) != running.row.written + 1 or written[-1] < 0:
            raise RuntimeError(
                f"request {name}: {len(written)} tokens written, {running.row.written} seen"
            )
        if running.told not in (None, written[-1]):
            raise RuntimeError(f"request {name}: was to write {running.told}, not {written[-1]}")
        return int(written[-1])

    def _hidden(self, state: Any, count: int) -> Tensor | None:
        """Return ``[n, L, d]`` at all layers that some controller reads; None without any."""
        layers = self.settings.layers
        if not layers:
            return None
        collected = self.hooks.take() if self.hooks else list(state.aux_hidden_states or [])
        last = state.sample_hidden_states
        at = torch.from_numpy(self.runner.query_start_loc.np[1 : count + 1] - 1).to(last.device)
        return states_of(layers, self.depth, collected, last[:count], at.long())

    def _states(self, controller: ExitController, at: Sequence[int], hidden: Tensor) -> States:
        """Return what reads a controller's layers, in its order, of the rows at some places."""
        layers = [self.settings.layers.index(i) for i in controller.signal.layers]

        def read(rows: Sequence[int]) -> Tensor:
            return hidden[on_device([at[row] for row in rows], hidden)][:, layers]

        return read


def _writes() -> bool:
    """Tell whether this process writes files: one of those that share a model's weights."""
    from vllm.distributed.parallel_state import get_tp_group

    return bool(get_tp_group().rank_in_group == 0)


def _end_ids(config: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a sequence, as the model's folder says."""
    given = config.try_get_generation_config().get("eos_token_id")
    found = {*([given] if isinstance(given, int) else given or [])}
    for end in (getattr(config.hf_text_config, "eos_token_id", None), tokenizer.eos_token_id):
        found |= {end} if isinstance(end, int) else set(end or [])
    return found
