"""MLflow: a run of an experiment; where it is kept says `MLFLOW_TRACKING_URI`."""

from collections.abc import Mapping
from typing import Any

from probexit.exits.trackers.base import Tracker


class Mlflow(Tracker):
    """A run of an experiment."""

    package = "mlflow"

    def begin(self, package: Any) -> None:
        self._mlflow = package
        package.set_experiment(self.place)
        package.start_run()

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        self._mlflow.log_metrics(dict(metrics), step=step)

    def end(self) -> None:
        self._mlflow.end_run()
