"""Turn recorded layers into the one vector per cue that a probe reads."""

from collections.abc import Sequence

from torch import Tensor


def select_layers(hidden: Tensor, layers: Sequence[int]) -> Tensor:
    """Concatenate ``layers`` of ``hidden [..., L, d]``, in that order, to ``[..., k * d]``.

    Args:
        hidden: Recorded hidden states.
        layers: Indices along the recorded axis ``L``, which are not layer numbers of the model
            unless every layer was recorded.

    Raises:
        ValueError: if ``layers`` is empty, repeats an index or leaves ``0 .. L - 1``.
    """
    chosen = list(layers)
    if hidden.ndim < 2:
        raise ValueError(f"hidden must be [..., L, d], got shape {tuple(hidden.shape)}")
    recorded = hidden.shape[-2]
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(recorded)):
        raise ValueError(f"layers {chosen} must be distinct and in 0 .. {recorded - 1}")
    return hidden[..., chosen, :].flatten(-2)
