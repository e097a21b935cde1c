"""What runs logs to every open tracker; each member speaks its package's language."""

import math
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from probexit.exits.trackers.base import Tracker, track
from probexit.exits.trackers.mlflow import Mlflow
from probexit.exits.trackers.tensorboard import TensorBoard
from probexit.exits.trackers.trackio import Trackio
from probexit.exits.trackers.wandb import Wandb


class Memory(Tracker):
    """Keeps what it is given."""

    package = "json"

    def begin(self, package: Any) -> None:
        self.seen: list[tuple[int, dict[str, float]]] = []
        self.ended = False

    def write(self, metrics: Mapping[str, float], step: int) -> None:
        self.seen.append((step, dict(metrics)))

    def end(self) -> None:
        self.ended = True


def test_only_open_trackers_hear_and_all_of_them_do() -> None:
    track({"before": 1})
    with Memory() as first:
        track({"a": 1})
        with Memory() as second:
            track({"b": 2, "never": math.inf}, step=7)
        track({"c": 3})
    track({"after": 1})
    assert first.seen == [(0, {"a": 1.0}), (7, {"b": 2.0}), (2, {"c": 3.0})]
    assert second.seen == [(7, {"b": 2.0})]


def test_it_is_closed_after_an_exception() -> None:
    memory = Memory()
    with pytest.raises(RuntimeError), memory:
        raise RuntimeError
    assert memory.ended
    track({"a": 1})
    assert memory.seen == []


def test_a_missing_package_is_named() -> None:
    class Absent(Memory):
        package = "no_such_package_here"

    with pytest.raises(ValueError, match=r"no_such_package_here.*pip install"), Absent():
        pass


class Fake(ModuleType):
    """Stands for a tracker's package: notes every call."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def called(*arguments: Any, **named: Any) -> "Fake":
            self.calls.append((name, (*arguments, *named.values())))
            return self

        return called


@pytest.mark.parametrize(
    ("tracker", "expected"),
    [
        (TensorBoard("place"), ["SummaryWriter", "add_scalar", "close"]),
        (Wandb("place"), ["init", "log", "finish"]),
        (Trackio("place"), ["init", "log", "finish"]),
        (Mlflow("place"), ["set_experiment", "start_run", "log_metrics", "end_run"]),
    ],
)
def test_members_call_their_packages(
    tracker: Tracker, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(tracker.package)
    monkeypatch.setattr("probexit.exits.trackers.base.import_module", lambda name: fake)
    with tracker:
        tracker.log({"x": 0.5}, 3)
    assert [name for name, _ in fake.calls] == expected
    assert fake.calls[0][1] == ("place",)
    told = [value for _, arguments in fake.calls for value in arguments]
    assert any(value == 0.5 or (isinstance(value, dict) and value["x"] == 0.5) for value in told)
