"""The choices of a question, in any of the layouts that data sets use, as lines with letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from probexit.experiments.recording.grading.choice import LETTERS
from probexit.experiments.recording.tasks.source import SourceRow

REQUEST = "Put the letter of the right choice within \\boxed{}."


@dataclass(frozen=True)
class Choices:
    """The choices with the labels that the source gave them; ours are A, B, C ... in its order."""

    labels: Sequence[str]
    texts: Sequence[str]

    def asked(self, stem: str) -> str:
        """Write the question with its choices below it."""
        lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, self.texts, strict=False)]
        return "\n".join([stem, "", *lines, "", REQUEST])

    def letter(self, answer: str, row: SourceRow) -> str:
        """Return our letter of the choice that ``answer`` names by label or by its whole text.

        Raises:
            ValueError: if it names none, or several.
        """
        for names in (self.labels, self.texts):
            if list(names).count(answer) == 1:
                return LETTERS[list(names).index(answer)]
        raise row.error(f"answer {answer!r} is none of the choices {', '.join(self.labels)}")


def choices_of(value: Any, row: SourceRow) -> Choices:
    """Read ``[text]``, ``[{label, text}]`` or ``{label: [...], text: [...]}``.

    Raises:
        ValueError: if it is none of these, or not two to ten choices.
    """
    labels, texts = _columns(value)
    known = len(labels) == len(texts) and all(isinstance(text, str) for text in texts)
    if not known or not 2 <= len(texts) <= len(LETTERS):
        raise row.error(f"'choices' must be a list of 2 to {len(LETTERS)} texts, not {value!r}")
    return Choices([str(label) for label in labels], texts)


def _columns(value: Any) -> tuple[list[Any], list[Any]]:
    match value:
        case {"label": [*labels], "text": [*texts]}:
            return labels, texts
        case [{"label": _, "text": _}, *_] if all(isinstance(choice, dict) for choice in value):
            return [c.get("label") for c in value], [c.get("text") for c in value]
        case [str(), *_]:
            return list(LETTERS[: len(value)]), value
        case _:
            return [], []
