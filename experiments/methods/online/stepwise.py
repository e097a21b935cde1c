"""Each problem written step by step by an engine: the recipe of rules that look at steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.engines.stepwise.base import Assignment, StepwiseEngine
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh


@dataclass(frozen=True)
class Stepwise(Recipe):
    """Write each problem with an engine, one at a time.

    Tokens written in vain or read aside are counted as probing; text put in counts as thinking.

    Attributes:
        engine: How it is written.
    """

    engine: StepwiseEngine

    def settings(self) -> dict[str, Any]:
        return {"engine": repr(self.engine)}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        found = []
        for trace, key in zip(traces, keys(traces), strict=True):
            asked = Assignment(trace.prompt_ids.tolist(), trace.question)
            text = self.engine.write(setting.reasoner, asked, setting.fresh, key)
            graded = setting.grade(trace, text.token_ids)
            found.append(replace(graded, probing=text.charged, exited=text.closed))
            done()
        return found
