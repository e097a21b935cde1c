"""``compare``, ``frontier`` and ``transfer`` on a small recorded run, as they are typed."""

import json
from dataclasses import asdict, replace
from shutil import copytree

import pytest

from probexit.experiments.commands.cli import main
from probexit.experiments.commands.compare import CompareCommand, levels
from probexit.experiments.evaluation.run_comparison import Levels
from probexit.experiments.fitting.fit import splits_of
from probexit.experiments.recording.run import Run


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


def test_an_unknown_method_is_one_line(fitted_folder, capsys):
    for command in ("compare", "frontier"):
        assert main([command, str(fitted_folder), "--methods", "lnyx"]) == 2
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert "unknown method 'lnyx' (did you mean 'lynx'?)" in told


def test_compare_chosen_methods(fitted_folder, capsys):
    assert main(["compare", str(fitted_folder), "--methods", "fixed_budget", "--alpha", ".3"]) == 0
    rows = json.loads((fitted_folder / "compare.json").read_text())["rows"]
    names = list(dict.fromkeys(row["method"] for row in rows))
    assert names == ["full_run", "fixed_budget", "probe", "oracle"]
    assert {row["label"] for row in rows if row["method"] == "probe"} >= {"certified 30 %"}
    assert "fixed budget" in capsys.readouterr().out


def test_frontier(fitted_folder):
    assert main(["frontier", str(fitted_folder), "--methods", "fixed_budget,random_exit"]) == 0
    folder = fitted_folder / "frontier"
    assert {file.name for file in folder.iterdir()} == {
        *("frontier.png", "thinking.png", "frontier.csv", "frontier.json")
    }
    assert "fixed_budget,fixed budget,no signal,curve" in (folder / "frontier.csv").read_text()


def test_transfer_tests_on_no_problem_that_the_rule_has_seen(fitted_folder, capsys):
    away = fitted_folder.parent / "away"
    copytree(fitted_folder, away, dirs_exist_ok=True)
    arguments = ["transfer", str(fitted_folder), str(away), "--alpha", ".3", "--recalibrate", "5"]
    assert main(arguments) == 0
    home, unchanged, again = json.loads((fitted_folder / "transfer" / "transfer.json").read_text())
    unseen = len(splits_of(Run(fitted_folder)).test)
    assert home["problems"] == unseen
    assert unchanged["problems"] == again["problems"] == unseen - 5
    assert (home["target"], unchanged["target"]) == ("run (home)", "away")
    assert (fitted_folder / "transfer" / "transfer.png").stat().st_size > 1000
    assert "arith, greedy" in (fitted_folder / "transfer" / "transfer.csv").read_text()
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
def test_another_rule_is_refused(fitted_folder, tmp_path, capsys, change, message):
    away = tmp_path / "away"
    away.mkdir()
    manifest = asdict(replace(Run(fitted_folder).manifest, **change))
    (away / "manifest.json").write_text(json.dumps(manifest))
    assert main(["transfer", str(fitted_folder), str(away)]) == 2
    assert message in capsys.readouterr().err


def test_impossible_numbers(fitted_folder, capsys):
    assert main(["transfer", str(fitted_folder), str(fitted_folder), "--alpha", "0"]) == 2
    assert "a risk of 0 is not between" in capsys.readouterr().err
    assert main(["transfer", str(fitted_folder), str(fitted_folder), "--recalibrate", "-1"]) == 2
    assert "--recalibrate -1: give 0 or more" in capsys.readouterr().err


def test_rules_certified_together_pay_for_each_other(fitted_folder, capsys):
    """Whoever takes the best of the table keeps the promise: each row has its share of delta."""
    choice = ["--methods", "fixed_budget,answer_consistency", "--alpha", ".4", "--delta", ".3"]
    thresholds, said = [], []
    for together in ([], ["--together"]):
        assert main(["compare", str(fitted_folder), *choice, *together]) == 0
        said.append(" ".join(capsys.readouterr().out.split()))
        rows = json.loads((fitted_folder / "compare.json").read_text())["rows"]
        labels = [row for row in rows if row["label"] == "certified 40 %"]
        thresholds.append({row["method"]: float(row["threshold"]) for row in labels})
    assert "whoever picks the best of the table has not that confidence" in said[0]
    assert "Each rule was certified at its share of the error" in said[1]
    alone, shared = thresholds
    assert all(shared[name] >= alone[name] for name in alone)
    assert shared != alone
