"""Run the checks on a model and lay out what they found."""

from collections.abc import Sequence
from typing import Any

from probexit.exits.terminal import table
from probexit.experiments.recording.checks.base import Finding, ModelCheck, Status, Subject
from probexit.experiments.registry import members
from probexit.hooks.models import Reasoner

FAMILY = "probexit.experiments.recording.checks"
ORDER = (
    *("template", "closing", "states", "attached", "forced_exit"),
    *("own_loop", "forced_answers", "trial_answer", "layer_exits"),
)


def run_checks(reasoner: Reasoner, short: bool = False) -> list[Finding]:
    """Try what the toolkit needs of a model.

    Args:
        reasoner: The model with its tokenizer, tags and closing text.
        short: Whether to try only what recording needs.
    """
    found = members(FAMILY)
    names = sorted(found, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    subject = Subject(reasoner)
    checks = [found[name]() for name in names]
    return [_tried(check, subject) for check in checks if check.short or not short]


def _tried(check: ModelCheck, subject: Subject) -> Finding:
    try:
        return check.run(subject)
    except ValueError as error:
        return check.has_not(" ".join(str(error).split()))
    except Exception as error:  # whatever a model raises is an answer, and the other checks go on
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return check.has_not(f"the model fails: {reason}", "report the model's type")


def refuse_wrong(findings: Sequence[Finding]) -> None:
    """Refuse to go on where something that is needed is wrong or missing.

    Raises:
        ValueError: naming each, with its remedy.
    """
    bad = [f for f in findings if f.status is not Status.HAS]
    if bad:
        told = "; ".join(f"{f.name}: {f.detail}" + (f" ({f.remedy})" * bool(f.remedy)) for f in bad)
        raise ValueError(f"this model cannot be recorded rightly: {told}")


def as_dicts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings as JSON."""
    return [
        {"check": f.name, "status": f.status.value, "detail": f.detail, "remedy": f.remedy}
        for f in findings
    ]


def as_table(findings: Sequence[Finding]) -> str:
    """Lay the findings out for a terminal, each remedy under its finding."""
    rows = [
        [f.name, f.status.value, f.detail + (f"\nremedy: {f.remedy}" if f.remedy else "")]
        for f in findings
    ]
    return table(["check", "", "found"], rows, left=3)
