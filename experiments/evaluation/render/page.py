"""The methods page: which exit rules win where, and what each is, from the tables of several runs.

Everything on it is computed: from ``compare.json`` of the runs, and from the presets themselves.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from probexit.experiments.evaluation.findings import Ranking, published, sentences
from probexit.experiments.evaluation.render import wording
from probexit.experiments.evaluation.results import Comparison, ResultRow
from probexit.experiments.methods.core.base import Method

# Markdown, not HTML: names of tasks, models and folders pass through ``literal``.
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def literal(text: str) -> str:
    """Write a name such that Markdown shows it and does nothing else with it."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")


TEMPLATES.filters |= {"literal": literal, "link": quote}
_MARKUP = re.compile(r"[\\`*_{}\[\]|#!]")


@dataclass(frozen=True)
class Chapter:
    """One run on the page.

    Attributes:
        name: The run's name.
        setting: What was recorded, in words.
        comparison: Its table.
        figures: Pictures, as links relative to the page.
    """

    name: str
    setting: str
    comparison: Comparison
    figures: Sequence[str] = ()


@dataclass(frozen=True)
class LayerChapter:
    """One comparison of layer exits on the page.

    Attributes:
        name: Its folder's name.
        table: Its table, in Markdown.
        adapted: What the live loops came to, in sentences.
    """

    name: str
    table: str
    adapted: Sequence[str] = ()


@dataclass(frozen=True)
class LayerRule:
    """What a rule of layer exits is.

    Attributes:
        name: Its preset.
        source: Its paper: an arXiv id, or another name.
        parts: Decider, head and mode.
        cost: What a token pays to be looked at.
        guarantee: What its text may be promised.
        differs: How it is not the paper's.
    """

    name: str
    source: str
    parts: str
    cost: str
    guarantee: str
    differs: str


@dataclass(frozen=True)
class Layers:
    """The part of the page on layer exits.

    Attributes:
        chapters: The comparisons, in order; none leaves the part out.
        rules: What each rule is.
    """

    chapters: Sequence[LayerChapter] = ()
    rules: Sequence[LayerRule] = ()


def page(
    chapters: Sequence[Chapter],
    methods: Mapping[str, Method],
    command: str,
    layers: Layers = Layers(),
) -> str:
    """Write the page in Markdown.

    Args:
        chapters: The runs, in order.
        methods: Every method, by name.
        command: What generates the page.
        layers: The part on layer exits.
    """
    text = TEMPLATES.get_template("page.jinja").render(
        chapters=chapters,
        methods=methods,
        command=command,
        ranks=ranks(chapters),
        at_equal_risk=at_equal_risk(chapters),
        words=wording,
        cell=cell,
        sentences=sentences,
        published=published,
        about=about,
        unmeasured=unmeasured(chapters, methods),
        layers=layers,
    )
    return text.strip() + "\n"


def ranks(chapters: Sequence[Chapter]) -> list[tuple[str, list[str]]]:
    """Return each rule with its rank and saving per run, best mean rank first.

    A rule that no run's ranking holds is left out; a dash where one does not.
    """
    tables = [Ranking.of(chapter.comparison).kept for chapter in chapters]
    places = [{row.title: (rank, row) for rank, row in enumerate(kept, 1)} for kept in tables]
    titles = dict.fromkeys(title for place in places for title in place)

    def mean_rank(title: str) -> float:
        worst = [len(kept) + 1 for kept in tables]
        found = [
            place[title][0] if title in place else last
            for place, last in zip(places, worst, strict=True)
        ]
        return sum(found) / len(found)

    def shown(place: dict[str, tuple[int, ResultRow]], title: str) -> str:
        if title not in place:
            return "-"
        rank, row = place[title]
        return f"{rank}: {wording.share(row.measures.saved_total.estimate)}"

    return [(title, [shown(p, title) for p in places]) for title in sorted(titles, key=mean_rank)]


def at_equal_risk(chapters: Sequence[Chapter]) -> list[tuple[str, list[str]]]:
    """Return what each rule saves of all tokens, per run, at the risk observed for ours there."""
    saved = [
        {point.title: point.saved_total for point in chapter.comparison.equal_risk}
        for chapter in chapters
    ]
    titles = dict.fromkeys(title for own in saved for title in own)

    def mean(title: str) -> float:
        return sum(own.get(title, 0.0) for own in saved) / len(saved)

    return [
        (title, [wording.share(own[title]) if title in own else "-" for own in saved])
        for title in sorted(titles, key=mean, reverse=True)
    ]


def unmeasured(chapters: Sequence[Chapter], methods: Mapping[str, Method]) -> list[str]:
    """Return the titles of the methods that no run's table has a row of."""
    shown = {row.method for chapter in chapters for row in chapter.comparison.rows}
    return [method.title for name, method in methods.items() if name not in shown]


def about(method: Method) -> str:
    """Return the class docstring in one line, without the list of attributes."""
    text = inspect.cleandoc(type(method).__doc__ or "").split("\nAttributes:")[0]
    return cell(" ".join(text.split()))


def cell(text: str) -> str:
    """Escape what would end a cell of a Markdown table."""
    return text.replace("|", "\\|")
