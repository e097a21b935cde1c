"""What happened at each decoding step: how deep each row went and, where audited, was it right."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class ExitAudit:
    """A row that ran to the last layer although, or as if, it had left.

    Attributes:
        row: Its place in the batch.
        layer: Where it would have left; None if nowhere.
        layers: The exit layers.
        scores: The decider's score at every exit layer.
        agreement: Whether the token at each exit layer is the full model's.
    """

    row: int
    layer: int | None
    layers: tuple[int, ...]
    scores: tuple[float, ...]
    agreement: tuple[bool, ...]

    @property
    def agrees(self) -> bool:
        """Whether the token there is the full model's; True if it would not have left."""
        return self.layer is None or self.agreement[self.layers.index(self.layer)]


@dataclass(frozen=True)
class Step:
    """One decoding step of a batch.

    Attributes:
        depths: ``[b]`` layers that ran for each row.
        audits: Rows that were audited.
        stopped: ``[b]`` bool: rows whose text the decider ended.
    """

    depths: tuple[int, ...]
    audits: tuple[ExitAudit, ...] = ()
    stopped: Tensor | None = None


@dataclass(frozen=True)
class Round:
    """Drafts and their verification.

    Attributes:
        drafts: Layers that ran for each drafted token.
        verification: Layers that ran to verify them.
        accepted: Drafts kept; one token more was written by the full model.
    """

    drafts: tuple[int, ...]
    verification: int
    accepted: int


@dataclass
class DepthTrace:
    """What happened since attaching, oldest first; prompts run at full depth and are not listed.

    Attributes:
        steps: Steps of modes that write one token per row and pass.
        rounds: Rounds of self-speculation.
    """

    steps: list[Step] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)

    @property
    def depths(self) -> list[tuple[int, ...]]:
        """Layers run per step and row."""
        return [step.depths for step in self.steps]

    @property
    def audits(self) -> list[ExitAudit]:
        """All audits, oldest first."""
        return [audit for step in self.steps for audit in step.audits]

    def row(self, row: int = 0) -> list[int]:
        """Return the layers that ran for each token decoded for a row, oldest first.

        A token that was drafted and kept counts the layers of its draft, the one that a
        verification adds those of the verification.
        """
        depths = [step.depths[row] for step in self.steps]
        for r in self.rounds:
            depths += [*r.drafts[: r.accepted], r.verification]
        return depths

    def mean_depth(self) -> float:
        """Return the mean number of layers run per decoded token; NaN before the first.

        Layers that ran for several tokens at once, in a verification, count once.
        """
        layers = sum(sum(step.depths) for step in self.steps)
        tokens = sum(len(step.depths) for step in self.steps)
        layers += sum(sum(r.drafts) + r.verification for r in self.rounds)
        tokens += sum(r.accepted + 1 for r in self.rounds)
        return layers / tokens if tokens else float("nan")
