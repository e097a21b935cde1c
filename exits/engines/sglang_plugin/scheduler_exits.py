"""The controller over SGLang's batches: who stands in which row, and which states are whose.

SGLang runs a batch of requests (``Scheduler.run_batch``), samples from its logits (``Sampler``),
and then appends the tokens to its requests. With its own capture of auxiliary hidden states, the
sampler is handed those of each request's newest token beside the logits, in the same rows.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from probexit.exits.engines.server.decisions import decision_of
from probexit.exits.engines.server.request_options import RequestOptions
from probexit.exits.engines.server.running import Running
from probexit.exits.engines.server.served_batch import Seat, ServedBatch
from probexit.exits.engines.server.sessions import Sessions
from probexit.exits.engines.server.settings import Settings
from probexit.exits.production.log import DecisionLog
from probexit.hooks.capture import CaptureError


class SchedulerExits:
    """A scheduler's controller.

    Attributes:
        batch: The requests under way.
        log: Where decisions go; None in all processes but one, or without a log.
    """

    def __init__(self, scheduler: Any, settings: Settings, writes: bool = True) -> None:
        """Stand in a scheduler that has loaded its model.

        Args:
            scheduler: SGLang's.
            settings: What the environment says.
            writes: Whether this process writes decisions down: one of those that share weights.

        Raises:
            ValueError: if a controller reads a layer that SGLang does not give.
        """
        config, tokenizer = scheduler.model_config, scheduler.tokenizer
        refuse_layers(settings.layers, int(config.num_hidden_layers))
        self.settings, self.length = settings, int(config.context_len)
        end = {*(config.hf_eos_token_id or ()), tokenizer.eos_token_id}
        self.sessions = Sessions(settings, tokenizer, self.length, end)
        self.batch = ServedBatch(settings, self._begin, end)
        self.log = DecisionLog(settings.log) if settings.log is not None and writes else None
        self._reqs: list[Any] | None = None
        self._open: dict[str, Any] = {}
        self._states: Tensor | None = None

    def scheduled(self, reqs: Sequence[Any]) -> None:
        """Note the requests of the pass that begins."""
        self._reqs = list(reqs)

    def passed(self, states: Tensor | None) -> None:
        """Keep the states ``[n, L * d]`` that a pass gave; None if it gave none."""
        self._states = states

    def decide(self, logits: Tensor) -> Tensor:
        """Follow a pass: take its ``logits [n, V]``, return them with orders applied.

        Raises:
            RuntimeError: if the rows are not those of the batch.
        """
        reqs, self._reqs = self._reqs, None
        if reqs is None:  # a rehearsal of SGLang's own, such as the capture of a graph
            return logits
        if len(reqs) != len(logits):
            raise RuntimeError(
                f"{len(reqs)} requests were scheduled, and {len(logits)} have logits"
            )
        self._open = {req.rid: req for req in reqs}
        return self.batch.decide(
            [_seat(req) for req in reqs], lambda: self._read(len(reqs)), logits
        )

    def returned(self, sampled: bool) -> None:
        """Check that a pass that sampled tokens was decided on.

        Raises:
            RuntimeError: if the sampler did not hand it over.
        """
        missed, self._reqs = self._reqs, None
        if missed and sampled:
            raise RuntimeError("tokens were sampled without the controller, by another sampler")

    def ended(self, reqs: Sequence[Any]) -> None:
        """Log requests that have ended, and forget them."""
        for req in reqs:
            running = self.batch.finish(req.rid) if req.finished() else None
            if running is not None and self.log is not None:
                tokens = len(req.output_ids)
                self.log.append(decision_of(req.rid, running.rule.name, running.row, tokens))

    def _begin(self, name: str) -> Running | None:
        req = self._open[name]
        params = req.sampling_params
        extra = {k: v for k, v in (params.custom_params or {}).items() if k != "__req__"}
        options = RequestOptions.read(extra, self.settings.levels)
        if not options.on or req.grammar is not None:  # what closes a thinking is not its grammar's
            return None
        prompt = list(req.origin_input_ids)
        limit = min(params.max_new_tokens, self.length - len(prompt))
        rule = self.sessions.rule(options)
        return Running(rule, rule.session.start(prompt, limit), limit)

    def _read(self, rows: int) -> Tensor | None:
        """Return ``[n, L, d]`` of the newest pass, once; None where no controller reads any."""
        states, self._states = self._states, None
        layers = len(self.settings.layers)
        if not layers:
            return None
        if states is None or len(states) != rows or states.shape[-1] % layers:
            shape = None if states is None else list(states.shape)
            raise CaptureError(f"{rows} rows at {layers} layers were asked for, and {shape} came")
        return states.view(rows, layers, -1)


def _seat(req: Any) -> Seat | None:
    """Return a request's seat; None while the parts of its prompt are being read."""
    return None if req.inflight_middle_chunks > 0 else Seat(req.rid, req.output_ids)


def refuse_layers(layers: Sequence[int], depth: int) -> None:
    """Refuse layers that SGLang does not give: it captures what a layer *receives*.

    Raises:
        ValueError: on the last decoder layer or the final norm.
    """
    late = [layer for layer in layers if layer > depth - 2]
    if late:
        raise ValueError(
            f"SGLang gives the states of layers 0 to {depth - 2}, and the controller reads {late}: "
            "fit and calibrate one on earlier layers"
        )
