"""Show a generation as it happens: its text, the signal at each cue, and the exit."""

import sys
from typing import IO, Any

from transformers.generation.streamers import BaseStreamer

from probexit.exits.engines.generate import Attachment


class LiveText(BaseStreamer):  # type: ignore[misc]  # transformers is untyped here
    """A streamer for ``generate`` inside ``attach``, for one prompt.

    Behind each cue stands the signal there, behind the last one what the controller did:
    ``[0.31]``, ``[0.94: exit after 61 thinking tokens]``.

    Args:
        tokenizer: Decodes the text.
        attachment: What ``attach`` yielded.
        file: Where to write; standard output if None.
    """

    def __init__(self, tokenizer: Any, attachment: Attachment, file: IO[str] | None = None) -> None:
        self.tokenizer, self.attachment = tokenizer, attachment
        self.file = file or sys.stdout
        self._prompt = True
        self._ids: list[int] = []
        self._written = ""
        self._marked = 0
        self._left = False

    def put(self, value: Any) -> None:
        """Take the prompt ``[1, p]``, then each new token ``[1]``."""
        if self._prompt:
            self._prompt = False
            return
        self._mark()  # of the token before, which the model has read by now
        self._ids += value.flatten().tolist()
        text = self.tokenizer.decode(self._ids)
        if not text.endswith("\ufffd"):  # the rest of a character is still to come
            self._write(text[len(self._written) :])
            self._written = text

    def end(self) -> None:
        """End the line."""
        self._write("\n")

    def _mark(self) -> None:
        (row,) = self.attachment.rows
        scores = row.scores[self._marked :]
        self._marked += len(scores)
        marks = [f"{score:.2f}" for score in scores]
        if row.exit is not None and not self._left:
            self._left = True
            said = f"exit after {row.exit.thinking} thinking tokens"
            marks = [*marks[:-1], f"{marks[-1]}: {said}" if marks else f"budget: {said}"]
        for mark in marks:
            self._write(f" [{mark}]")

    def _write(self, text: str) -> None:
        self.file.write(text)
        self.file.flush()
