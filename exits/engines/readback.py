"""One copy from the device to the host, whatever is to be read."""

from collections.abc import Mapping

import torch
from torch import Tensor


def on_host(parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the host together; each comes back in its shape and type.

    They travel as float32 from where the first one is. It holds every number of the shorter float
    types, and every token of a vocabulary below 2 ** 24.
    """
    device = next(iter(parts.values())).device
    flat = torch.cat([part.to(device, torch.float32).flatten() for part in parts.values()])
    pieces = torch.split(flat.cpu(), [part.numel() for part in parts.values()])
    return {
        name: piece.reshape(part.shape).to(part.dtype)
        for (name, part), piece in zip(parts.items(), pieces, strict=True)
    }
