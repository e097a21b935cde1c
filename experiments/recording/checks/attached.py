"""An attached controller that never exits against plain ``generate``."""

from typing import ClassVar

from probexit.exits.engines.generate import attach
from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject
from probexit.experiments.recording.checks.rules import never


class Attached(ModelCheck):
    """A controller that never exits changes no token."""

    title: ClassVar[str] = "attach, never exiting"

    def run(self, subject: Subject) -> Finding:
        with attach(subject.model, subject.reasoner.tokenizer, never(subject)) as attachment:
            written = subject.generate(subject.prompts)
        if not all(row.written for row in attachment.rows):
            return self.wrong("no token was seen by the controller", "report the model's type")
        pairs = zip(written, subject.batched, strict=True)
        distance = max(subject.difference(mine, plain) for mine, plain in pairs)
        found = self.judge(distance, subject.tie, "do not attach to this model")
        pairs = zip(subject.batched, subject.alone, strict=True)
        itself = max(subject.difference(batch, alone) for batch, alone in pairs)
        if found.wrong or itself <= subject.tie:
            return found
        told = f"the model's own padded batch is {itself:.2g} nats from its rows alone"
        return self.has(f"{found.detail}; {told}: use batches of one")
