"""The verbs, as a newcomer types them."""

import json
from itertools import islice
from pathlib import Path

import pytest
import torch

import probexit as px
from probexit.exits.engines.decoding import Decoding
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Reasoner

OWN = [(item.question, item.gold) for item in islice(task("arith").items(), 40)]
GREEDY = px.Recording(decoding=Decoding(temperature=0, max_new_tokens=320), shard_size=30)


@pytest.fixture(scope="module")
def run(shipped: Reasoner, tmp_path_factory: pytest.TempPathFactory) -> px.Run:
    """Questions of one's own, recorded."""
    return px.record(shipped, OWN, tmp_path_factory.mktemp("verbs") / "own", recording=GREEDY)


def test_the_names_are_shown() -> None:
    assert {"load", "record", "capture_at_cues", "fit", "certify", "attach", "report"} <= set(
        dir(px)
    )


def test_own_questions_to_an_attached_controller(
    run: px.Run, shipped: Reasoner, capsys: pytest.CaptureFixture[str]
) -> None:
    """From pairs of question and answer to a certified controller at work."""
    assert len(run.traces()) == len(OWN)
    fitted = px.fit(run, layers=(5, 6))
    controller = px.certify(run, alpha=0.4, delta=0.3)
    assert (run.folder / "controller" / "controller.json").is_file()
    assert controller.certificate["statement"]
    with px.attach(shipped, controller) as attached:
        text = shipped.ask(OWN[0][0], max_new_tokens=320)
    assert "</think>" in text
    assert len(attached.rows) == 1
    assert attached.to_frame().left.tolist() == [attached.rows[0].exit is not None]
    assert len(run.to_frame()) == len(OWN)
    for shown in (run, fitted, controller, attached):
        assert "tensor(" not in repr(shown)
        assert " object at 0x" not in repr(shown)
        assert shown._repr_html_().startswith("<table")
    assert px.ExitController.load(run.folder / "controller") == controller
    capsys.readouterr()


def test_a_run_goes_on(run: px.Run, shipped: Reasoner) -> None:
    """What is recorded is not recorded again; other questions in one folder are refused."""
    before = (run.shards / "shard-00000.parquet").stat().st_mtime_ns
    px.record(shipped, OWN, run.folder, recording=GREEDY)
    assert (run.shards / "shard-00000.parquet").stat().st_mtime_ns == before
    with pytest.raises(ValueError, match="other problems"):
        px.record(shipped, [*OWN[1:], OWN[0]], run.folder, recording=GREEDY)


def test_states_at_the_cues_of_own_prompts(shipped: Reasoner) -> None:
    cues = px.capture_at_cues(shipped, [OWN[i][0] for i in (0, 25, 31)], layers=(4, 6))
    assert cues.hidden.shape == (len(cues), 2, 192)
    assert set(cues.groups.tolist()) <= {0, 1, 2}
    assert len(cues.texts) == 3
    assert "texts   3" in repr(cues)
    frame = cues.to_frame()
    assert list(frame) == ["prompt", "position"]
    assert len(frame) == len(cues)


def test_they_are_the_states_that_are_recorded(run: px.Run, shipped: Reasoner) -> None:
    trace = run.traces()[3]
    how = Decoding(temperature=0, max_new_tokens=320)
    cues = px.capture_at_cues(shipped, [OWN[3][0]], decoding=how)
    count = len(trace.cues)
    assert cues.positions.tolist()[:count] == trace.cues.positions.tolist()
    torch.testing.assert_close(cues.hidden[:count], trace.cues.hidden.float(), rtol=0.02, atol=0.05)


@pytest.mark.parametrize(
    ("problems", "n", "message"),
    [([], None, "no problems"), ("arith", None, "say how many"), ("arith", 0, "at least 1")],
)
def test_what_cannot_be_recorded(
    shipped: Reasoner, tmp_path: Path, problems: object, n: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        px.record(shipped, problems, tmp_path / "run", n)  # type: ignore[arg-type]


def test_cues_that_never_match_are_said(shipped: Reasoner) -> None:
    with pytest.raises(ValueError, match="cue"):
        px.capture_at_cues(shipped, [OWN[0][0]], cues="explicit")


def test_the_questions_are_kept_with_the_run(run: px.Run) -> None:
    lines = (run.folder / "problems.jsonl").read_text().splitlines()
    assert json.loads(lines[7]) == {"question": OWN[7][0], "answer": OWN[7][1]}
