"""Several treatments, of which each problem gets one: the recipe of rules that look before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.result_store import Fresh


@dataclass(frozen=True)
class Routed(Recipe):
    """Each problem under the treatment that it was routed to.

    Attributes:
        treatments: By name.
        routes: The name of the treatment of each problem.
    """

    treatments: Mapping[str, Recipe]
    routes: Mapping[str, str]

    def settings(self) -> dict[str, Any]:
        settings = {name: treatment.settings() for name, treatment in self.treatments.items()}
        return {"treatments": settings, "routes": dict(self.routes)}

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        found: dict[str, Fresh] = {}
        for name, treatment in self.treatments.items():
            own = [trace for trace in traces if self.routes[trace.problem] == name]
            found |= {fresh.problem: fresh for fresh in treatment.run(setting, own, done)}
        return [found[trace.problem] for trace in traces]
