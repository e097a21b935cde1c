"""What some work takes where other work shares the machine."""

import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this process, all its threads together, that ``work`` takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin
