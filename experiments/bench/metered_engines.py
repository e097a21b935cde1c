"""The engines with a meter on what a controller does in them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from probexit.exits.controller import ExitController
from probexit.exits.engines.continuous import ContinuousExits
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.exit_processor import ExitProcessor
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.exits.engines.session import Session
from probexit.experiments.bench.continuous import SIZE
from probexit.experiments.bench.meter import Meter, Method, metering
from probexit.hooks.capture import Capture
from probexit.hooks.models import Reasoner
from probexit.hooks.packed import PackedCapture
from probexit.hooks.padding import padded


class MeteredEngine(ABC):
    """An engine that writes greedily while a meter runs.

    Attributes:
        title: Its name in the table.
        methods: What the controller does there.
        hooks: What makes its hooks.
    """

    title: ClassVar[str]
    methods: Sequence[Method]
    hooks: Sequence[Method]

    def metered(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> Meter:
        """Write at most so many tokens for all prompts at once; return what was measured."""
        with metering(self.methods, self.hooks) as meter:
            self.write(reasoner, controller, prompts, tokens)
        return meter

    @abstractmethod
    def write(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> None:
        """Write for all prompts at once."""


class MeteredGenerate(MeteredEngine):
    """``model.generate`` under ``attach``."""

    title = "attach"
    methods = ((ExitProcessor, "__call__"), (ExitProcessor, "before"))
    hooks = ((Capture, "_hook"),)

    def write(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> None:
        device = reasoner.model.device
        ids, mask = (part.to(device) for part in padded(prompts, "left"))
        with attach(reasoner.model, reasoner.tokenizer, controller):
            reasoner.model.generate(ids, attention_mask=mask, **_greedy(reasoner, tokens))


class MeteredLoop(MeteredEngine):
    """The own loop."""

    title = "own loop"
    methods = ((Session, "read"), (Session, "look"), (Session, "orders"))
    hooks = ((Capture, "_hook"),)

    def write(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> None:
        decoding = Decoding(tokens, batch_size=len(prompts))
        generate(reasoner.model, reasoner.tokenizer, prompts, controller, decoding)


class MeteredContinuous(MeteredEngine):
    """Continuous batching under ``attach``."""

    title = "continuous batching"
    methods = (
        (ContinuousExits, "__call__"),
        (ContinuousExits, "prepare_tensor_args"),
        (PackedCapture, "_begin"),
    )
    hooks = ((PackedCapture, "_keep"),)

    def write(
        self, reasoner: Reasoner, controller: ExitController, prompts: list[list[int]], tokens: int
    ) -> None:
        with attach(reasoner.model, reasoner.tokenizer, controller):
            reasoner.model.generate_batch(
                prompts,
                generation_config=GenerationConfig(**_greedy(reasoner, tokens)),
                continuous_batching_config=ContinuousBatchingConfig(**SIZE),
            )


ENGINES: tuple[MeteredEngine, ...] = (MeteredGenerate(), MeteredLoop(), MeteredContinuous())


def _greedy(reasoner: Reasoner, tokens: int) -> dict[str, object]:
    return {
        "max_new_tokens": tokens,
        "do_sample": False,
        "eos_token_id": sorted(reasoner.eos),
        "pad_token_id": 0,
    }
