"""Putting back leaves a class as it was, also what it inherits and what was not there."""

import os

import pytest

from probexit.exits.engines.server.patches import Patches


class Above:
    def inherited(self) -> str:
        return "above"


class Engine(Above):
    def own(self) -> str:
        return "own"


def test_all_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBEXIT_SET", "before")
    monkeypatch.delenv("PROBEXIT_UNSET", raising=False)
    before, environment, patches = dict(vars(Engine)), dict(os.environ), Patches()
    for name in ("own", "own", "inherited", "absent"):  # one twice, as two plugins might
        patches.put(Engine, name, lambda _: "ours")
    for name in ("PROBEXIT_SET", "PROBEXIT_UNSET"):
        patches.keep_variable(name)
        os.environ[name] = "ours"
    assert (Engine().own(), Engine().inherited()) == ("ours", "ours")
    patches.close()
    assert dict(vars(Engine)) == before
    assert dict(os.environ) == environment
    assert (Engine().own(), Engine().inherited()) == ("own", "above")
