"""The completion script knows what the parser knows; bars are quiet where nobody looks."""

import subprocess
import sys
from shutil import which

import pytest

from probexit.experiments.commands.cli import COMMANDS, main
from probexit.experiments.commands.completion import SHELLS
from probexit.experiments.registry import members


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_completed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [name for name in members(COMMANDS) if name not in script] == []
    assert "--probe" in script or shell == "tcsh"  # which knows commands only


@pytest.mark.skipif(which("bash") is None, reason="bash is not here")
def test_bash_completes_a_command_and_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    ask = (
        '{}\n_ask() {{ COMP_WORDS=(probexit "$@"); COMP_CWORD=$#; _shtab_probexit; '
        'echo "${{COMPREPLY[@]}}"; }}\n_ask recal\n_ask fit --prob\n'
    )
    script = ask.format(capsys.readouterr().out)
    told = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["recalibrate", "--probe"]


@pytest.mark.parametrize(("asked", "drawn"), [({}, False), ({"TQDM_DISABLE": ""}, True)])
def test_bars_are_quiet_where_there_is_no_terminal(asked: dict[str, str], drawn: bool) -> None:
    code = (
        "import probexit.experiments.commands.cli; from tqdm.auto import tqdm; "
        "[0 for _ in tqdm(range(3), 'record')]"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=asked,
    )
    assert ("record" in done.stderr and "left" in done.stderr) == drawn
