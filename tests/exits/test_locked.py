"""One process at a time writes; a dead one blocks nobody."""

import subprocess
import sys
from pathlib import Path

import pytest

from probexit.exits.locked import locked

HOLD = """
import sys, time
from pathlib import Path
from probexit.exits.locked import locked
with locked(Path(sys.argv[1]), "wait"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("name", ["", "log.jsonl"])
def test_a_second_process_is_refused_and_a_dead_one_blocks_nobody(
    tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        refused = pytest.raises(ValueError, match=r"another process is writing .*: wait for it")
        with refused, locked(place, "wait for it"):
            pass
        other.kill()
    with locked(place, "wait for it"):
        pass
