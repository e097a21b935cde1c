"""The entry point that vLLM calls in each of its processes: the controller, and who watches it.

The drift alarm compares with the run that the controllers were calibrated on (``PROBEXIT_RUN``);
answers of audited requests are compared by a task's grader (``PROBEXIT_TASK``), or as whole texts.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from probexit.exits.engines.server.environment import CONTROLLER, RUN, TASK

if TYPE_CHECKING:
    from probexit.exits.controller import ExitController
    from probexit.exits.production.oversight import Oversight
    from probexit.experiments.risk_control.drift_monitor import DriftWatch


def register() -> None:
    """Put the controller that the environment names into vLLM; do nothing if it names none.

    Raises:
        ValueError: on another version of vLLM, or an environment that cannot be right.
    """
    if os.environ.get(CONTROLLER):
        from probexit.exits.engines.vllm_plugin import plugin

        plugin.register(oversight())


def oversight() -> "Oversight":
    """Read who watches from the environment.

    Raises:
        ValueError: on a task or a run that is not there.
    """
    from probexit.exits.answers.key import same_answer
    from probexit.exits.production.oversight import Oversight
    from probexit.experiments.recording.tasks.by_name import task
    from probexit.experiments.risk_control.audit import agreement

    spec, run = os.environ.get(TASK), os.environ.get(RUN)
    same = agreement(task(spec)) if spec else same_answer
    if run and not Path(run).is_dir():
        raise ValueError(f"{RUN}={run!r}: there is no such run; name the one calibrated on")
    return Oversight(same, _alarms(Path(run)) if run else None)


def _alarms(folder: Path) -> "Callable[[ExitController], DriftWatch]":
    """Return what makes a controller's alarm; the run is read when it is asked."""
    from probexit.experiments.fitting.fit import splits_of
    from probexit.experiments.recording.run import Run
    from probexit.experiments.risk_control.drift_monitor import DriftWatch, reference_scores

    def alarm(controller: "ExitController") -> DriftWatch:
        traces = splits_of(Run(folder)).calibrate
        return DriftWatch(reference_scores(controller, traces))

    return alarm
