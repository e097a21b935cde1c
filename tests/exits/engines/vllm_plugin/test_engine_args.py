"""What vLLM is given and refused at its start, on a stand-in of its options."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.engine_args import PROCESSOR, RUNNER, prepare
from probexit.exits.production.audit import Audit


@pytest.fixture
def settings(
    reading: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv(RUNNER, "0")
    return Settings((reading(0.5),), None, False, tmp_path, Audit(0.0))


def args(**changed: Any) -> Any:
    plain = dict.fromkeys(("speculative_config", "async_scheduling", "additional_config"))
    return SimpleNamespace(
        **{**plain, "enable_lora": False, "logits_processors": ["mine:Own"], **changed}
    )


def test_the_controller_stands_behind_a_users_processors(settings: Settings) -> None:
    given = args()
    prepare(given, settings)
    assert given.logits_processors == ["mine:Own", PROCESSOR]
    assert given.async_scheduling is False
    assert given.additional_config == {"probexit_layers": [1, 4]}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("speculative_config", {"method": "ngram"}),
        ("async_scheduling", True),
        ("enable_lora", True),
        ("pipeline_parallel_size", 2),
        ("data_parallel_size", 2),
        ("prefill_context_parallel_size", 2),
    ],
)
def test_what_cannot_be_is_refused_by_name(settings: Settings, option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=option):
        prepare(args(**{option: value}), settings)


def test_the_other_model_runner_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RUNNER, "1")
    with pytest.raises(ValueError, match="model runner V1 only"):
        prepare(args(), settings)
