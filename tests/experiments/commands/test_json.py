"""``--json`` on every command: the result on standard output, all else beside it."""

import json
from pathlib import Path

import pytest

from probexit.experiments.commands.cli import COMMANDS, main
from probexit.experiments.registry import members

OPTIONS = {"--alpha": ".4"}


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> object:
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", sorted(members(COMMANDS)))
def test_every_command_takes_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    extra = ["fit"] if name == "depth" else []
    with pytest.raises(SystemExit):
        main([name, *extra, "--help"])
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (["fit", "RUN", "--layers", "5,6"], "quality"),
        (["calibrate", "RUN", "--alpha", ".4", "--delta", ".3"], "threshold"),
        (["compare", "RUN", "--methods", "fixed_budget", "--alpha", ".4"], "rows"),
        (["report", "RUN", "--methods", "fixed_budget", "--alpha", ".4"], "report"),
        (["plan", "--alpha", ".1"], "needs"),
        (["list", "probes"], "probes"),
    ],
)
def test_the_result_is_json(
    command: list[str], key: str, fitted_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = printed(capsys, *[str(fitted_folder) if part == "RUN" else part for part in command])
    assert isinstance(found, dict)
    assert key in found


def test_a_threshold_that_is_never_reached_is_a_word(
    fitted_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON has no infinity."""
    found = printed(
        capsys,
        "calibrate",
        str(fitted_folder),
        "--alpha",
        ".0001",
        "--out",
        str(fitted_folder / "never"),
    )
    assert isinstance(found, dict)
    assert found["threshold"] == "inf"


def test_an_unknown_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["calibrat", "x"])
    assert left.value.code == 2
    assert "unknown 'calibrat' (did you mean 'calibrate'?)" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["record", "depth fit"])
def test_an_unknown_option_is_guessed_before_others_are_missed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--modle", "x"])
    assert left.value.code == 2
    assert "unknown option '--modle' (did you mean '--model'?)" in capsys.readouterr().err


def test_defaults_stand_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["record", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "longest forced answer (default: 32)" in text
