"""``check`` says nothing against a sound model, and finds each fault that is planted in one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from probexit.exits.engines import exit_processor as engine
from probexit.exits.engines.obedience import Obedience
from probexit.experiments.recording.checks.base import Finding, Status
from probexit.experiments.recording.checks.report import as_table, refuse_wrong, run_checks
from probexit.hooks.models import Reasoner, Source, load

Fault = Callable[[Reasoner], Any]


def findings(reasoner: Reasoner) -> dict[str, Finding]:
    return {f.name: f for f in run_checks(reasoner)}


@pytest.fixture
def reasoner() -> Reasoner:
    """A model of this test's own, that may be spoiled."""
    return load(Source("shipped"))


def test_a_sound_model_has_everything(reasoner: Reasoner) -> None:
    found = findings(reasoner)
    assert {f.status for f in found.values()} == {Status.HAS}, as_table(list(found.values()))
    refuse_wrong(list(found.values()))
    hooks = (h for m in reasoner.model.modules() for h in m._forward_hooks.values())
    assert not any("probexit" in h.__module__ for h in hooks)  # transformers keeps some of its own


@contextmanager
def forward_with(model: Any, change: Callable[[dict[str, Any]], Any]) -> Iterator[None]:
    """Let a model's forward see changed keyword arguments."""
    own = type(model).forward

    def forward(self: Any, input_ids: Any = None, **kwargs: Any) -> Any:
        kwargs["input_ids"] = input_ids if input_ids is not None else kwargs.get("input_ids")
        change(kwargs)
        return own(self, **kwargs)

    forward.__signature__ = __import__("inspect").signature(own)  # type: ignore[attr-defined]
    model.__class__ = type("Spoiled", (type(model),), {"forward": forward})
    yield
    model.__class__ = type(model).__mro__[1]


def drop_cache(kwargs: dict[str, Any]) -> None:
    kwargs.pop("cache", None)
    kwargs.pop("past_key_values", None)


def drop_positions(kwargs: dict[str, Any]) -> None:
    kwargs.pop("position_ids", None)


def drop_mask(kwargs: dict[str, Any]) -> None:
    if isinstance(kwargs.get("attention_mask"), torch.Tensor):
        kwargs["attention_mask"] = torch.ones_like(kwargs["attention_mask"])


def add_hook(module: nn.Module, change: Callable[[Any], Any]) -> None:
    module.register_forward_hook(lambda _m, _a, out: change(out))


def leak(hidden: Any) -> Any:
    """Mix a row's state into the next row's."""
    return hidden + 0.3 * hidden.roll(1, 0)


def reversed_layers(reasoner: Reasoner) -> None:
    model = reasoner.model
    model.backwards = nn.ModuleList(list(model.model.layers)[::-1])
    model.probexit_layers = "backwards"


def shifted_state(reasoner: Reasoner) -> None:
    """The layers' list holds modules that run one layer later than they are counted."""
    model = reasoner.model
    layers = list(model.model.layers)
    model.late = nn.ModuleList([*layers[1:], layers[0]])
    model.probexit_layers = "late"


def compiled_past_its_hook(reasoner: Reasoner) -> None:
    """As a layer that was compiled before a hook was set: ``forward`` is called past it."""
    layer = reasoner.model.model.layers[3]
    layer.__class__ = type("Compiled", (type(layer),), {"__call__": type(layer).forward})


def no_thinking_template(reasoner: Reasoner) -> None:
    reasoner.tokenizer.chat_template = "{{ messages[0].content }}<|im_end|>"


FAULTS: dict[str, tuple[Fault, str]] = {
    "a swallowed cache": (lambda r: forward_with(r.model, drop_cache), "own loop, which records"),
    "a row that leaks": (
        lambda r: add_hook(r.model.model.layers[2], leak),
        "attach, one row exits",
    ),
    "a wrong layer list": (reversed_layers, "hidden states at every layer"),
    "a shifted state": (shifted_state, "hidden states at every layer"),
    "a hook that never fires": (compiled_past_its_hook, "hidden states at every layer"),
    "a template that never thinks": (no_thinking_template, "chat template and thinking"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, reasoner: Reasoner) -> None:
    plant, name = FAULTS[fault]
    planted = plant(reasoner)
    with planted if hasattr(planted, "__enter__") else contextmanager(lambda: iter([None]))():
        found = findings(reasoner)
    assert found[name].status is not Status.HAS, as_table(list(found.values()))
    with pytest.raises(ValueError, match=name):
        refuse_wrong(list(found.values()))


def test_an_ignored_mask_is_said_and_read_around(reasoner: Reasoner) -> None:
    """Padding is then read as text: rows run one at a time, and whoever attaches is told."""
    with forward_with(reasoner.model, drop_mask):
        found = findings(reasoner)
    assert "prompts run one at a time" in found["own loop, which records"].detail
    assert "use batches of one" in found["attach, never exiting"].detail


def test_ignored_positions_are_read_around(reasoner: Reasoner) -> None:
    """Rotary positions are relative, so only branches on a shared prefix need them told."""
    with forward_with(reasoner.model, drop_positions):
        found = findings(reasoner)
    assert "a copy of the row at each cue" in found["forced exits, recorded together"].detail


def test_a_closing_text_that_ends_the_sequence(reasoner: Reasoner) -> None:
    assert findings(replace(reasoner, closing="<|im_end|>"))["closing text"].wrong


def test_a_fork_that_is_no_copy(reasoner: Reasoner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "copied_rows", lambda cache, rows: cache)
    found = findings(reasoner)
    assert found["trial answers"].status is not Status.HAS


def test_an_order_that_is_not_obeyed(reasoner: Reasoner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Obedience, "__call__", lambda _, scores, rows, orders: scores)
    assert findings(reasoner)["attach, one row exits"].wrong


def test_a_controller_that_touches_what_it_should_not(
    reasoner: Reasoner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Obedience, "__call__", lambda _, scores, rows, orders: scores.roll(1, dims=-1)
    )
    assert findings(reasoner)["attach, never exiting"].wrong


def test_layer_exits_or_the_reason_why_not(reasoner: Reasoner) -> None:
    assert findings(reasoner)["layer exits"].status is Status.HAS
    reasoner.model.config.num_kv_shared_layers = 2
    refused = findings(reasoner)["layer exits"]
    assert refused.status is Status.HAS_NOT
    assert "KV sharing" in refused.detail
