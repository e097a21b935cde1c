"""Layer exits in shadow mode: every layer runs, the text is the model's own."""

from typing import ClassVar

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.deciders.gap import Gap
from probexit.exits.depth.heads.plain import PlainHead
from probexit.exits.depth.modes.shadow import Shadow
from probexit.exits.depth.rule import ExitRule
from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject


class LayerExits(ModelCheck):
    """Layers can be watched and left early."""

    title: ClassVar[str] = "layer exits"

    def run(self, subject: Subject) -> Finding:
        rule = ExitRule((0,), Gap(), PlainHead(), 2.0)
        with DepthController(rule, Shadow()).attach(subject.model):
            written = subject.generate(subject.prompts)
        pairs = zip(written, subject.batched, strict=True)
        distance = max(subject.difference(mine, plain) for mine, plain in pairs)
        return self.judge(distance, subject.tie, "do not use layer exits on this model")
