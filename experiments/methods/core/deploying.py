"""From the name of a replayed rule to the certified rule that is deployed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from probexit.calibration.base import Calibrator
from probexit.calibration.cheapest import Cheapest, PolicyTable
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import NO_EXIT
from probexit.exits.trace import Trace
from probexit.experiments.fitting.fit import load_fit, splits_of
from probexit.experiments.methods.core.base import Method
from probexit.experiments.methods.core.context import Context
from probexit.experiments.methods.core.threshold_sweep import ThresholdSweep
from probexit.experiments.recording.run import Run
from probexit.experiments.registry import named
from probexit.experiments.risk_control.certified_rule import CertifiedRule
from probexit.experiments.risk_control.certify import certify_look, certify_rule
from probexit.experiments.risk_control.looks import Question, evidence, look
from probexit.experiments.risk_control.losses.base import Loss

METHODS = "probexit.experiments.methods"
OURS = "probe"


@dataclass(frozen=True)
class Asked:
    """What is to be promised.

    Attributes:
        calibrator: How the threshold is chosen, with its levels.
        loss: What must be controlled.
        name: The loss, by name.
    """

    calibrator: Calibrator
    loss: Loss
    name: str


def certify_methods(
    run: Run, names: Sequence[str], asked: Asked
) -> tuple[str, CertifiedRule, list[Trace]]:
    """Certify a rule on the run's calibration split; of several, the cheapest that can be.

    Args:
        run: A run with a fitted probe.
        names: Rules that are replayed and have a threshold.
        asked: What is to be promised.

    Returns:
        The rule's name, the certified rule, and the calibration split.

    Raises:
        ValueError: on a rule that cannot be deployed so, with the reason.
    """
    sweeps = {name.strip(): sweep_of(run, name.strip()) for name in names}
    traces = splits_of(run).calibrate
    if len(sweeps) > 1:
        return *_cheapest(run, sweeps, traces, asked), traces
    name, sweep = next(iter(sweeps.items()))
    question = Question(question_name(run, name), asked.name, asked.calibrator.alpha)
    ask = partial(look, run.folder / "looks.jsonl", question)
    rule = (sweep.signal, sweep.policy)
    found = certify_look(traces, rule, sweep.grid, asked.loss, asked.calibrator, ask)
    return name, found, traces


def question_name(run: Run, method: str) -> str:
    """Name what is calibrated: our rule by its probe, so that another probe is another question."""
    return load_fit(run).probe if method == OURS else method


def sweep_of(run: Run, name: str) -> ThresholdSweep:
    """Return a rule over its thresholds, fitted on the run's fit split.

    Raises:
        ValueError: on a rule that generates anew or has no threshold.
    """
    fitted = load_fit(run)
    if name == OURS:  # needs neither the model nor anything else to be fitted
        return ThresholdSweep(fitted.signal, Threshold(), fitted.grid)
    method: Method = named(METHODS, name)()
    if not method.replayed:
        raise ValueError(
            f"{name} changes the text, so no recorded trace says where it would leave: it cannot "
            "be calibrated on a run (see `probexit list methods`)"
        )
    if not method.deployable:
        raise ValueError(f"{name} looks at the grades of the traces: it cannot be deployed")
    context = Context(splits_of(run), fitted.signal, fitted.grid, 0, seed=run.manifest.seed)
    sweep = method.sweep(replace(context, closing=_closing(run)))
    if sweep is None:
        raise ValueError(f"{name} has no threshold that could be certified")
    return sweep


def _closing(run: Run) -> int:
    from probexit.hooks.continuation import continuation_ids
    from probexit.hooks.models import Source, load_tokenizer

    manifest = run.manifest
    tokenizer = load_tokenizer(Source(manifest.model, manifest.revision))
    return len(continuation_ids(tokenizer, manifest.tags["close"] + manifest.closing))


def _cheapest(
    run: Run, sweeps: dict[str, ThresholdSweep], traces: list[Trace], asked: Asked
) -> tuple[str, CertifiedRule]:
    """Certify each at its share of the error and take the one with the fewest tokens."""
    tables = {name: _table(sweep, traces, asked.loss) for name, sweep in sweeps.items()}
    paid = _paid(run, tables, traces, asked)
    choice = Cheapest(paid).choose(tables)
    name = next(iter(sweeps)) if choice is None else choice.policy
    sweep, share = sweeps[name], paid.one_of(len(sweeps))
    found = certify_rule(traces, (sweep.signal, sweep.policy), sweep.grid, asked.loss, share)
    said = (
        f"{found.certificate.statement} Chosen as the cheapest of {len(sweeps)} rules "
        f"({', '.join(sweeps)}), each certified at its share of the error."
    )
    return name, replace(found, certificate=replace(found.certificate, statement=said))


def _paid(
    run: Run, tables: dict[str, PolicyTable], traces: list[Trace], asked: Asked
) -> Calibrator:
    """Return the calibrator at what this look at the choice may spend."""
    delta: float | None = getattr(asked.calibrator, "delta", None)
    if delta is None:
        return asked.calibrator
    problems = [trace.problem for trace in traces]
    losses = np.concatenate([table.losses for table in tables.values()], axis=1)
    grid = np.concatenate([table.grid for table in tables.values()])
    hashed = evidence(problems, losses, grid, type(asked.calibrator).__name__)
    question = Question("+".join(sorted(tables)), asked.name, asked.calibrator.alpha)
    made = look(run.folder / "looks.jsonl", question, delta, problems, hashed)
    paid: Calibrator = replace(asked.calibrator, **{"delta": made.spent})
    return paid


def _table(sweep: ThresholdSweep, traces: list[Trace], loss: Loss) -> PolicyTable:
    exits = sweep.exits(traces, sweep.grid)
    tokens = _thinking(traces, exits) + sweep.probing(traces, exits)
    return PolicyTable(
        loss.table(traces, exits), tokens.double().numpy(), sweep.grid.double().numpy()
    )


def _thinking(traces: list[Trace], exits: Tensor) -> Tensor:
    """Return the thinking tokens written up to each exit, ``[n, m]``."""
    rows = []
    for trace, cues in zip(traces, exits, strict=True):
        whole = torch.tensor([trace.thinking])
        written = torch.cat([trace.cues.positions + 1 - trace.begins, whole])
        rows.append(written[torch.where(cues == NO_EXIT, len(trace.cues), cues)])
    return torch.stack(rows)
