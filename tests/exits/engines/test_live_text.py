"""A generation shown as it happens: all its text, every score, the exit where it was taken."""

import io
import re
from collections.abc import Callable
from typing import Any

import torch

from probexit.exits.engines.generate import attach
from probexit.exits.engines.live_text import LiveText

NEW = 30


def shown(model: Any, words: Any, prompt: list[int], controller: Any) -> tuple[str, Any, str]:
    file = io.StringIO()
    ids = torch.tensor([prompt])
    with attach(model, words, controller) as attachment:
        streamer = LiveText(words, attachment, file)
        out = model.generate(ids, max_new_tokens=NEW, do_sample=False, streamer=streamer)
    return file.getvalue(), attachment.rows[0], words.decode(out[0, len(prompt) :])


def test_text_scores_and_exit(
    lively: Callable[..., Any], words: Any, prompts: list[list[int]], reading: Callable[..., Any]
) -> None:
    model, controller = lively("llama"), reading(0.5, answer_tokens=6)
    seen = set()
    for prompt in prompts[:8]:
        text, row, written = shown(model, words, prompt, controller)
        marks = re.findall(r" \[([^\]]*)\]", text)
        assert [float(re.match(r"[\d.]+", mark)[0]) for mark in marks] == [  # type: ignore[index]
            round(score, 2) for score in row.scores
        ]
        assert re.sub(r" \[[^\]]*\]", "", text) == written + "\n"
        exits = [mark for mark in marks if "exit" in mark]
        assert len(exits) == (row.exit is not None)
        if row.exit is not None:
            assert f"exit after {row.exit.thinking} thinking tokens" in exits[0]
        seen.add(row.exit is not None)
    assert seen == {True, False}
