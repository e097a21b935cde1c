"""Check what a rule would have done against the full model, on rows that ran to the end."""

from collections.abc import Sequence

import torch
from torch import Tensor

from probexit.exits.depth.look import Look
from probexit.exits.depth.rule import ExitRule
from probexit.exits.depth.trace import Audit


def audit(
    rule: ExitRule, looks: Sequence[Look], final: Tensor, rows: Sequence[int]
) -> tuple[Audit, ...]:
    """Compare.

    Args:
        rule: When to leave.
        looks: One per exit layer, at the audited rows.
        final: ``[n]`` the full model's tokens.
        rows: Their places in the batch.
    """
    looks = [look.known(final) for look in looks]
    chosen = rule.first(looks)
    scores = torch.stack([rule.decider.score(look).float() for look in looks], 1).tolist()
    agreement = torch.stack([look.tokens == final for look in looks], 1).tolist()
    return tuple(
        Audit(row, layer, rule.layers, tuple(s), tuple(a))
        for row, layer, s, a in zip(rows, chosen, scores, agreement, strict=True)
    )
