"""The controller over vLLM's running batch: who stands in which row, and which states are whose.

Prompts in parts, prompts found in the prefix cache, requests put aside and brought back: rows and
states are taken from the model runner at each pass, as it takes them itself.

Where several processes share a model's weights (tensor parallelism), each sees the same states and
the same logits, and decides alike from them; the first of them writes down what was decided.
"""

import logging
from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.departures import decoding_departures
from probexit.exits.engines.server.request_options import RequestOptions
from probexit.exits.engines.server.running import Running
from probexit.exits.engines.server.served_batch import Seat, ServedBatch
from probexit.exits.engines.server.sessions import Sessions
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.audits import Ask
from probexit.exits.engines.vllm_plugin.ledger import Ledger
from probexit.exits.engines.vllm_plugin.native_budget import release
from probexit.exits.engines.vllm_plugin.states import LayerHooks, states_of
from probexit.exits.production.oversight import Oversight
from probexit.hooks.capture import CaptureError

logger = logging.getLogger("vllm.probexit")


class BatchExits:
    """A model runner's controller.

    Attributes:
        depth: Decoder layers of the model.
        hooks: Reads states where the model does not give them.
        batch: The requests under way.
        ledger: Writes down what was decided; None in all processes but one.
    """

    def __init__(
        self, runner: Any, settings: Settings, oversight: Oversight, writes: bool = True
    ) -> None:
        """Prepare for a runner whose model is not loaded yet.

        Args:
            runner: vLLM's model runner.
            settings: What the environment says.
            oversight: How decisions are looked at.
            writes: Whether this process writes them down.
        """
        from transformers import AutoTokenizer

        self.runner, self.settings = runner, settings
        config = runner.model_config
        self.depth = int(config.hf_text_config.num_hidden_layers)
        self.hooks: LayerHooks | None = None
        tokenizer = AutoTokenizer.from_pretrained(
            config.tokenizer, revision=config.tokenizer_revision
        )
        end = _end_ids(config, tokenizer)
        self.batch = ServedBatch(settings, self._begin, end)
        self.sessions = Sessions(settings, tokenizer, int(runner.max_model_len), end)
        self.ledger = Ledger(settings, oversight, tokenizer) if writes else None
        self._parsed = bool(runner.vllm_config.structured_outputs_config.reasoning_parser)
        self._state: Any = None
        self._told = False

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
        seats = [None if part else self._seat(i) for i, part in zip(ids, parts, strict=True)]
        changed = self.batch.decide(seats, lambda: self._hidden(state, len(ids)), logits)
        release(self.runner, self.batch.left)
        return changed

    def finish(self, names: Collection[str]) -> None:
        """Write down requests that ended, before the runner forgets them."""
        for name in names:
            request, running = self.runner.requests.get(name), self.batch.finish(name)
            if self.ledger is None or request is None:
                continue
            if not self.ledger.audits.answered(name, request.output_token_ids) and running:
                self.ledger.ended(name, request, running)
        if names and self.ledger is not None:
            self.ledger.counts.failed = self.batch.failed
            self.ledger.flush()

    def asks(self) -> Sequence[Ask]:
        """Return answers of audited requests that the engine is to write now."""
        return self.ledger.asks() if self.ledger is not None else ()

    def _seat(self, name: str) -> Seat:
        return Seat(name, self.runner.requests[name].output_token_ids)

    def _begin(self, name: str) -> Running | None:
        request = self.runner.requests[name]
        params = request.sampling_params
        options = RequestOptions.read(params.extra_args, self.settings.levels)
        structured = params.structured_outputs is not None
        # Under a grammar from its first token a request does not think: there is nothing to stop.
        if not options.on or request.prompt_token_ids is None or (structured and not self._parsed):
            return None
        # Only a controller as it lies in its folder is audited, on prompts that tokens tell whole.
        plain = options.max_thinking is None and not structured and not request.mm_features
        audited = plain and self.settings.audit.chooses(name)
        rule = self.sessions.rule(options, structured, audited)
        self._tell(rule.made, params)
        prompt = request.prompt_token_ids
        room = int(self.runner.max_model_len) - len(prompt)  # the model's length ends it, too
        limit = min(params.max_tokens or room, room)
        return Running(rule, rule.session.start(prompt, limit), limit, audited)

    def _tell(self, controller: ExitController, params: Any) -> None:
        """Warn, once, of decoding that is not what the certificate speaks of."""
        promised = controller.certificate.get("decoding", {})
        told = decoding_departures(promised, params.temperature, params.top_p, params.max_tokens)
        if told and not self._told:
            self._told = True
            logger.warning("probexit: %s", told)

    def _hidden(self, state: Any, count: int) -> Tensor | None:
        """Return ``[n, L, d]`` at all layers that some controller reads; None without any."""
        layers = self.settings.layers
        if not layers:
            return None
        collected = self.hooks.take() if self.hooks else list(state.aux_hidden_states or [])
        last = state.sample_hidden_states
        ends = self.runner.query_start_loc.np[1 : count + 1]
        if any(len(states) < ends[-1] for states in collected):
            raise CaptureError(
                f"a pass of {ends[-1]} tokens gave states of {[len(s) for s in collected]}"
            )
        at = torch.from_numpy(ends - 1).to(last.device)
        return states_of(layers, self.depth, collected, last[:count], at.long())


def _end_ids(config: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a sequence, as the model's folder says."""
    given = config.try_get_generation_config().get("eos_token_id")
    found = {*([given] if isinstance(given, int) else given or [])}
    for end in (getattr(config.hf_text_config, "eos_token_id", None), tokenizer.eos_token_id):
        found |= {end} if isinstance(end, int) else set(end or [])
    return found
