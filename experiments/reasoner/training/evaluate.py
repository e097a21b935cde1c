"""Measure the reasoner: `python -m probexit.experiments.reasoner.training.evaluate`.

Writes `behaviour.json` into the checkpoint's folder and renews the tables of its card. About
seventeen minutes on two cores that others use too.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from probexit.experiments.reasoner import path
from probexit.experiments.reasoner.thoughts import CAP, Checkpoint, ThoughtSetting, think_all
from probexit.experiments.reasoner.training.behaviour import describe
from probexit.experiments.reasoner.training.card import write_card
from probexit.experiments.reasoner.training.certified import saving
from probexit.experiments.reasoner.training.forced import Case, force
from probexit.experiments.reasoner.training.gates import gates
from probexit.experiments.reasoner.training.scores import (
    STRENGTH,
    Score,
    auroc,
    fitted,
    states,
    trivial,
)

MAIN = ThoughtSetting()
OTHERS = (
    ThoughtSetting(temperature=0.6),
    ThoughtSetting(temperature=0.0),
    ThoughtSetting(difficulty="easy"),
    ThoughtSetting(difficulty="hard"),
    ThoughtSetting("spell"),
    ThoughtSetting("coins"),
)
ALPHAS = (0.02, 0.05, 0.1)
LAYERS_AT_CUES = "all layers"


def split(cases: Sequence[Case]) -> tuple[Sequence[Case], Sequence[Case], Sequence[Case]]:
    """Split problems: two fifths to fit, three tenths to choose and certify, the rest to test."""
    first, second = len(cases) * 4 // 10, len(cases) * 7 // 10
    return cases[:first], cases[first:second], cases[second:]


def probes(fit: Sequence[Case], tune: Sequence[Case]) -> tuple[dict[str, Score], str]:
    """Fit a probe for every layer and one for all; name the best on the second set."""
    count = fit[0].states[0].shape[0]
    found = {f"layer {i}": fitted(states(i), fit, STRENGTH) for i in range(count)}
    found[LAYERS_AT_CUES] = fitted(states(None), fit, STRENGTH)
    return found, max(found, key=lambda name: auroc(found[name], tune)[0])


def study(cases: Sequence[Case]) -> dict[str, Any]:
    """Compare probes with trivial rules, on problems none of them has seen.

    Risk and saving count every problem, also those whose run has no cue.
    """
    fit, tune, test = split(cases)
    fit, with_cues = ([case for case in part if case.answers] for part in (fit, test))
    found, best = probes(fit, [case for case in tune if case.answers])
    rules = trivial(fit)
    ranked = {"probe": found[best], **rules}
    return {
        "problems": {"fit": len(fit), "certify": len(tune), "test": len(test)},
        "best_probe": best,
        "auroc": {name: auroc(score, with_cues) for name, score in {**found, **rules}.items()},
        "certified": {
            str(alpha): {name: saving(score, tune, test, alpha) for name, score in ranked.items()}
            for alpha in ALPHAS
        },
    }


def machine() -> dict[str, Any]:
    """Say where the numbers come from."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def evaluate(folder: Path, number: int, others: int, seed: int) -> dict[str, Any]:
    """Run every setting."""
    reasoner = Checkpoint(folder)
    main_cases = force(reasoner, think_all(reasoner, MAIN, number, seed))
    settings = {MAIN.name: describe(main_cases)}
    for setting in OTHERS:
        cases = force(reasoner, think_all(reasoner, setting, others, seed))
        settings[setting.name] = describe(cases)
    result: dict[str, Any] = {"seed": seed, "cap": CAP, "machine": machine(), "settings": settings}
    result["study"] = study(main_cases)
    result["gates"] = gates(result)
    return result


def main(arguments: list[str] | None = None) -> None:
    """Evaluate from the command line.

    Raises:
        ValueError: on too few problems.
    """
    form = argparse.ArgumentParser(description="Measure the shipped reasoner.")
    form.add_argument("--model", type=Path, default=path(), help="folder of the checkpoint")
    form.add_argument("--n", type=int, default=1200, help="problems in the main setting")
    form.add_argument("--others", type=int, default=128, help="problems in every other setting")
    form.add_argument("--seed", type=int, default=1)
    options = form.parse_args(arguments)
    if options.n < 100 or options.others < 1:
        raise ValueError("at least 100 problems are needed, and 1 in every other setting")
    result = evaluate(options.model, options.n, options.others, options.seed)
    (options.model / "behaviour.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    write_card(options.model)
    print((options.model / "README.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
