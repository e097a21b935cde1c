"""One run per problem, with something done to the model: the recipe of most live rules."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from probexit.exits.artefacts.parts import describe
from probexit.exits.controller import ExitController
from probexit.exits.engines.generation import Generation
from probexit.exits.engines.loop import Loop
from probexit.exits.engines.token_notes import TokenNotes
from probexit.exits.interventions.base import Intervention
from probexit.exits.production.digest import digest
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.live_evaluator import keys
from probexit.experiments.methods.online.result_store import Fresh
from probexit.hooks.activation_addition import FrontAddition
from probexit.hooks.head_shift import HeadShift
from probexit.hooks.steer import Steer


@dataclass(frozen=True)
class InterventionRun(Recipe):
    """What is done to the model while it generates; nothing at all by default.

    Attributes:
        controller: Leaves the thinking.
        interventions: Change the logits inside the thinking, in turn.
        directions: ``{layer: [d]}`` added to the layers' outputs (see ``hooks/steer.py``).
        heads: ``{layer: {head: [w]}}`` added to single heads (see ``hooks/head_shift.py``).
        front: ``{layer: [n, d]}`` added to the prompt's first positions (see
            ``hooks/activation_addition.py``).
        temperature: Multiplies the recording's; 1 keeps it.
        instruction: Added to the question; what must be read anew of the prompt counts as probing.
    """

    controller: ExitController | None = None
    interventions: tuple[Intervention, ...] = ()
    directions: Mapping[int, Tensor] = field(default_factory=dict)
    heads: Mapping[int, Mapping[int, Tensor]] = field(default_factory=dict)
    front: Mapping[int, Tensor] = field(default_factory=dict)
    temperature: float = 1.0
    instruction: str = ""

    def settings(self) -> dict[str, Any]:
        heads = {
            f"{layer}.{head}": _hash(v)
            for layer, own in self.heads.items()
            for head, v in own.items()
        }
        front = {str(layer): _hash(added) for layer, added in self.front.items()}
        return {
            "controller": digest(self.controller) if self.controller else None,
            "interventions": [describe(each, {}) for each in self.interventions],
            "directions": {str(i): _hash(v) for i, v in self.directions.items()},
            "temperature": self.temperature,
            **({"heads": heads} if heads else {}),
            **({"front": front} if front else {}),
            **({"instruction": self.instruction} if self.instruction else {}),
        }

    def run(
        self, setting: Setting, traces: Sequence[Trace], done: Callable[[], object]
    ) -> list[Fresh]:
        pairs = zip(traces, self.generate(setting, traces, done), strict=True)
        return [
            replace(
                setting.grade(trace, generation.token_ids),
                probing=generation.probed + self._read_anew(setting, trace),
                exited=generation.exit is not None,
            )
            for trace, generation in pairs
        ]

    def generate(
        self,
        setting: Setting,
        traces: Sequence[Trace],
        done: Callable[[], object],
        sample: int = 0,
        notes: TokenNotes | None = None,
    ) -> list[Generation]:
        """Generate once for each problem; ``sample`` tells several samples apart."""
        model, tokenizer = setting.reasoner.model, setting.reasoner.tokenizer
        decoding = setting.fresh
        decoding = replace(decoding, temperature=decoding.temperature * self.temperature)
        bound = [each.bind(tokenizer, setting.reasoner.tags) for each in self.interventions]
        loop = Loop(model, tokenizer, self.controller, decoding, bound)
        if loop.session is not None:
            loop.session.extract = setting.task.extract
        prompts = [self._prompt(setting, trace) for trace in traces]

        def ended(_index: int, _generation: Generation) -> None:
            done()

        with self._steered(model), self._shifted(model), self._fronted(model):
            return loop.run(prompts, keys(traces, sample), ended, notes=notes)

    def _prompt(self, setting: Setting, trace: Trace) -> list[int]:
        if not self.instruction:
            return [int(i) for i in trace.prompt_ids]
        return setting.reasoner.prompt(f"{trace.question}\n\n{self.instruction}")

    def _read_anew(self, setting: Setting, trace: Trace) -> int:
        """Return the tokens of the prompt behind what it has in common with the recorded one."""
        prompt, recorded = self._prompt(setting, trace), trace.prompt_ids.tolist()
        pairs = enumerate(zip(prompt, recorded, strict=False))
        same = next((i for i, (a, b) in pairs if a != b), min(len(prompt), len(recorded)))
        return len(prompt) - same

    def _steered(self, model: Any) -> AbstractContextManager[Any]:
        return Steer(model, self.directions) if self.directions else nullcontext()

    def _shifted(self, model: Any) -> AbstractContextManager[Any]:
        return HeadShift(model, self.heads) if self.heads else nullcontext()

    def _fronted(self, model: Any) -> AbstractContextManager[Any]:
        return FrontAddition(model, self.front) if self.front else nullcontext()


def _hash(vector: Tensor) -> str:
    return hashlib.sha256(vector.float().cpu().contiguous().numpy().tobytes()).hexdigest()[:16]
