"""The contract of an engine that writes rollouts; their states are read by a prefill afterwards."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generation import Generation
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class RolloutEngine(ABC):
    """Writes rollouts of one model.

    A rollout follows from its prompt, its key and the settings; only floating-point ties may
    depend on what else is in the batch.

    Attributes:
        reasoner: The model.
        decoding: How to generate.
        options: The engine's own settings, by name.
    """

    reasoner: Reasoner
    decoding: Decoding
    options: Mapping[str, Any] = field(default_factory=dict)

    @abstractmethod
    def write(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        on_done: Callable[[int], None] = lambda _: None,
    ) -> list[Generation]:
        """Generate for every prompt.

        Args:
            prompts: Token ids of each prompt.
            keys: A number per prompt that seeds its sampling.
            on_done: Called with the number of prompts that are done, whenever it changes.

        Raises:
            ValueError: on settings or prompts that the engine cannot take.
        """

    def recorded(self) -> dict[str, Any]:
        """Return the options that change what is written, for a manifest: not the machine's."""
        return dict(self.options)

    def versions(self) -> dict[str, str]:
        """Return the versions of the engine's own libraries."""
        return {}
