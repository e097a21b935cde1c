"""Detect the solution, verify it, send it back (Solve-Detect-Verify, arXiv 2505.11966)."""

from dataclasses import dataclass
from typing import ClassVar

from probexit.exits.engines.stepwise.detectors import AskedSolver, StatedSolution
from probexit.exits.engines.stepwise.solution_verifiers import AskedVerifier, ProbeVerifier
from probexit.exits.engines.stepwise.solve_detect_verify import SolveDetectVerify
from probexit.experiments.methods.core.base import MethodFamily
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.core.training import recorded_layers
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator
from probexit.experiments.methods.online.stepwise import Stepwise
from probexit.hooks.models import IN_PACKAGE


@dataclass(frozen=True)
class SolveDetectVerifyPreset(LiveRule):
    """Ask at hesitation words whether the solution is complete; verify it; write it anew if wrong.

    The pipeline is the published one, its verifier is not trained: the model itself stands in
    ("untrained FlexiVe"), and the prompts are paraphrased. Three more deviations: paragraphs end at
    blank lines, not at hesitation words; a run of the verifier, its thinking too, has 256 tokens;
    and what goes back is the number of the wrong paragraph, not what the verifier wrote. The
    shipped reasoners answer no questions about a solution: asked, they never say yes and their
    verdicts cannot be read, so that this row is the full run at a higher price. For them a second
    row takes judges that need no prompts: an answer stated in words is a complete solution, the
    run's own probe verifies, and what it rejects is sampled anew without feedback.

    Attributes:
        least: The probe's score from which on it accepts a solution.
    """

    title: ClassVar[str] = "Solve-Detect-Verify"
    family: ClassVar[MethodFamily] = MethodFamily.MORE
    reads: ClassVar[str] = "the model's own verdict on its solution"
    cost: ClassVar[str] = "detector and verifier prompts; rejected solutions"
    source: ClassVar[str] = "2505.11966"
    summary: ClassVar[str] = "ends a complete solution, verifies it, sends it back"
    least: float = 0.5

    def recipes(self, context: Context, bench: LiveEvaluator) -> dict[str, Recipe]:
        asked = SolveDetectVerify(AskedSolver(), AskedVerifier())
        found: dict[str, Recipe] = {"": Stepwise(asked)}
        if bench.reasoner.name in IN_PACKAGE:
            recorded_layers(context)  # a probe that reads no states cannot stand in
            probed = ProbeVerifier(context.probe, self.least)
            silent = SolveDetectVerify(StatedSolution(), probed, feedback="")
            found["stated answer, probe"] = Stepwise(silent)
        return found
