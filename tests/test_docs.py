"""The samples of the documentation run, its commands are taken, and its links lead somewhere."""

import re
import shlex
from pathlib import Path
from shutil import copytree

import pytest

from probexit.experiments.commands.cli import build_parser

ROOT = Path(__file__).parents[1]
WRITTEN = [page for page in (ROOT / "docs").rglob("*.md") if page.name != "commands.md"]
PAGES = sorted([*ROOT.glob("*.md"), *WRITTEN])
SAMPLED = [page for page in WRITTEN if "```python" in page.read_text("utf-8")]
LONG = ("own-rule.md", "tutorial.md")  # half a minute each: `make docs` runs them
MINE = "runs/mine"  # what the samples call the reader's own run


@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=pytest.mark.slow if p.name in LONG else ()) for p in SAMPLED],
    ids=lambda page: page.name,
)
def test_samples_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """One after the other, in one namespace, as a reader types them."""
    monkeypatch.chdir(tmp_path)
    if f'"{MINE}' in page.read_text("utf-8"):
        copytree(request.getfixturevalue("mine"), tmp_path / MINE)
    names: dict[str, object] = {}
    for sample in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        exec(compile(sample, str(page), "exec"), names)


def commands_of(text: str) -> list[str]:
    """The lines of a page that call the command line, inside blocks."""
    blocks = re.findall(r"```(?:bash)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("probexit ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_taken(page: Path) -> None:
    for command in commands_of(page.read_text("utf-8")):
        words = shlex.split(command, comments=True)
        build_parser().parse_args(words[1:])


def test_a_wrong_option_is_seen() -> None:
    (command,) = commands_of("```\nprobexit fit runs/mine --prob logistic --no-such\n```")
    with pytest.raises(SystemExit):
        build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text("utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[there](nowhere.md)")
    with pytest.raises(AssertionError):
        test_links_lead_somewhere(page)
