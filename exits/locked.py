"""Files that one process at a time may write: a second is refused, a dead one blocks nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def locked(file: Path, remedy: str) -> Iterator[None]:
    """Hold the lock of a file or folder that is going to be written.

    The operating system holds it, so it ends with the process however that ends.

    Args:
        file: What is written; the lock lies beside it, in a folder inside it.
        remedy: What to do instead; ends the error's sentence.

    Raises:
        ValueError: if another process holds it.
    """
    place = file / ".lock" if file.is_dir() else file.with_name(f".{file.name}.lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ValueError(f"another process is writing {file}: {remedy}") from error
    try:
        yield
    finally:
        lock.release()
