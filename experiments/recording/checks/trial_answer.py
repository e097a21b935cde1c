"""A trial answer decoded on a fork of the cache, against writing it for real."""

from dataclasses import replace
from typing import ClassVar

from probexit.exits.engines.generate import attach
from probexit.exits.policies.never import Never
from probexit.exits.signals.trial_confidence import TrialConfidence
from probexit.experiments.recording.checks.base import NEW, Finding, ModelCheck, Subject
from probexit.experiments.recording.checks.rules import never


class TrialAnswerCheck(ModelCheck):
    """A signal may ask what the model would answer, and no row notices."""

    title: ClassVar[str] = "trial answers"

    def run(self, subject: Subject) -> Finding:
        tokenizer = subject.reasoner.tokenizer
        closing = never(subject).closing_ids(tokenizer)
        controller = replace(never(subject), signal=TrialConfidence(len(closing)), policy=Never())
        with attach(subject.model, tokenizer, controller) as attachment:
            written = subject.generate(subject.prompts, max_new_tokens=NEW)
        pairs = zip(written, subject.batched, strict=True)
        moved = max(subject.difference(mine, plain) for mine, plain in pairs)
        if moved > subject.tie:
            return self.wrong(f"asking moved the rows by {moved:.2g} nats", "use other signals")
        row = subject.thinking_row
        thought = subject.batched[row].tokens[:2]
        prompt = [*subject.prompts[row], *thought, *closing]
        width = max(map(len, subject.prompts)) + len(thought) + len(closing)
        first = subject.generate([prompt], width, max_new_tokens=1)[0].logprobs[0]
        trial = attachment.rows[row].history.answers[0]
        apart = abs(float(first[trial.ids[0]]) - trial.logprobs[0])
        return self.judge(apart, 2 * subject.tie, "use signals without trial answers")
