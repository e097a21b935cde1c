import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from probexit.exits.production.log import Decision, DecisionLog, read

PLAIN = Decision("a", "c0", (0.2, 0.9), 1, 0.9, 0, False, 31)
AUDITED = Decision("b", "c0", (0.9, 0.1 + 0.2), 0, 0.9, 2, False, 99, {0: False, 1: True})


def test_lines_read_back_equal(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "new" / "log.jsonl")
    assert list(log) == []
    for decision in (PLAIN, AUDITED):
        log.append(decision)
    assert list(log) == [PLAIN, AUDITED]


def test_what_a_line_means() -> None:
    assert (PLAIN.exited, PLAIN.agrees) == (True, None)
    assert (AUDITED.exited, AUDITED.agrees) == (False, False)
    stayed = Decision("b", "c0", (0.1,), None, None, 0, False, 9, {})
    assert stayed.agrees is True


def test_a_line_cut_short_is_dropped_and_the_log_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    whole = PLAIN.to_line()
    for cut in (1, len(whole) // 2, len(whole) - 1):
        file.write_text(whole + AUDITED.to_line()[:cut])
        assert read(file) == [PLAIN]
        log = DecisionLog(file)
        log.append(AUDITED)
        assert read(file) == [PLAIN, AUDITED]


WRITER = """
import sys
from probexit.exits.production.log import Decision, DecisionLog
log = DecisionLog(sys.argv[1])
for i in range(10**9):
    log.append(Decision(f"r{i}", "c", tuple(k / 7 for k in range(40)), 3, .5, 0, False, i))
"""


def test_every_line_is_whole_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(file)])
    deadline = time.monotonic() + 60
    while (not file.is_file() or file.stat().st_size < 20_000) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    found = read(file)
    assert len(found) > 10
    assert [d.request for d in found] == [f"r{i}" for i in range(len(found))]
    DecisionLog(file).append(PLAIN)
    assert read(file) == [*found, PLAIN]


def test_bad_logs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no decision log"):
        read(tmp_path / "none")
    file = tmp_path / "log.jsonl"
    for bad in ("{}", "[1]", "nonsense", '{"scores": [], "audit": null, "other": 1}'):
        file.write_text(PLAIN.to_line() + bad + "\n")
        with pytest.raises(ValueError, match=r"log\.jsonl:2: "):
            read(file)


def test_times_are_in_utc() -> None:
    assert PLAIN.time.endswith("+00:00")


def test_an_infinite_score_reads_back(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / "log.jsonl")
    log.append(Decision("a", "c", (math.inf,), 0, math.inf, 0, False, 3))
    assert next(iter(log)).score == math.inf
