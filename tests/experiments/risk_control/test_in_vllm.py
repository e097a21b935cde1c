"""Who watches a controller inside vLLM, as the environment says."""

from pathlib import Path

import pytest

from probexit.experiments.risk_control import in_vllm


def test_answers_are_compared_by_the_tasks_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole texts, if no task is named: then a rephrased answer is another one."""
    full, forced = "Adding both gives 1,080. So \\boxed{1080}.", "The final answer is \\boxed{1080}"
    monkeypatch.delenv("PROBEXIT_TASK", raising=False)
    assert not in_vllm.oversight().same(full, forced)
    monkeypatch.setenv("PROBEXIT_TASK", "math500")
    assert in_vllm.oversight().same(full, forced)
    assert not in_vllm.oversight().same(full, "The final answer is \\boxed{1081}")


def test_a_run_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROBEXIT_RUN", raising=False)
    assert in_vllm.oversight().alarm is None
    monkeypatch.setenv("PROBEXIT_RUN", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="there is no such run"):
        in_vllm.oversight()


def test_without_a_controller_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point is called in every process of every vLLM on the machine."""
    monkeypatch.delenv("PROBEXIT_CONTROLLER", raising=False)
    in_vllm.register()
    monkeypatch.setenv("PROBEXIT_CONTROLLER", "somewhere")
    with pytest.raises(ValueError, match=r"works inside vLLM 0\.32\.\*, and this is"):
        in_vllm.register()
