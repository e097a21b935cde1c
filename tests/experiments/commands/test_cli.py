"""The command line: what others script, and what a user who errs is told."""

import errno
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pyarrow.parquet as pq
import pytest

from probexit.exits.controller import ExitController
from probexit.experiments import reasoner
from probexit.experiments.commands.cli import COMMANDS, main
from probexit.experiments.commands.deployed import add_deployed, model_source
from probexit.experiments.commands.run import departures
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.recording.run import Run
from probexit.experiments.registry import members
from probexit.hooks.loading import Loading
from probexit.hooks.think_tags import ThinkTags

Call = Callable[..., tuple[int, str, str]]
NAMES = sorted(members(COMMANDS))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """``call("fit", folder, "--probe", "mlp")``: the exit code, and the two outputs."""

    def run(*arguments: Any) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refused(call: Call) -> Callable[..., str]:
    """``refused(...)``: the one line that a user is told; progress bars aside."""

    def run(*arguments: Any) -> str:
        code, _, err = call(*arguments)
        lines = err.splitlines()
        told = [line for line in lines if line.startswith(f"probexit {arguments[0]}: ")]
        assert code == 2
        assert len(told) == 1
        assert lines[-1] == told[0]
        assert "Traceback" not in err
        return told[0]

    return run


@pytest.fixture(scope="module")
def calibrated(fitted_folder: Path) -> Path:
    """The shared run, fitted and calibrated at a risk that so few problems can certify."""
    assert main(["calibrate", str(fitted_folder), "--alpha", ".4", "--delta", ".3"]) == 0
    return fitted_folder


RECORD = ("record", "--task", "arith:easy", "--n", "2", "--answer-tokens", "4")
TINY = ("--max-new-tokens", "60")


def test_from_a_recording_to_a_live_run(calibrated: Path, call: Call, tmp_path: Path) -> None:
    fit = json.loads((calibrated / "fit" / "fit.json").read_text())
    assert fit["signal"]["config"]["at"] == [5, 6]
    assert 0 <= json.loads((calibrated / "fit" / "quality.json").read_text())["auroc"]["low"] <= 1
    controller = ExitController.load(calibrated / "controller")
    assert controller.certificate["alpha"] == 0.4
    assert controller.certificate["problems"] == len(splits_of(Run(calibrated)).calibrate)
    assert controller.policy.threshold < 1  # certified, so that it does exit
    out = tmp_path / "live"
    arguments = ("run", "--controller", calibrated / "controller", "--task", "arith", "--out", out)
    code, text, _ = call(*arguments, "--n", 4)
    assert code == 0
    assert "4 problems, live" in text
    assert "note:" not in text  # as recorded: the promise holds
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert len(lines) == 4
    assert any(line["exited"] for line in lines)
    assert json.loads((out / "summary.json").read_text())["problems"] == 4
    assert call(*arguments, "--n", 5)[0] == 0  # goes on
    assert len((out / "results.jsonl").read_text().splitlines()) == 5
    code, _, err = call(*arguments, "--n", 6, "--plain")
    assert (code, "holds results with controller" in err) == (2, True)


def test_fit_chooses_layers_by_itself(calibrated: Path, call: Call, tmp_path: Path) -> None:
    copytree(calibrated, tmp_path / "run")
    code, out, _ = call("fit", tmp_path / "run", "--probe", "mean-difference")
    assert code == 0
    assert "<- best" in out
    assert "AUROC within problem" in out
    assert json.loads((tmp_path / "run/fit/fit.json").read_text())["probe"] == "mean-difference"
    assert call("calibrate", tmp_path / "run", "--alpha", ".01")[0] == 0
    assert ExitController.load(tmp_path / "run/controller").policy.threshold == float("inf")


@pytest.mark.parametrize("name", sorted(members("probexit.calibration")))
def test_every_calibrator_by_its_name(name: str, calibrated: Path, call: Call) -> None:
    """It writes a controller, or says in a line why it cannot."""
    code, out, err = call("calibrate", calibrated, "--calibrator", name, "--alpha", ".4")
    assert code in (0, 2)
    assert ("Controller written" in out) == (code == 0)
    assert len(err.splitlines()) == code // 2


