"""Look at the tokens of a pass before it runs: on a device, before it is queued."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks


class BeforePass(Hooks):
    """Calls back with the token ids ``[b, q]`` that a model is about to run.

    Args:
        model: A model that is given ``input_ids`` by name, as ``generate`` does.
        look: What is called.
    """

    def __init__(self, model: nn.Module, look: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.model, self.look = model, look

    def _register(self) -> Iterator[RemovableHandle]:
        yield self.model.register_forward_pre_hook(self._before, with_kwargs=True)

    def _before(self, _: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        ids = kwargs.get("input_ids")
        if ids is not None:
            self.look(ids)
