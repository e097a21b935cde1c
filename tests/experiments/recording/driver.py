"""Record twice, once undisturbed and once killed over and over; run by ``test_resume.py``.

Usage: ``driver.py MODEL OUT RENAMES FRACTIONS``. Children of the second recording die at the given
renames (numbers joined by commas), the next ones after a fraction of the time that the rest would
take; the last one is left alone. One process loads the model, so that a child records at once. It
prints the exit status of each child of the second recording.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Source, load

N, SHARD = 8, 2


def kill_at_rename(number: int) -> None:
    """Kill this process just before its ``number``-th rename of a finished file."""
    rename, left = os.replace, iter(range(number))

    def replace(source: Any, target: Any) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    os.replace = replace


class Driver:
    def __init__(self, model: str) -> None:
        reasoner = load(Source(model, answer_tokens=4))
        self.recorder = Recorder(
            reasoner, task("arith:easy"), cue_set("reflection"), (2, 6), Decoding(160, 1.0)
        )

    def run(self, out: Path, seconds: float = 0.0, prepare: Callable[[], None] = int) -> int:
        """Record in a child, kill it after some seconds (0: never); return its exit status."""
        pid = os.fork()
        if pid == 0:
            prepare()
            self.recorder.record(Run(out), N, SHARD)
            os._exit(0)
        if seconds:
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(model: str, out: Path, renames: list[int], fractions: list[float]) -> None:
    driver = Driver(model)
    start = time.monotonic()
    assert driver.run(out / "whole") == 0
    life = time.monotonic() - start
    for rename in renames:
        print(driver.run(out / "killed", prepare=lambda at=rename: kill_at_rename(at)))
    for fraction in fractions:
        whole = len(list((out / "killed" / "shards").glob("*.parquet")))
        print(driver.run(out / "killed", fraction * life * (1 - whole * SHARD / N) or 0.001))
    print(driver.run(out / "killed"))


if __name__ == "__main__":
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        [int(x) for x in sys.argv[3].split(",")],
        [float(x) for x in sys.argv[4].split(",")],
    )
