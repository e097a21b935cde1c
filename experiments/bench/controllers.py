"""Controllers that the benchmarks run: one that is fitted and certified here."""

from itertools import islice

from tqdm import tqdm

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.policies.threshold import Threshold
from probexit.experiments.fitting.fit import fit
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.tasks.arith import Arith
from probexit.experiments.risk_control.certify import certify_rule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner


def controller_for(reasoner: Reasoner, decoding: Decoding, problems: int = 384) -> ExitController:
    """Fit and certify on fresh problems, half each."""
    task = Arith(seed=7)
    layers = (n_layers(reasoner.model) - 1, n_layers(reasoner.model))
    recorder = Recorder(reasoner, task, Hesitation(), layers, decoding)
    with tqdm(total=problems, unit="problem", desc="record") as bar:
        items = list(islice(task.items(), problems))
        traces = recorder.traces(items, 0, lambda done: bar.update(done - bar.n))
    fitted = fit(traces[: problems // 2], layers, layers=layers)
    rule = (fitted.signal, Threshold())
    certified = certify_rule(
        traces[problems // 2 :], rule, fitted.grid, LostCorrect(), LearnThenTest(alpha=0.1)
    )
    return ExitController(
        Hesitation(),
        certified.signal,
        certified.policy,
        reasoner.tags,
        reasoner.closing,
    )
