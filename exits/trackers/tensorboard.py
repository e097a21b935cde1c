"""TensorBoard: event files in a folder, which `tensorboard --logdir FOLDER` shows."""

from collections.abc import Mapping
from typing import Any

from probexit.exits.trackers.base import Tracker


class TensorBoard(Tracker):
    """Scalars in event files, by torch's writer."""

    package = "torch.utils.tensorboard"

    def begin(self, package: Any) -> None:
        self._writer = package.SummaryWriter(self.place)

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        for name, value in metrics.items():
            self._writer.add_scalar(name, value, step)

    def end(self) -> None:
        self._writer.close()
