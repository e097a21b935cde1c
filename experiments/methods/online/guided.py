"""Each problem written under the guidance of a reward: the recipe of Otter."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probexit.exits.inserted.guided import RewardGuided
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.probes.artefacts.tensors import content_hash


@dataclass(frozen=True)
class Guided(Recipe):
    """Write each problem under guidance, one at a time; candidates not taken count as probing.

    Attributes:
        engine: How it is written.
    """

    engine: RewardGuided

    def settings(self) -> dict[str, Any]:
        tensors = {name: t.detach().cpu() for name, t in self.engine.stream.state_dict().items()}
        about = {"weight": self.engine.weight, "k": self.engine.k}
        return {"guided": json.dumps(about), "stream": content_hash(tensors)[:16]}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        found = []
        for trace, key in zip(traces, keys(traces), strict=True):
            prompt = trace.prompt_ids.tolist()
            text = self.engine.write(setting.reasoner, prompt, setting.fresh, key)
            graded = setting.grade(trace, text.token_ids)
            found.append(replace(graded, probing=text.charged))
            done()
        return found
