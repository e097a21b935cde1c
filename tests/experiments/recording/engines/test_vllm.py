"""Rollouts by vLLM: the recording is the own loop's where decoding is greedy."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.trace import Trace
from probexit.experiments.recording.engines import vllm as rollouts
from probexit.experiments.recording.engines.vllm import Vllm
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.loading import Loading
from probexit.hooks.models import Reasoner

needs_vllm = pytest.mark.skipif(
    find_spec("vllm") is None, reason="no vLLM here: run `make test-vllm`"
)
OPTIONS = {"max_model_len": 600, "enforce_eager": True, "max_num_seqs": 4}
GREEDY, SAMPLED = Decoding(160, 0.0), Decoding(160, 1.0, seed=3)


@pytest.fixture(scope="module")
def llm(shipped: Reasoner) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        patch.delenv("PROBEXIT_CONTROLLER", raising=False)
        yield Vllm(shipped, GREEDY, OPTIONS).llm


@pytest.fixture
def traces(
    shipped: Reasoner, llm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Trace]]:
    """``traces(decoding, size, vllm)``: six problems, recorded by vLLM or by the own loop."""
    monkeypatch.delenv("PROBEXIT_CONTROLLER", raising=False)
    short = replace(shipped, answer_tokens=4)

    def record(decoding: Decoding, size: int = 6, vllm: bool = True) -> list[Trace]:
        engine = Vllm(short, decoding, OPTIONS) if vllm else None
        if engine is not None:
            engine.__dict__["llm"] = llm  # started once for all tests
        run = Run(tmp_path / f"{decoding.seed}-{size}-{vllm}")
        recorder = Recorder(short, task("arith:easy"), Reflection(), (2, 6), decoding, 0)
        replace(recorder, engine=engine).record(run, 6, size)
        return run.traces()

    return record


@needs_vllm
def test_greedy_recordings_are_the_own_loops(traces: Callable[..., list[Trace]]) -> None:
    pairs = zip(traces(GREEDY), traces(GREEDY, vllm=False), strict=True)
    for mine, loop in pairs:
        assert mine.token_ids.tolist() == loop.token_ids.tolist()
        assert mine.finished == loop.finished
        assert mine.cues.positions.tolist() == loop.cues.positions.tolist()
        assert mine.cues.answers == loop.cues.answers
        torch.testing.assert_close(mine.logprobs, loop.logprobs, atol=1e-3, rtol=0)
        torch.testing.assert_close(mine.cues.hidden, loop.cues.hidden, atol=0.05, rtol=0.02)


@needs_vllm
def test_a_sampled_rollout_follows_from_its_key(traces: Callable[..., list[Trace]]) -> None:
    whole, parts = traces(SAMPLED), traces(SAMPLED, size=2)
    assert [t.token_ids.tolist() for t in whole] == [t.token_ids.tolist() for t in parts]
    other = traces(replace(SAMPLED, seed=4))
    assert [t.token_ids.tolist() for t in whole] != [t.token_ids.tolist() for t in other]


@needs_vllm
def test_other_weights_are_noticed(
    traces: Callable[..., list[Trace]], shipped: Reasoner, monkeypatch: pytest.MonkeyPatch
) -> None:
    norm = shipped.model.model.norm.weight
    monkeypatch.setattr(norm, "data", norm.data * 0.3)  # surer of nothing
    with pytest.raises(ValueError, match="does not run the same weights"):
        traces(GREEDY)


@needs_vllm
def test_a_text_too_long_for_vllm_is_refused(traces: Callable[..., list[Trace]]) -> None:
    with pytest.raises(ValueError, match=r"--engine-arg max_model_len=\d+"):
        traces(replace(GREEDY, max_new_tokens=600))


def test_only_what_changes_the_text_is_recorded(
    shipped: Reasoner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROBEXIT_CONTROLLER", raising=False)
    engine = Vllm(shipped, GREEDY, OPTIONS | {"kv_cache_dtype": "fp8"})
    assert engine.recorded() == {"kv_cache_dtype": "fp8"}


@pytest.mark.parametrize("how", [{"adapter": "some/lora"}, {"quantization": "bnb-4bit"}])
def test_what_vllm_would_load_otherwise_is_refused(
    shipped: Reasoner, how: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROBEXIT_CONTROLLER", raising=False)
    with pytest.raises(ValueError, match="--engine vllm does not load"):
        Vllm(replace(shipped, loading=Loading(**how)), GREEDY)


def test_exits_in_vllm_are_no_recording(shipped: Reasoner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBEXIT_CONTROLLER", "some/folder")
    with pytest.raises(ValueError, match="unset it"):
        Vllm(shipped, GREEDY)


def test_log_probabilities_of_another_model_are_seen() -> None:
    one = SimpleNamespace(token_ids=[4], logprobs=[{4: SimpleNamespace(logprob=-1.0)}])
    rollouts._refuse_other([one], [[-1.02]])
    with pytest.raises(ValueError, match=r"0\.50 nats"):
        rollouts._refuse_other([one], [[-1.5]])
