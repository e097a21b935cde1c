"""What every task must keep; the members are found by walking the family."""

import gzip
from itertools import islice
from pathlib import Path

import pytest

from probexit.experiments.recording.tasks.base import Item, Task, content_id
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.recording.tasks.file import FileTask
from probexit.experiments.registry import members

MEMBERS = members("probexit.experiments.recording.tasks")
NAMES = sorted(MEMBERS)
FILES = [name for name in NAMES if issubclass(MEMBERS[name], FileTask)]


def made(name: str, excerpts: Path) -> Task:
    """A file task reads the excerpt that is named after it; a new one has to bring its own."""
    return task(name, excerpts / f"{name}.jsonl" if name in FILES else None)


def problems(task: Task) -> list[Item]:
    return list(islice(task.items(), 40))


def test_the_walk_finds_the_tasks() -> None:
    assert {"arith", "spell", "coins", "gsm8k", "math500", "aime", "multiple_choice"} <= set(NAMES)
    assert not {"base", "file", "family", "maths"} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_problems_are_complete_and_their_ids_unique_and_stable(name: str, excerpts: Path) -> None:
    items = problems(made(name, excerpts))
    assert len(items) >= 3
    assert all(item.id and item.question.strip() and item.gold.strip() for item in items)
    assert len({item.id for item in items}) == len(items)
    assert problems(made(name, excerpts)) == items


@pytest.mark.parametrize("name", NAMES)
def test_gold_is_itself_and_nothing_else(name: str, excerpts: Path) -> None:
    task = made(name, excerpts)
    golds = [item.gold for item in problems(task)]
    assert all(task.same(gold, gold) for gold in golds)
    assert not any(task.same(gold, "") or task.same("", gold) for gold in golds)
    assert not task.same("", "")
    pairs = [(a, b) for a in golds[:8] for b in golds[:8]]
    assert all(task.same(a, b) == task.same(b, a) for a, b in pairs)
    assert not all(task.same(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "sentence",
    [
        "The answer is {}.",
        "Let me put it together.\n\nThe final answer is \\boxed{{{}}}.",
        "**Final Answer:** {}\n\nI am sure that the answer is right.",
        "All in all:\n#### {}",
        "<answer>{}</answer>",
    ],
)
def test_a_stated_answer_is_found(name: str, sentence: str, excerpts: Path) -> None:
    task = made(name, excerpts)
    for item in problems(task):
        found = task.extract(sentence.format(item.gold))
        assert task.same(item.gold, found), (item.gold, found)


@pytest.mark.parametrize("name", NAMES)
def test_the_continuation_of_the_own_closing_is_found(name: str, excerpts: Path) -> None:
    task = made(name, excerpts)
    closing = task.closing or "\n\nThe answer is"
    end = "}.\n" if closing.endswith("{") else ".\n"
    for item in problems(task):
        assert task.same(item.gold, task.extract(f"{closing} {item.gold}{end}"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", " \n", "\n\nThe final answer is \\boxed{"])
def test_no_answer_is_no_answer(name: str, text: str, excerpts: Path) -> None:
    assert made(name, excerpts).extract(text) == ""


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_variant_is_refused_with_the_known_ones(name: str) -> None:
    variants = MEMBERS[name].variants
    with pytest.raises(ValueError, match=f"{name}.*'harder'.*{'.*'.join(variants)}"):
        task(f"{name}:harder")


@pytest.mark.parametrize("name", FILES)
def test_a_gzipped_file_reads_like_the_plain_one(name: str, excerpts: Path, tmp_path: Path) -> None:
    plain = excerpts / f"{name}.jsonl"
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(task(name, packed).items()) == list(task(name, plain).items())


@pytest.mark.parametrize("name", FILES)
def test_a_bad_line_is_named_before_the_first_problem(
    name: str, excerpts: Path, tmp_path: Path
) -> None:
    plain = excerpts / f"{name}.jsonl"
    content = plain.read_text(encoding="utf-8")
    bad = tmp_path / "bad.jsonl"
    number = len(content.splitlines()) + 1
    bad.write_text(content + '{"id": "x", "category": 3}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=rf"bad\.jsonl:{number}: no "):
        task(name, bad).items()
    bad.write_text(content + content, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"bad\.jsonl:{number}: the id .* given by .*jsonl:1$"):
        task(name, bad).items()


def test_a_content_id_follows_the_text_alone() -> None:
    assert content_id("t", "What?") == content_id("t", "What?") != content_id("t", "Who?")
