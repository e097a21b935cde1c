"""Thinking that is made to go on: a word in place of the end of the thinking (s1, 2501.19393)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.paragraph import Paragraph


@dataclass(frozen=True)
class Lengthening(Recipe):
    """Each time the model ends its thinking, a word takes the end's place and it thinks on.

    What it wrote behind the end, its answer, is thrown away and counted as probing. A thinking that
    was cut by the token limit is not lengthened, and the limit holds for all rounds together.

    Attributes:
        rounds: How often the end is replaced.
        word: What stands in its place.
    """

    rounds: int
    word: str

    def settings(self) -> dict[str, Any]:
        return {"rounds": self.rounds, "word": self.word}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        texts = [_Text(trace) for trace in traces]
        for number in range(self.rounds + 1):
            open_ = [text for text in texts if number == 0 or self._reopen(setting, text)]
            for text, more in zip(open_, _written(setting, open_, number), strict=True):
                text.ids += more.token_ids
        found = []
        for text in texts:
            fresh = setting.grade(text.trace, text.ids)
            found.append(replace(fresh, probing=text.discarded))
            done()
        return found

    def _reopen(self, setting: Setting, text: "_Text") -> bool:
        """Put the word in the place of the end of the thinking; False if there is none, or no room.

        The room is that of the whole text: the word and at least one token must fit.
        """
        ours = setting.reasoner
        prompt = text.trace.prompt_ids.tolist()
        begins, thinking, _ = thinking_span(ours, Paragraph(), prompt, text.ids)
        kept = [*text.ids[: begins + thinking], *_ids(ours.tokenizer, self.word)]
        ended = begins + thinking < len(text.ids)
        if not ended or len(kept) >= setting.decoding.max_new_tokens:
            return False
        text.discarded += len(text.ids) - begins - thinking
        text.ids = kept
        return True


@dataclass
class _Text:
    """What was written for a problem so far, and how much was thrown away."""

    trace: Trace

    def __post_init__(self) -> None:
        self.ids: list[int] = []
        self.discarded = 0


def _written(setting: Setting, texts: Sequence[_Text], number: int) -> list[Generation]:
    """Let the model go on with some texts, each within what is left of its token limit."""
    model, tokenizer = setting.reasoner.model, setting.reasoner.tokenizer
    most = setting.decoding.max_new_tokens
    seeds = keys([text.trace for text in texts], number)
    prompts = [[*text.trace.prompt_ids.tolist(), *text.ids] for text in texts]
    generations = Loop(model, tokenizer, None, setting.fresh).run(prompts, seeds) if texts else []
    return [
        replace(generation, token_ids=generation.token_ids[: most - len(text.ids)])
        for text, generation in zip(texts, generations, strict=True)
    ]


def _ids(tokenizer: Any, text: str) -> list[int]:
    return [int(i) for i in tokenizer.encode(text, add_special_tokens=False)]
