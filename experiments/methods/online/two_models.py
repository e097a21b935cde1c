"""Each problem written by a small and a large model together: the recipe of switching."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText, weight
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class TwoModels(Recipe):
    """Write each problem with the setting's model and another one, a batch at a time.

    Tokens are counted in tokens *of the recorded model*, by multiplications: a token of a model
    half its size counts half. Tokens that a model read without having written them (what it missed,
    drafts to judge) and those it wrote in vain are counted as probing. The prompt is not counted,
    as it is nowhere, though both models read it.

    Attributes:
        engine: How the two share the work.
        other: The model that is not the setting's, with the same tokenizer.
    """

    engine: TwoModelEngine
    other: Reasoner

    def settings(self) -> dict[str, Any]:
        return {
            "engine": repr(self.engine),
            "other": asdict(Fingerprint.of(self.other.model)) | {"name": ""},
        }

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        ours, other = setting.reasoner, self.other
        pair = ModelPair.of((ours.model, ours.tokenizer), (other.model, other.tokenizer))
        found, size, seeds = [], setting.decoding.batch_size, keys(traces)
        for first in range(0, len(traces), size):
            some = traces[first : first + size]
            prompts = [trace.prompt_ids.tolist() for trace in some]
            own = seeds[first : first + size]
            texts = self.engine.write_all(pair, prompts, setting.fresh, own)
            for trace, text in zip(some, texts, strict=True):
                found.append(_fresh(setting, pair, trace, text))
                done()
        return found


def _fresh(setting: Setting, pair: ModelPair, trace: Trace, text: TwoModelText) -> Fresh:
    """Grade a text and count what it cost."""
    graded = setting.grade(trace, text.token_ids)
    price = Price(weight(pair.small), weight(pair.large), weight(setting.reasoner.model))
    begins = len(text.token_ids) - graded.thinking - graded.answer_tokens
    end = begins + graded.thinking
    return Fresh(
        problem=trace.problem,
        answer=graded.answer,
        correct=graded.correct,
        thinking=price.written(text.by_large[begins:end]),
        answer_tokens=price.written(text.by_large[end:]),
        probing=price.beside(text),
    )


@dataclass(frozen=True)
class Price:
    """What a token of each model costs; only the ratios matter.

    Attributes:
        small: Effort of the small model.
        large: Effort of the large model.
        unit: Unit of the model in whose tokens all is counted.
    """

    small: float
    large: float
    unit: float

    def written(self, by_large: Sequence[bool]) -> int:
        """Return the cost of tokens by who wrote each."""
        large = sum(by_large)
        return round((large * self.large + (len(by_large) - large) * self.small) / self.unit)

    def beside(self, text: TwoModelText) -> int:
        """Return the cost of what was read or written beyond the text itself."""
        parts = ((text.small, self.small), (text.large, self.large))
        # the last token of a text is written but never read
        return round(sum(max(0, e.read - e.written) * price for e, price in parts) / self.unit)
