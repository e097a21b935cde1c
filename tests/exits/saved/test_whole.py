"""Whenever saving is interrupted, the folder holds the old controller whole or the new one."""

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController

GOLDEN = Path(__file__).parents[2] / "data" / "controllers"
PAIRS = [
    (ExitController, "two-probes-majority", "logistic-threshold"),
    (ExitController, "hedging", "mlp-patience"),
    (ExitController, "ridge", "hedging"),  # the new one has no tensors
    (DepthController, "probe-translator", "random-block"),
    (DepthController, "random-block", "gap-leave"),
]


class Killed(BaseException):
    """As SIGKILL: nothing below may go on working."""


def kill_at(patch: pytest.MonkeyPatch, n: int) -> None:
    """Raise at the n-th touch of the disk and at every one after it."""
    count = itertools.count(1)

    def deadly(original: Any) -> Any:
        def step(*args: Any, **kwargs: Any) -> Any:
            if next(count) >= n:
                raise Killed
            return original(*args, **kwargs)

        return step

    patch.setattr(os, "fsync", deadly(os.fsync))
    for name in ("open", "replace", "unlink", "mkdir", "rmdir"):
        patch.setattr(Path, name, deadly(getattr(Path, name)))


@pytest.mark.parametrize(("kind", "old", "new"), PAIRS)
@pytest.mark.parametrize("one", ["format-1", "format-2"])
def test_old_or_new(
    kind: Any, old: str, new: str, one: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "reasoning" if kind is ExitController else "layers"
    before, after = (kind.load(GOLDEN / one / place / name) for name in (old, new))
    seen = []
    for n in range(1, 40):
        folder = tmp_path / str(n)
        shutil.copytree(GOLDEN / one / place / old, folder)
        with monkeypatch.context() as patch:
            kill_at(patch, n)
            try:
                after.save(folder)
            except Killed:
                pass
            else:
                break
        found = kind.load(folder)
        assert found in (before, after)
        seen.append(found == after)
    assert seen == sorted(seen)  # first the old, then the new
    assert False in seen
    assert kind.load(folder) == after
    left = {file.suffix for file in folder.rglob("*") if file.is_file()}
    assert left <= {".json", ".safetensors"}
    assert len(list(folder.rglob("*.safetensors"))) <= 1
