"""What SGLang is given and refused at its start, on stand-ins of its classes."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.sglang_plugin import plugin
from probexit.exits.engines.sglang_plugin.server_args import prepare
from probexit.exits.production.audit import Audit


def args(**changed: Any) -> Any:
    plain = {"speculative_algorithm": None, "enable_lora": False, "pp_size": 1, "dp_size": 1}
    return SimpleNamespace(**{**plain, **changed})


@pytest.fixture
def settings(reading: Callable[..., Any], tmp_path: Path) -> Settings:
    return Settings((reading(0.5, layers=(1, 2)),), None, False, tmp_path, Audit(0.0))


def test_its_capture_of_states_is_switched_on(settings: Settings) -> None:
    """Under the name of a drafting method, which says how it numbers layers; nothing drafts."""
    given = args()
    prepare(given, settings)
    assert given.return_aux_hidden_state_layer_ids == [1, 2]
    assert given.enable_return_aux_hidden_states
    assert given.speculative_algorithm == "EAGLE3"
    assert given.return_hidden_states_mode == "last"
    assert given.disable_overlap_schedule


@pytest.mark.parametrize(
    ("option", "value"),
    [("speculative_algorithm", "NGRAM"), ("enable_lora", True), ("pp_size", 2), ("dp_size", 2)],
)
def test_what_cannot_be_is_refused_by_name(settings: Settings, option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=option):
        prepare(args(**{option: value}), settings)


def test_another_version_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """SGLang logs a plugin's error and goes on: it must fail where it cannot."""

    class ServerArgs:
        def resolve_once(self) -> None: ...

    module = ModuleType("sglang.srt.server_args")
    module.ServerArgs = ServerArgs  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sglang", ModuleType("sglang"))
    monkeypatch.setitem(sys.modules, "sglang.srt", ModuleType("sglang.srt"))
    monkeypatch.setitem(sys.modules, "sglang.srt.server_args", module)
    monkeypatch.setattr(plugin, "installed", lambda _: "0.6.0")
    plugin.register()  # without a controller it does nothing
    ServerArgs().resolve_once()
    monkeypatch.setenv("PROBEXIT_CONTROLLER", "somewhere")
    with pytest.raises(ValueError, match=r"inside SGLang 0\.5\.23\.\*, and this is 0\.6\.0"):
        plugin.register()
    with pytest.raises(ValueError, match=r"inside SGLang 0\.5\.23\.\*, and this is 0\.6\.0"):
        ServerArgs().resolve_once()
    plugin.detach()
    ServerArgs().resolve_once()