@pytest.mark.parametrize("name", sorted(members("probexit.experiments.risk_control.losses")))
def test_every_loss_by_its_name(name: str, calibrated: Path, call: Call) -> None:
    assert call("calibrate", calibrated, "--loss", name)[0] == 0
    controller = ExitController.load(calibrated / "controller")
    assert controller.certificate["loss"] == name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "aritth"), "unknown task 'aritth' (did you mean 'arith'?): choose one of"),
        (("--task", "arith:hardest"), "no variant 'hardest': choose one of easy, default, hard"),
        (("--task", "gsm8k", "--data", "nowhere.jsonl"), "cannot read nowhere.jsonl: No such file"),
        (("--cues", "reflexion"), "unknown cue set 'reflexion' (did you mean 'reflection'?)"),
        (("--cues", "paragraph+nope"), "unknown cue set 'nope'"),
        (("--n", "0"), "--n 0 and --shard-size 256 must be at least 1"),
        (("--answer-tokens", "0"), "--answer-tokens 0 must be at least 1"),
        (("--model", "/nowhere/at/all"), "there is no model folder '/nowhere/at/all'"),
        (("--layers", "3,9"), "layers [9]: this model has 0 to 5, and 6 = final norm"),
        (("--layers", "three"), "'three' is not a list of integers"),
        (("--temperature", "-1"), "temperature=-1.0 must be >= 0"),
        (("--dtype", "float99"), "unknown dtype 'float99': use auto, float32"),
        (("--think-open", "<t>"), "give both --think-open and --think-close"),
    ],
)
def test_mistakes_in_recording(
    arguments: tuple[str, ...], message: str, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert message in refused(*RECORD, *TINY, "--out", tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()


def test_a_malformed_line_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    good = json.dumps({"question": "1+1?", "answer": "2"})
    file.write_text(f'{good}\n{good.replace("1+1", "1+2")}\n{{"question": "half a li\n')
    told = refused(*RECORD, "--task", "jsonl", "--data", file, "--out", tmp_path / "run")
    assert f"{file}:3: not JSON" in told
    file.write_text(f'{good}\n{{"question": "no answer"}}\n')
    told = refused(*RECORD, "--task", "jsonl", "--data", file, "--out", tmp_path / "run")
    assert f"{file}:2: no 'answer' field" in told


@pytest.fixture
def broken_model(tmp_path: Path) -> Path:
    """A copy of the shipped checkpoint, to be spoiled."""
    return Path(copytree(reasoner.path(), tmp_path / "model"))


def test_a_model_without_a_chat_template(
    broken_model: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    (broken_model / "chat_template.jinja").unlink()
    told = refused(*RECORD, "--model", broken_model, "--out", tmp_path / "run")
    assert "has no chat template: add a chat_template.jinja to its folder" in told


def test_a_damaged_checkpoint(
    broken_model: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    weights = broken_model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    told = refused(*RECORD, "--model", broken_model, "--out", tmp_path / "run")
    assert "cannot load the model" in told


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("fit", "NOWHERE"), "is not a run: make one with `probexit record`"),
        (("fit", "RUN", "--probe", "logistik"), "unknown probe 'logistik' (did you mean"),
        (("fit", "RUN", "--target", "rigth"), "unknown target 'rigth'"),
        (("fit", "RUN", "--layers", "12"), "layers [12] were not recorded: choose among [0, 1"),
        (("calibrate", "NOWHERE"), "has no fitted probe: run `probexit fit"),
        (("calibrate", "RUN", "--calibrator", "magic"), "unknown calibrator 'magic'"),
        (("calibrate", "RUN", "--loss", "lost"), "unknown loss 'lost'"),
        (("calibrate", "RUN", "--alpha", "2"), "alpha must lie strictly between 0 and 1, got 2.0"),
    ],
)
def test_mistakes_behind_a_recording(
    command: tuple[str, ...],
    message: str,
    refused: Callable[..., str],
    calibrated: Path,
    tmp_path: Path,
) -> None:
    places = {"RUN": calibrated, "NOWHERE": tmp_path / "nowhere"}
    assert message in refused(*(places.get(word, word) for word in command))


def test_mistakes_in_a_live_run(
    calibrated: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    controller = ExitController.load(calibrated / "controller").with_threshold(0.5)
    assert controller.model is not None
    start = ("run", "--task", "arith", "--n", "1", "--out", tmp_path / "out", "--controller")
    assert "holds no controller.json" in refused(*start, tmp_path)
    other = replace(controller, model=replace(controller.model, width=999))
    other.save(tmp_path / "other")
    assert "(width 999), not for" in refused(*start, tmp_path / "other")
    signal = replace(controller.signal, at=(5,))  # one layer for a probe that reads two
    replace(controller, signal=signal, model=None).save(tmp_path / "narrow")
    assert "was fitted on width" in refused(*start, tmp_path / "narrow")
    replace(controller, certificate={}).save(tmp_path / "bare")
    assert "give --model" in refused(*start, tmp_path / "bare")
    folder = calibrated / "controller"
    assert "--n 0 must be at least 1" in refused(*start, folder, "--n", "0")


def test_a_full_disk(
    refused: Callable[..., str], call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (*RECORD, *TINY, "--shard-size", "1", "--layers", "6", "--out", tmp_path / "run")
    original, calls = pq.write_table, []

    def fill(table: Any, file: Path) -> None:
        calls.append(file)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        original(table, file)

    monkeypatch.setattr(pq, "write_table", fill)
    assert "No space left on device" in refused(*command)
    (kept,) = Run(tmp_path / "run").traces()
    assert call(*command)[0] == 0
    traces = Run(tmp_path / "run").traces()
    assert traces[0].problem == kept.problem
    assert len({t.problem for t in traces}) == 2
    assert "with seed = 0, not 5: choose another --out" in refused(*command, "--seed", "5")


def test_interruption(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    command = members(COMMANDS)["list"]
    monkeypatch.setattr(command, "run", interrupt)
    assert call("list") == (130, "", "\ninterrupted; run the same command again to resume\n")


@pytest.mark.parametrize("name", NAMES)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    text = capsys.readouterr().out
    assert stopped.value.code == 0
    assert f"usage: probexit {name}" in text
    first = (members(COMMANDS)[name].__doc__ or "").split()[:3]
    assert " ".join(first) in text


def test_help_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert set(NAMES) <= {line.split()[0] for line in text.splitlines() if line.strip()}
    with pytest.raises(SystemExit) as stopped:
        main(["recrod"])
    assert stopped.value.code == 2


def test_list(call: Call) -> None:
    code, out, _ = call("list")
    assert code == 0
    for word in ("reflection", "logistic", "learn_then_test", "arith", "lost_correct"):
        assert word in out
    code, out, _ = call("list", "losses")
    assert "lost_correct" in out
    assert "logistic" not in out
    assert call("list", "nonsense")[0] == 2


@pytest.mark.parametrize(
    "code",
    ["import probexit", "from probexit.experiments.commands.cli import build_parser as b; b()"],
)
def test_starting_is_quick(code: str) -> None:
    """Neither the package nor the help waits for torch."""
    heavy = ["torch", "transformers", "sklearn", "scipy", "matplotlib", "pyarrow"]
    program = (
        f"{code}; import sys, time; print(time.process_time()); "
        f"print(*(m for m in {heavy} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    seconds, *loaded = done.stdout.split()
    assert loaded == []
    assert float(seconds) < 1.0


def test_departures_from_the_promise(calibrated: Path) -> None:
    from probexit.exits.engines.decoding import Decoding

    promise = ExitController.load(calibrated / "controller").certificate
    recorded = Decoding(**promise["decoding"])
    assert departures(promise, "arith", recorded) == []
    assert departures(promise, "spell", replace(recorded, temperature=0.7)) == [
        "task is spell, was arith",
        "temperature is 0.7, was 0.0",
    ]


def test_a_live_run_loads_what_was_recorded(calibrated: Path) -> None:
    """Its revision, its closing text and its tags, whatever the tokenizer says."""
    recorded = ExitController.load(calibrated / "controller")
    tags = ThinkTags("[A]", "[B]")
    certificate = recorded.certificate | {"model": "hub/name", "revision": "abc"}
    odd = replace(recorded, tags=tags, closing="!", certificate=certificate)
    parser = ArgumentParser()
    add_deployed(parser)
    args = parser.parse_args(["--controller", "C", "--task", "arith", "--n", "1"])
    source = model_source(args, odd)
    assert (source.name, source.revision) == ("hub/name", "abc")
    assert source.loading == Loading("float32")
    before = certificate | {"dtype": "bfloat16", "loading": {"quantization": "bnb-4bit"}}
    again = model_source(args, replace(odd, certificate=before)).loading
    assert again == Loading("bfloat16", quantization="bnb-4bit")
    assert (source.tags, source.closing) == (tags, "!")
    args.model = "other"
    assert (model_source(args, odd).name, model_source(args, odd).revision) == ("other", "")
