"""Thinking tags, chat template and closing text, as far as they show without data."""

from typing import ClassVar

from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject
from probexit.hooks.think_tags import opens_thinking

THINKING = 64


class Template(ModelCheck):
    """The model thinks: its template opens the thinking, or the model does."""

    title: ClassVar[str] = "chat template and thinking"
    short: ClassVar[bool] = True

    def run(self, subject: Subject) -> Finding:
        reasoner = subject.reasoner
        prompt = reasoner.prompt("What is 17 + 25?")
        tags = f"{reasoner.tags.open!r} ... {reasoner.tags.close!r}"
        if opens_thinking(reasoner.tokenizer, reasoner.tags, prompt):
            return self.has(f"the template opens the thinking: {tags}")
        written = subject.generate([prompt], max_new_tokens=THINKING)[0]
        text = reasoner.tokenizer.decode(written.tokens, skip_special_tokens=False)
        if reasoner.tags.open in text:
            return self.has(f"the model opens the thinking: {tags}")
        return self.wrong(
            f"neither the template nor the model opened {reasoner.tags.open!r} "
            f"in {THINKING} tokens",
            "turn the thinking on (--template-arg enable_thinking=true) or name the tags "
            "(--think-open, --think-close)",
        )
