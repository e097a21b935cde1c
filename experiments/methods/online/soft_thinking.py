"""Each problem thought through partly in mixtures of embeddings: the recipe of ThinkRouter."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from probexit.exits.engines.loop import Loop
from probexit.exits.engines.think_router import Routing, ThinkRouter
from probexit.exits.interventions.thinking_rows import ThinkingRows
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.hooks.soft_embedding import SoftEmbedding


@dataclass(frozen=True)
class SoftThinking(Recipe):
    """One run per problem, one problem at a time, routed by the largest probability.

    Attributes:
        routing: When to mix, and how; its temperature multiplies the recording's.
    """

    routing: Routing

    def settings(self) -> dict[str, Any]:
        return {"routing": asdict(self.routing)}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        found = []
        for trace, key in zip(traces, keys(traces), strict=True):
            found.append(setting.grade(trace, self.write(setting, trace, key)))
            done()
        return found

    def write(self, setting: Setting, trace: Trace, key: int) -> list[int]:
        """Return the tokens written for one problem, the likeliest one for each mixture."""
        ours = setting.reasoner
        decoding = replace(setting.fresh, batch_size=1)
        warmth = decoding.temperature or 1.0
        routing = replace(self.routing, temperature=self.routing.temperature * warmth)
        ends = ours.tokenizer.encode(ours.tags.close, add_special_tokens=False)[:1]
        with SoftEmbedding(ours.model) as embedding:
            rows = ThinkingRows(ours.tokenizer, ours.tags)
            router = ThinkRouter(routing, rows, embedding, ends)
            loop = Loop(ours.model, ours.tokenizer, None, decoding, [router])
            (generation,) = loop.run([trace.prompt_ids.tolist()], [key])
        return generation.token_ids
