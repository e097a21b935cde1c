"""Frames between edge and cloud: a JSON header and raw numbers, no pickle; bytes are counted."""

import json
import math
import socket
import struct
from typing import Any

import numpy as np
import torch
from torch import Tensor

from probexit.probes.artefacts.config import plain_value
from probexit.probes.artefacts.strict_json import parse_json

_SIZES = struct.Struct("!II")  # bytes of the header and of the numbers
LARGEST = 1 << 30


class Wire:
    """One connection.

    Attributes:
        sent: Bytes sent so far.
        received: Bytes received so far.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.sent = self.received = 0

    def send(self, header: dict[str, Any], numbers: Tensor | None = None) -> None:
        """Send a header and perhaps a float tensor ``[b, t, d]``, in half precision.

        Raises:
            OSError: if the connection is lost.
        """
        raw = b""
        if numbers is not None:
            header = header | {"shape": list(numbers.shape)}
            raw = numbers.detach().to("cpu", torch.float16).contiguous().numpy().tobytes()
        head = json.dumps(header).encode()
        frame = _SIZES.pack(len(head), len(raw)) + head + raw
        self._connection.sendall(frame)
        self.sent += len(frame)

    def receive(self) -> tuple[dict[str, Any], Tensor | None]:
        """Receive what ``send`` sent; numbers come as float32 ``[b, t, d]``.

        Raises:
            OSError: if the connection is lost.
            ValueError: on a frame that is too large to be meant, or is none of ``send``.
        """
        head_size, raw_size = _SIZES.unpack(self._exactly(_SIZES.size))
        if head_size + raw_size > LARGEST:
            raise ValueError(f"a frame of {head_size + raw_size} bytes: is this an edge?")
        header = plain_value(dict[str, Any], parse_json(self._exactly(head_size)), "frame")
        raw = self._exactly(raw_size)
        if "shape" not in header:
            return header, None
        shape = plain_value(tuple[int, int, int], header["shape"], "frame.shape")
        if 2 * math.prod(shape) != raw_size:
            raise ValueError(f"a frame of {raw_size} bytes cannot hold {shape} halves")
        numbers = torch.from_numpy(np.frombuffer(raw, dtype=np.float16).copy())
        return header, numbers.view(shape).float()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._connection.recv(min(size - len(parts), 1 << 20))
            if not part:
                raise ConnectionError("the other side closed the connection")
            parts += part
        self.received += size
        return bytes(parts)
