"""What is kept of a next-token distribution, live and recorded."""

from torch import Tensor

TOP = 20  # DeepConf's k (arXiv 2508.15260)


def entropy(logprobs: Tensor) -> Tensor:
    """Return the entropy (nats) of distributions ``[..., V]``, as ``[...]``."""
    return -(logprobs.exp() * logprobs).nan_to_num(0.0).sum(-1)


def confidence(logprobs: Tensor) -> Tensor:
    """Return the mean negative log-probability of the 20 likeliest of ``[..., V]``, as ``[...]``.

    DeepConf's token confidence (arXiv 2508.15260, equation 2); larger = surer of the next token.
    """
    return -logprobs.topk(min(TOP, logprobs.shape[-1]), -1).values.mean(-1)
