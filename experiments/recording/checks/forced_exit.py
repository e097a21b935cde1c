"""An exit at a forced cue: the row answers as from its prefix, and the others do not notice."""

from typing import ClassVar

from probexit.exits.engines.generate import attach
from probexit.experiments.recording.checks.base import NEW, Finding, ModelCheck, Subject
from probexit.experiments.recording.checks.rules import ANSWER_TOKENS, one_exit


class ForcedExit(ModelCheck):
    """One row of a batch leaves at its second cue."""

    title: ClassVar[str] = "attach, one row exits"

    def run(self, subject: Subject) -> Finding:
        row = subject.thinking_row
        controller = one_exit(subject, row)
        closing = controller.closing_ids(subject.reasoner.tokenizer)
        room = NEW + len(closing) + ANSWER_TOKENS
        with attach(subject.model, subject.reasoner.tokenizer, controller) as attachment:
            written = subject.generate(subject.prompts, max_new_tokens=room)
        left = attachment.rows[row].exit
        if left is None or any(r.exit for i, r in enumerate(attachment.rows) if i != row):
            return self.wrong("another row left, or none", "report the model's type")
        thought = subject.batched[row].tokens[: left.thinking]
        wanted = [*thought, *closing]
        if written[row].tokens[: len(wanted)] != wanted:
            return self.wrong("the closing text was not written as ordered", "report it")
        others = max(
            subject.difference(written[i], subject.batched[i])
            for i in range(len(written))
            if i != row
        )
        if others > subject.tie:
            return self.wrong(f"other rows moved by {others:.2g} nats", "use batches of one")
        prompt = [*subject.prompts[row], *wanted]
        width = max(map(len, subject.prompts)) + len(wanted)
        answer = written[row].tokens[len(wanted) :]
        return self._answer(subject, prompt, width, answer)

    def _answer(
        self, subject: Subject, prompt: list[int], width: int, answer: list[int]
    ) -> Finding:
        """Compare the answer with what the model writes on the same text, padded alike."""
        plain = subject.generate([prompt], width, max_new_tokens=ANSWER_TOKENS)[0]
        first = plain.logprobs[0].clone()
        first[sorted(subject.reasoner.eos)] = float("-inf")
        apart = float(first.max() - first[answer[0]])
        return self.judge(apart, 2 * subject.tie, "use batches of one")
