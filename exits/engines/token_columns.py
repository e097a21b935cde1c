"""The columns that a trace holds for every token, noted for all rows of a batch together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.engines.forward_pass import ForwardPass, on_device
from probexit.exits.engines.history import Foreseen, History
from probexit.exits.engines.row import Row
from probexit.exits.engines.summaries import confidence, entropy


class TokenColumns:
    """Notes log-probability, entropy and confidence of each thinking token, on the device.

    A token's numbers are those of the distribution that it was drawn from, one pass before it is
    read. They stay on the device until a cue asks for them.
    """

    def __init__(self) -> None:
        self._noted: list[tuple[Sequence[History], Tensor]] = []

    def follow(self, made: ForwardPass) -> None:
        """Note the tokens just read by rows that think, and keep what they may write next."""
        at = [i for i, row in enumerate(made.rows) if row is not None and _thinks(row)]
        if not at:
            return
        rows = [row.history for i in at if (row := made.rows[i]) is not None]
        self._note(dict(zip(rows, at, strict=True)), made)
        logprobs = made.logits_of(at).float().log_softmax(-1)
        kept = torch.stack([entropy(logprobs), confidence(logprobs)], 1)
        foreseen = Foreseen(rows, logprobs, kept)
        for history in rows:
            history.foreseen = foreseen

    def unread(self, like: Tensor) -> Tensor:
        """Return what was noted since the last reading, ``[n, 3]``, beside a tensor."""
        return torch.cat([like.new_zeros(0, 3), *(values for _, values in self._noted)])

    def read(self, values: Tensor) -> None:
        """Give the rows what was noted: ``values [n, 3]``, which is ``unread`` on the host."""
        sizes = [len(rows) for rows, _ in self._noted]
        by_row: dict[History, list[Tensor]] = {}
        for (rows, _), part in zip(self._noted, torch.split(values, sizes), strict=True):
            for row, own in zip(rows, part, strict=True):
                by_row.setdefault(row, []).append(own)
        for row, parts in by_row.items():
            row.note(torch.stack(parts))
        self._noted.clear()

    def _note(self, places: dict[History, int], made: ForwardPass) -> None:
        """Note the newest tokens of rows, given with their places in the batch."""
        batches = {id(row.foreseen): row.foreseen for row in places if row.foreseen is not None}
        for foreseen in batches.values():
            kept = [k for k, row in enumerate(foreseen.rows) if row in places]
            rows = [foreseen.rows[k] for k in kept]
            tokens = _tokens([places[row] for row in rows], made)
            logprobs, numbers = foreseen.logprobs, foreseen.kept
            if len(kept) < len(foreseen.rows):
                index = on_device(kept, logprobs)
                logprobs, numbers = logprobs[index], numbers[index]
            picked = logprobs.gather(-1, tokens[:, None])
            self._noted.append((rows, torch.cat([picked, numbers], 1)))


def _thinks(row: Row) -> bool:
    return row.exit is None and row.reader.inside


def _tokens(places: Sequence[int], made: ForwardPass) -> Tensor:
    """Return the tokens ``[n]`` that the rows at these places have just consumed."""
    if made.newest is None:
        return on_device([made.tokens[i] or 0 for i in places], made.logits)
    if list(places) == list(range(len(made.rows))):
        return made.newest
    return made.newest[on_device(places, made.newest)]
