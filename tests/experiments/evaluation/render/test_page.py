import json
from dataclasses import replace
from itertools import pairwise

import pytest

from probexit.experiments.commands.cli import main
from probexit.experiments.depth.presets import PRESETS
from probexit.experiments.evaluation.choice import all_methods
from probexit.experiments.evaluation.render.page import Chapter, about, cell, literal, page, ranks
from probexit.experiments.methods.hidden_states.probe import ProbePreset

MANIFEST = {
    "model": "shipped",
    "revision": "",
    "task": "arith:hard",
    "data": "",
    "cues": "reflection",
    "layers": [1],
    "closing": "",
    "tags": {"open": "<a>", "close": "</a>", "mute": ["b", "c"]},
    "decoding": {"temperature": 0.6},
    "answer_tokens": 8,
    "shard_size": 10,
    "tokenizer": "",
    "fingerprint": {"name": "", "layers": 1, "width": 2, "weights": "0", "base": "", "kind": ""},
    "seed": 0,
    "versions": {},
}


@pytest.fixture
def written(compared, tmp_path):
    """The page of two runs, one with a figure, made by the command."""
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "frontier").mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps(MANIFEST))
        (folder / "compare.json").write_text(compared.to_json())
    (tmp_path / "one" / "frontier" / "frontier.png").write_bytes(b"a picture")
    out = tmp_path / "docs" / "methods.md"
    assert main(["page", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(out)]) == 0
    return out


def test_every_method_found_by_walking_is_on_the_page(written):
    text = written.read_text()
    for name, method in all_methods().items():
        assert f"| {cell(method.title)} | `{name}` |" in text
        assert f"- **{method.title}** (`{name}`): {about(method)}" in text


def test_every_row_of_every_run_is_on_the_page(written, compared):
    text = written.read_text()
    for row in compared.rows:
        assert text.count(f"\n| {row.name} | ") >= 2
    assert "## one: shipped, arith:hard, T = 0.6, cues: reflection" in text
    assert text.count("### What the published thresholds cost here") == 2


def test_what_was_not_measured_is_named(written, compared):
    (line,) = (x for x in written.read_text().splitlines() if x.startswith("Not measured"))
    measured = {row.method for row in compared.rows}
    titles = [m.title for name, m in all_methods().items() if name not in measured]
    assert line.endswith(f": {literal(', '.join(titles))}.")
    assert "NoWait" in titles
    assert "full run" not in titles


def test_tables_are_tables(written):
    """Each row of a table has as many cells as its heading, and no blank line cuts it."""
    lines = written.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("|---"):
            assert lines[number - 1].count("|") == line.count("|")
            assert lines[number + 1].startswith("| ")
        if line.startswith("| ") and lines[number + 1].startswith("| "):
            assert line.replace("\\|", "").count("|") == lines[number + 1].replace("\\|", "").count(
                "|"
            )
    assert not any(a == b == "" for a, b in pairwise(lines))


def test_figures_are_linked_where_they_lie_beside(written):
    text = written.read_text()
    assert text.count("![Accuracy") == 1
    assert "](figures/one-frontier.png)" in text
    assert (written.parent / "figures" / "one-frontier.png").read_bytes() == b"a picture"


def test_ranks_of_several_runs(compared):
    """ "a" is first and second, "b" second and first, "c" third and absent."""

    def chapter(**savings):
        base = compared.row("probe", "certified 2 %")
        none = replace(base.measures.risk, estimate=0.0, low=0.0, high=0.01)
        rows = []
        for name, saved in savings.items():
            interval = replace(base.measures.saved_total, estimate=saved)
            measures = replace(base.measures, saved_total=interval, risk=none)
            rows.append(replace(base, method=name, title=name, measures=measures))
        return Chapter("", "", replace(compared, rows=tuple(rows)))

    found = ranks([chapter(a=0.4, b=0.3, c=0.2, d=-0.1), chapter(a=0.1, b=0.5)])
    assert found == [
        ("a", ["1: 40 %", "2: 10 %"]),
        ("b", ["2: 30 %", "1: 50 %"]),
        ("c", ["3: 20 %", "-"]),
    ]


def test_what_is_skipped_and_what_is_live_is_said(compared):
    row = replace(compared.rows[0], live=True)
    found = replace(compared, rows=(row,), skipped={"LYNX": "it needs wrong cues"})
    text = page([Chapter("run", "there", found)], {"probe": ProbePreset()}, "probexit page run")
    assert "LYNX was left out, since it needs wrong cues." in text
    assert "| full run\\* |" in text
    assert "generated anew on the same problems" in text
    assert "Who wins where" not in text  # a single run needs no table across runs


def test_cells_are_escaped():
    assert cell("a | b") == "a \\| b"


def test_a_run_that_was_not_compared(tmp_path, capsys):
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert main(["page", str(tmp_path), "--out", str(tmp_path / "page.md")]) == 2
    assert "was not compared yet: run `probexit compare" in capsys.readouterr().err


def test_names_are_shown_and_do_nothing_else():
    assert literal("arith:hard") == "arith:hard"
    assert literal("<script>|x|\n# y") == "&lt;script>\\|x\\| \\# y"
    assert literal("[a](b) `c` *d* _e_") == "\\[a\\](b) \\`c\\` \\*d\\* \\_e\\_"


def test_layer_exits_stand_on_the_same_page(compared, tmp_path):
    """Their table as it was measured, what each rule is, and what the live loops came to."""
    run, depth = tmp_path / "one", tmp_path / "deep"
    for folder in (run, depth):
        folder.mkdir()
    (run / "manifest.json").write_text(json.dumps(MANIFEST))
    (run / "compare.json").write_text(compared.to_json())
    batch = {"task": "arith", "agreement": 0.97, "saved": 0.25}
    kept = {"fixed": False, "retuned": [1, 4], "batches": [batch, batch]}
    (depth / "adapt.json").write_text(json.dumps(kept))
    (depth / "comparison.md").write_text("| method | layers run |\n|---|---|\n| free | 3.46 |\n")
    out = tmp_path / "methods.md"
    assert main(["page", str(run), "--depth", str(depth), "--out", str(out)]) == 0
    text = out.read_text()
    assert "probexit page one --depth deep --out methods.md" in text
    assert "| free | 3.46 |" in text
    assert "live (tuned 2 times)" in text
    assert "97.0% of the released tokens are the full model's, 25.0% of the latency saved" in text
    assert all(f"\n| {name} | " in text for name in PRESETS)
    test_tables_are_tables(out)
    assert main(["page", str(run), "--depth", str(run), "--out", str(out)]) == 2


def test_what_certifying_took_is_a_column(compared, tmp_path):
    rows = tuple(replace(row, calibration=4321) for row in compared.rows)
    text = page([Chapter("one", "", replace(compared, rows=rows))], {}, "")
    assert text.count("| 4,321 |") == len(rows)
    assert "| certified with, tokens |" in text
