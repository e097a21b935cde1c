"""The card of a controller: what it does, what is promised and what is not, how to load it."""

from collections.abc import Mapping, Sequence
from typing import Any

NOT_PROMISED = (
    "Nothing is promised for other tasks, other decoding settings, another model or other weights "
    "of it: calibrate again there (`probexit recalibrate`, or `record` and `calibrate`)."
)


def card(
    title: str, facts: Mapping[str, str], certificate: Mapping[str, Any], usage: Sequence[str]
) -> str:
    """Write a model card in Markdown.

    Args:
        title: Its heading.
        facts: What it is, as name and value.
        certificate: What calibration promised.
        usage: Lines of Python that load and attach it.
    """
    model = str(certificate.get("model", ""))
    head = ["---", "library_name: probexit", "tags: [probexit, early-exit, reasoning]"]
    if "/" in model and not model.startswith((".", "/", "~")):
        head.append(f"base_model: {model}")
    parts = ["\n".join([*head, "---"]), f"# {_plain(title)}"]
    parts.append("\n".join(f"- **{name}**: {_plain(value)}" for name, value in facts.items()))
    parts.append("## What is promised")
    parts.append(_plain(certificate.get("statement") or "Nothing: it was not calibrated."))
    if certificate.get("statement"):
        parts.append(_measured(certificate))
        parts.append(NOT_PROMISED)
    parts += ["## Use", "```python\n" + "\n".join(usage) + "\n```"]
    return "\n\n".join(parts) + "\n"


def _measured(certificate: Mapping[str, Any]) -> str:
    decoding = certificate.get("decoding", {})
    temperature = decoding.get("temperature", 0)
    drawn = f"at temperature {temperature:g}" if temperature else "greedily"
    lines = [
        f"Calibrated on {certificate.get('n')} problems of "
        f"`{_plain(certificate.get('task', 'a task that it does not name'))}`, "
        f"decoded {drawn}, at most {decoding.get('max_new_tokens', '?')} tokens; "
        f"{certificate.get('losses', 0):g} of them were lost at the threshold "
        f"{certificate.get('threshold', float('inf')):.4g}.",
        f"Model: `{_plain(certificate.get('model', 'not said'))}`, revision "
        f"`{_plain(certificate.get('revision') or 'not said')}`, precision "
        f"`{_plain(certificate.get('dtype', 'not said'))}`.",
    ]
    return "\n\n".join(lines)


def _plain(text: Any) -> str:
    """Keep a text from ending a line or a code span of the card."""
    return " ".join(str(text).split()).replace("`", "'").replace("<", "&lt;")
