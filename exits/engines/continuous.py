"""The controller in transformers' continuous batching: ``generate_batch`` and its manager.

    with attach(model, tokenizer, controller) as attachment:
        model.generate_batch(prompts, generation_config=config)
        attachment.requests["req_0"].exit

The engine packs the newest tokens of all requests into one row, drops a request when it ends, and
fills its place: a saved token is a token that somebody else decodes. It calls its logits processors
behind each forward pass, before a token is chosen, which is where the controller decides.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor
from transformers import GenerationConfig, __version__

from probexit.exits.controller import ExitController
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.obedience import Obedience
from probexit.exits.engines.readings import TokensRead
from probexit.exits.engines.refusals import refuse_generate
from probexit.exits.engines.row import Row
from probexit.exits.engines.session import Session
from probexit.exits.signals.base import Trial
from probexit.hooks.packed import PackedCapture

try:
    from transformers.generation.configuration_utils import ContinuousBatchingConfig
    from transformers.generation.continuous_batching.cb_logits_processors import (
        ContinuousBatchingLogitsProcessor,
    )
except ImportError as error:
    raise ValueError(
        f"transformers {__version__} has no continuous batching that a controller can work in: "
        "install 5.16 to 5.24, which were tried"
    ) from error

KEPT = 10_000  # requests whose rows are remembered


class ContinuousExits(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]  # untyped here
    """Decides for every request of a packed batch, and forces the tokens it asks for.

    Attributes:
        requests: Rows by request id, newest last.
        active: Off, it changes nothing: a manager may outlive the block that attached it.
    """

    # A request switches the controller off for itself: ``add_request(..., probexit=False)``.
    supported_kwargs: ClassVar[dict[str, type]] = {"probexit": bool}
    ignored_kwargs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, session: Session, capture: PackedCapture) -> None:
        self.session, self.capture = session, capture
        self.requests: OrderedDict[str, Row] = OrderedDict()
        self.active = True
        self.obey = Obedience(session.end)
        self._rows: list[Row | None] = []
        self._tokens: list[int | None] = []
        self._read: TokensRead | None = None  # of the coming pass

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        """Fill the engine's argument storage; nothing is passed through it."""
        int32_tensor.fill_(0)

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
        """Read the newest tokens of the requests that get logits in the coming pass, in order."""
        found = [self._row(r.state) for r in requests_with_new_token] if self.active else []
        self._rows, self._tokens = [row for row, _ in found], [token for _, token in found]
        self._read = self.session.read(self._rows, self._tokens) if found else None
        self.capture.wanted = self._read is not None and self._read.needs_states
        return torch.zeros(len(requests_with_new_token), dtype=torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        """Take ``scores [n, V]`` of the requests noted; return them with orders applied."""
        read, self._read = self._read, None
        if not self.active or read is None:
            return scores
        count = len(self._rows)
        logits, states = scores[:count], self.capture.newest(count)
        made = ForwardPass(self._rows, self._tokens, logits, states)
        obeyed = self.obey(logits, self._rows, self.session.step(made, read))
        return scores if obeyed is logits else torch.cat([obeyed, scores[count:]])

    def finish(self) -> None:
        """Check the requests of a manager that has stopped.

        Raises:
            RuntimeError: if a cue was not decided on.
        """
        for row in self.requests.values():
            self.session.finish(row)

    def _row(self, state: Any) -> tuple[Row | None, int | None]:
        """Return a request's row and the token it has just consumed; None for its prompt.

        Raises:
            ValueError: if the request was under way before it was first seen here.
        """
        if not state.logit_processor_kwargs.get("probexit", True):
            return None, None
        # Whoever was put aside for want of memory comes back with what it wrote as its prompt.
        begin = state._true_initial_tokens or len(state.initial_tokens)
        again = len(state.initial_tokens) > begin
        if not (again or state.generated_tokens):
            self.requests[state.request_id] = self.session.start(
                state.initial_tokens[:begin], state.max_new_tokens
            )
        row = self.requests.get(state.request_id)
        if row is None:
            raise ValueError(f"request {state.request_id} was under way before it was seen here")
        self.requests.move_to_end(state.request_id)  # those that are running are dropped last
        while len(self.requests) > KEPT:
            self.session.finish(self.requests.popitem(last=False)[1])
        if not (again or state.generated_tokens):
            return row, None
        return row, int((state.generated_tokens or state.initial_tokens)[-1])


def controlled_manager(
    make: Any, model: Any, tokenizer: Any, controller: ExitController, given: dict[str, Any]
) -> tuple[Any, ContinuousExits]:
    """Make a manager that runs under a controller.

    Args:
        make: The model's own ``init_continuous_batching``.
        model: The model.
        tokenizer: Its tokenizer.
        controller: Decides.
        given: The keyword arguments of the call.

    Returns:
        The manager, not started, and the processor at work in it; its capture is not entered yet.

    Raises:
        ValueError: in a mode that the controller cannot work in.
    """
    if controller.signal.trial is not Trial.NONE:
        raise ValueError(
            f"{type(controller.signal).__name__} decodes a trial answer at each cue, which "
            "continuous batching does not do: use the own loop, or attach with generate"
        )
    if getattr(model, "_cached_continuous_batching_manager", None) is not None:
        raise ValueError(
            "a manager is kept from before the controller was attached: call "
            "model.destroy_cached_continuous_batching_manager() first"
        )
    config = given.get("generation_config") or model.generation_config
    _refuse(model, config, given)
    own = given.get("continuous_batching_config") or ContinuousBatchingConfig()
    given["continuous_batching_config"] = replace(own, **_SAME_STEP)
    manager = make(**given)
    end = config.eos_token_id
    session = Session(
        controller,
        tokenizer,
        config.max_new_tokens or controller.answer_tokens,
        torch.as_tensor([] if end is None else end).flatten().long().tolist(),
    )
    capture = PackedCapture(model, controller.signal.layers)
    processor = ContinuousExits(session, capture)
    processors = manager.logit_processor
    processors.logits_processor.insert(_before_warpers(processors.logits_processor), processor)
    processors.tensors_required += 1
    processors.supported_keys.update(processor.supported_kwargs)
    processors.do_processing = True
    return manager, processor


def _before_warpers(processors: Sequence[Any]) -> int:
    """Return the place that ``generate`` gives a processor of the caller's.

    Behind what changes logits, so that nothing takes back an order; before temperature and nucleus,
    which leave a single token as it is.
    """
    warpers = [i for i, p in enumerate(processors) if type(p).__name__.endswith("Warper")]
    return min(warpers, default=len(processors))


# A decision belongs to the pass that it was made from: nothing runs ahead of it, or as a graph.
_SAME_STEP = {"use_async_batching": False, "use_cuda_graph": False}


def _refuse(model: Any, config: GenerationConfig, given: dict[str, Any]) -> None:
    """Refuse modes that run ahead of the controller's decisions.

    Raises:
        ValueError: naming the setting.
    """
    refuse_generate(model, {"generation_config": config}, "an exit controller")
    if (config.num_return_sequences or 1) > 1:
        raise ValueError("num_return_sequences > 1 copies requests under way: add them separately")
    own = given.get("continuous_batching_config")
    for name in ("use_async_batching", "use_cuda_graph"):
        if getattr(own, name, None):
            raise ValueError(f"{name} cannot work with an exit controller: leave it out")
    for name in ("varlen_compile_config", "decode_compile_config"):
        if getattr(own, name, None) is not None:
            raise ValueError(f"{name}: a compiled pass is not read; leave it out")
