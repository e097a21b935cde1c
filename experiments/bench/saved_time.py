"""Do saved tokens become saved time? The own loop with the controller against without it."""

from itertools import islice
from typing import Any

from tqdm import tqdm

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.policies.threshold import Threshold
from probexit.experiments.evaluation.live_run import Live, stopwatch
from probexit.experiments.fitting.fit import fit
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.tasks.arith import Arith
from probexit.experiments.risk_control.certify import certify_rule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.layers import n_layers
from probexit.hooks.models import Reasoner

PROBLEMS, TRAIN, ROUNDS = 256, 384, 3


def bench_saved_time(reasoner: Reasoner) -> dict[str, Any]:
    """Time 256 problems with and without a controller that is fitted here, in turn."""
    decoding = Decoding(temperature=1.0, seed=5)
    controller = controller_for(reasoner, decoding)
    items = list(islice(Arith(seed=6).items(), PROBLEMS))
    task = Arith(seed=6)
    with_it = Live(reasoner, task, controller, decoding)
    without = Live(reasoner, task, None, decoding)
    stopwatch(without, items[:32])
    rounds = [(stopwatch(with_it, items), stopwatch(without, items)) for _ in range(ROUNDS)]
    (short, _), (long, _) = rounds[0]
    tokens = sum(line["tokens"] for line in short) / sum(line["tokens"] for line in long)
    ratios = sorted(fast / slow for (_, fast), (_, slow) in rounds)
    time_ratio = ratios[len(ratios) // 2]
    return {
        "problems": PROBLEMS,
        "token_ratio": tokens,
        "time_ratio_median": time_ratio,
        "time_ratio_min": ratios[0],
        "time_ratio_max": ratios[-1],
        "time_over_token_ratio": time_ratio / tokens,
        "accuracy_with": sum(line["correct"] for line in short) / PROBLEMS,
        "accuracy_without": sum(line["correct"] for line in long) / PROBLEMS,
    }


def controller_for(reasoner: Reasoner, decoding: Decoding) -> ExitController:
    """Fit and certify on fresh problems, half each."""
    task = Arith(seed=7)
    layers = (n_layers(reasoner.model) - 1, n_layers(reasoner.model))
    recorder = Recorder(reasoner, task, Hesitation(), layers, decoding)
    with tqdm(total=TRAIN, unit="problem", desc="record") as bar:
        traces = recorder.traces(list(islice(task.items(), TRAIN)), 0, bar)
    fitted = fit(traces[: TRAIN // 2], layers, layers=layers)
    rule = (fitted.signal, Threshold())
    certified = certify_rule(
        traces[TRAIN // 2 :], rule, fitted.grid, LostCorrect(), LearnThenTest(alpha=0.1)
    )
    return ExitController(
        Hesitation(),
        certified.signal,
        certified.policy,
        reasoner.tags,
        reasoner.closing,
    )
