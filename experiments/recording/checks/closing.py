"""The closing text of a forced exit: it ends the thinking, and an answer follows it."""

from typing import ClassVar

from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reader import CueReader


class Closing(ModelCheck):
    """The closing text ends the thinking."""

    title: ClassVar[str] = "closing text"
    short: ClassVar[bool] = True

    def run(self, subject: Subject) -> Finding:
        reasoner = subject.reasoner
        reader = CueReader(reasoner.tokenizer, EveryK(1), reasoner.tags, inside=True)
        ids = reasoner.closing_ids()
        for token in ids:
            reader.feed(token)
        text = repr(reasoner.tokenizer.decode(ids, skip_special_tokens=False))
        if reader.inside:
            return self.wrong(
                f"{text} does not end the thinking: {reasoner.tags.close!r} is not read in it",
                "give the model's own tag with --think-close",
            )
        if reasoner.eos & set(ids):
            return self.wrong(f"{text} ends the sequence, so no answer follows", "change --close")
        return self.has(f"{text}, {len(ids)} tokens")
