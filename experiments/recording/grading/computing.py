"""Compares two answers as mathematics, in a process of its own that is killed when it is late."""

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

SECONDS = 5.0
"""How long one comparison may take; one that takes longer says "different"."""
STARTING = 60.0
"""How long the process may take to start, beside other work."""
WORKER = Path(__file__).with_name("worker.py")


class MathProcess:
    """One process for all threads, started when it is first asked and again after it was killed."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread()
        self._owner = os.getpid()

    def same(self, answer: str, other: str) -> bool:
        """Ask; False if there was no verdict in time."""
        with self._lock:
            try:
                if not self._running():
                    self._start()
                return self._ask(answer, other, SECONDS)
            except (queue.Empty, BrokenPipeError):
                self.stop()
                return False

    def stop(self) -> None:
        """Kill the process, if there is one."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout):
                with suppress(OSError):  # what could not be written any more
                    if pipe is not None:
                        pipe.close()
        self._process = None

    def _running(self) -> bool:
        mine = self._owner == os.getpid()  # a forked process may not share the other's pipes
        return mine and self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        """Start the process, with a first question that is not timed: its imports take a while."""
        self._owner, self._lines = os.getpid(), queue.Queue()
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._reader = threading.Thread(
            target=_read, args=(self._process, self._lines), daemon=True
        )
        self._reader.start()
        self._ask("1", "1", STARTING)

    def _ask(self, answer: str, other: str, seconds: float) -> bool:
        pipe = self._process.stdin if self._process else None
        if pipe is None:
            raise BrokenPipeError("the process is gone")
        pipe.write(json.dumps([answer, other]) + "\n")
        pipe.flush()
        line = self._lines.get(timeout=seconds)
        if not line:
            raise BrokenPipeError("the process ended")
        return bool(json.loads(line))


def _read(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put("")


_PROCESS = MathProcess()
atexit.register(_PROCESS.stop)


@lru_cache(maxsize=65536)
def same_value(answer: str, other: str) -> bool:
    """Tell whether two answers have the same value: symmetric, in any thread.

    Raises:
        ValueError: if math-verify is not installed.
    """
    if find_spec("math_verify") is None:
        raise ValueError(
            "comparing mathematical answers needs math-verify: pip install 'probexit[record]'"
        )
    return _PROCESS.same(*sorted((answer, other)))
