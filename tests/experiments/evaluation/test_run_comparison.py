"""``compare``, ``frontier`` and ``transfer`` on a small recorded run, as they are typed."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from shutil import copytree

import pytest

from probexit.experiments.commands.cli import main
from probexit.experiments.commands.compare import CompareCommand, levels
from probexit.experiments.evaluation.run_comparison import Levels
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.recording.run import Run


@pytest.fixture(scope="module")
def fitted(greedy_run, tmp_path_factory) -> Path:
    """The shared run of 60 problems, with a probe."""
    folder = tmp_path_factory.mktemp("compared") / "home"
    copytree(greedy_run.folder, folder)
    assert main(["fit", str(folder), "--layers", "5,6"]) == 0
    return folder


def parsed(*arguments):
    from argparse import ArgumentParser

    parser = ArgumentParser()
    CompareCommand().configure(parser)
    return parser.parse_args(["run", *arguments])


def test_risks():
    assert levels(parsed()) == Levels(0.05, (0.02, 0.05, 0.1))
    assert levels(parsed("--alpha", ".1")) == Levels(0.1, (0.02, 0.05, 0.1))
    assert levels(parsed("--alphas", ".3,.1,.2")) == Levels(0.2, (0.1, 0.2, 0.3))
    assert parsed().methods == "core"
    with pytest.raises(ValueError, match="a risk of 5 is not between 0 and 1"):
        levels(parsed("--alpha", "5"))


def test_an_unknown_method_is_one_line(fitted, capsys):
    for command in ("compare", "frontier"):
        assert main([command, str(fitted), "--methods", "lnyx"]) == 2
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert "unknown method 'lnyx' (did you mean 'lynx'?)" in told


def test_compare_chosen_methods(fitted, capsys):
    assert main(["compare", str(fitted), "--methods", "fixed_budget", "--alpha", ".3"]) == 0
    rows = json.loads((fitted / "compare.json").read_text())["rows"]
    names = list(dict.fromkeys(row["method"] for row in rows))
    assert names == ["full_run", "fixed_budget", "probe", "oracle"]
    assert {row["label"] for row in rows if row["method"] == "probe"} >= {"certified 30 %"}
    assert "fixed budget" in capsys.readouterr().out


def test_frontier(fitted):
    assert main(["frontier", str(fitted), "--methods", "fixed_budget,random_exit"]) == 0
    folder = fitted / "frontier"
    assert {file.name for file in folder.iterdir()} == {
        *("frontier.png", "thinking.png", "frontier.csv", "frontier.json")
    }
    assert "fixed_budget,fixed budget,no signal,curve" in (folder / "frontier.csv").read_text()


def test_transfer_tests_on_no_problem_that_the_rule_has_seen(fitted, capsys):
    away = fitted.parent / "away"
    copytree(fitted, away, dirs_exist_ok=True)
    arguments = ["transfer", str(fitted), str(away), "--alpha", ".3", "--recalibrate", "5"]
    assert main(arguments) == 0
    home, unchanged, again = json.loads((fitted / "transfer" / "transfer.json").read_text())
    unseen = len(splits_of(Run(fitted)).test)
    assert home["problems"] == unseen
    assert unchanged["problems"] == again["problems"] == unseen - 5
    assert (home["target"], unchanged["target"]) == ("home (home)", "away")
    assert (fitted / "transfer" / "transfer.png").stat().st_size > 1000
    assert "arith, greedy" in (fitted / "transfer" / "transfer.csv").read_text()
    assert "re-calibrated" in capsys.readouterr().out


OTHER_MODEL = {"name": "", "layers": 6, "width": 192, "weights": "0", "base": "0", "kind": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cues": "paragraph"}, "was recorded with cues = 'paragraph'"),
        ({"closing": "!"}, "was recorded with closing = '!'"),
        ({"fingerprint": OTHER_MODEL}, "was recorded with another model (shipped)"),
        ({"layers": (0, 1)}, "layers [5, 6] were not recorded"),
    ],
)
def test_another_rule_is_refused(fitted, tmp_path, capsys, change, message):
    away = tmp_path / "away"
    away.mkdir()
    manifest = asdict(replace(Run(fitted).manifest, **change))
    (away / "manifest.json").write_text(json.dumps(manifest))
    assert main(["transfer", str(fitted), str(away)]) == 2
    assert message in capsys.readouterr().err


def test_impossible_numbers(fitted, capsys):
    assert main(["transfer", str(fitted), str(fitted), "--alpha", "0"]) == 2
    assert "a risk of 0 is not between" in capsys.readouterr().err
    assert main(["transfer", str(fitted), str(fitted), "--recalibrate", "-1"]) == 2
    assert "--recalibrate -1: give 0 or more" in capsys.readouterr().err


def test_rules_certified_together_pay_for_each_other(fitted, capsys):
    """Whoever takes the best of the table keeps the promise: each row has its share of delta."""
    choice = ["--methods", "fixed_budget,answer_consistency", "--alpha", ".4", "--delta", ".3"]
    thresholds, said = [], []
    for together in ([], ["--together"]):
        assert main(["compare", str(fitted), *choice, *together]) == 0
        said.append(" ".join(capsys.readouterr().out.split()))
        rows = json.loads((fitted / "compare.json").read_text())["rows"]
        labels = [row for row in rows if row["label"] == "certified 40 %"]
        thresholds.append({row["method"]: float(row["threshold"]) for row in labels})
    assert "whoever picks the best of the table has not that confidence" in said[0]
    assert "Each rule was certified at its share of the error" in said[1]
    alone, shared = thresholds
    assert all(shared[name] >= alone[name] for name in alone)
    assert shared != alone
