"""Feed a running model a mixture of token embeddings in place of one token's (arXiv 2505.15778).

    e = sum_v w_v E_v

The token that the caller passes is what is recorded; what the model reads at the next step is the
mixture. With all weight on that token the model reads what it would have read.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from probexit.hooks.handles import Hooks


class SoftEmbedding(Hooks):
    """Context manager: the next single token that a model reads is a mixture, where one was set.

    Batch of one; a pass over several tokens, as of a prompt, is left alone.

    Args:
        model: A causal language model; not compiled yet.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._module: nn.Module = model.get_input_embeddings()
        self._next: tuple[Tensor, Tensor] | None = None

    def feed(self, tokens: Tensor, weights: Tensor) -> None:
        """Set what is read next: ``tokens [k]`` with ``weights [k]`` that sum to 1."""
        self._next = (tokens, weights)

    def _register(self) -> Iterator[RemovableHandle]:
        yield self._module.register_forward_hook(self._mix)

    def _mix(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        mixture, self._next = self._next, None
        if mixture is None or output.shape[:2] != (1, 1):
            return output
        tokens, weights = mixture
        # through the module's own forward, which may scale: the hook is not called by it
        embedded: Tensor = module.forward(tokens.to(args[0].device)[None])[0]
        mixed = (weights.to(embedded.device, torch.float32)[:, None] * embedded.float()).sum(0)
        return mixed.to(output.dtype).expand_as(output)
