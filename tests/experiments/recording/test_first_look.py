"""After the first shard: a closing text that cannot be right stops the recording, with advice."""

from dataclasses import replace
from pathlib import Path

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.recording.first_look import usual_opening
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.cues.hesitation import Hesitation
from probexit.hooks.models import Reasoner


def recorder(reasoner: Reasoner) -> Recorder:
    return Recorder(reasoner, task("arith:easy"), Hesitation(), (6,), Decoding(320, 0.0))


def test_a_closing_text_that_cannot_be_right_stops_the_recording(
    shipped: Reasoner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = replace(shipped, closing="\n\nBy the way, I like", answer_tokens=4)
    run = Run(tmp_path)
    with pytest.raises(
        ValueError, match=r"closing text '.*I like' .*--close '\\n\\nThe answer is'"
    ):
        recorder(wrong).record(run, 80, 40)
    assert len(run.recorded(0)) == 40  # nothing recorded is lost
    assert len(run.recorded(1)) == 0
    assert "forced at the last cue" in capsys.readouterr().err


def test_the_right_one_goes_on(
    shipped: Reasoner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder(replace(shipped, answer_tokens=4)).record(Run(tmp_path), 40, 40)
    said = capsys.readouterr().err
    assert "forced at the first cue" in said
    assert "full run, same problems" in said


@pytest.mark.parametrize(
    ("texts", "opening"),
    [
        (["\n\nThe answer is 7.", "\n\nThe answer is 12.", "Hm"], "\n\nThe answer is"),
        (
            ["\n\n**Final Answer**\n\\boxed{3}", "\n\n**Final Answer**\n\\boxed{14}"],
            "\n\n**Final Answer**\n\\boxed{",
        ),
        (["The total", "The tot"], "The"),
        (["a", "b", "c"], ""),
        ([], ""),
    ],
)
def test_the_usual_opening_ends_where_answers_part(texts: list[str], opening: str) -> None:
    assert usual_opening(texts) == opening
