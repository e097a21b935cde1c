import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from probexit.experiments.evaluation.compare import compare
from probexit.experiments.evaluation.report.figures import Picture, pictures
from probexit.experiments.evaluation.report.page import Report, describe, examples
from probexit.experiments.fitting.splits import Splits

BAD = '<script>alert("1")</script>'


def decode(ids):
    return "".join(f" w{i}" for i in ids)


@pytest.fixture(scope="module")
def drawn(context, compared):
    return pictures(context, compared)


@pytest.fixture
def report(context, compared, drawn):
    shown = examples(context, compared, decode)
    return Report("Early exits", describe(context), compared, drawn, shown)


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found, self.open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_one_file_that_asks_nothing_of_the_network(report, tmp_path):
    html = report.write(tmp_path / "deep" / "report.html").read_text(encoding="utf-8")
    tags = Tags(html)
    assert not tags.open  # well formed
    assert not {"script", "link", "iframe"} & {tag for tag, _ in tags.found}
    sources = [attrs["src"] for tag, attrs in tags.found if tag == "img"]
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"url\(|https?://", html)


def test_says_what_was_recorded_promised_and_seen(report, context):
    html = report.html()
    assert f"{len(context.splits.test)} to test" in html
    assert "With confidence 90%" in html
    for heading in ("What was recorded", "What is promised", "Figures", "Some traces"):
        assert f"<h2>{heading}</h2>" in html
    for picture in report.pictures:
        assert picture.title in html


def test_all_that_others_wrote_is_escaped(context, drawn):
    splits = context.splits
    bad = [
        replace(
            trace,
            question=BAD,
            answer=BAD,
            gold=BAD,
            problem=BAD + trace.problem,
            cues=replace(trace.cues, answers=tuple(BAD for _ in trace.cues.answers)),
        )
        for trace in splits.test
    ]
    hostile = replace(context, splits=Splits(splits.fit, splits.calibrate, bad))
    found = compare(hostile)
    shown = examples(hostile, found, lambda ids: BAD * len(ids))
    picture = Picture(BAD, BAD, BAD, b"", 100)
    html = Report(BAD, {BAD: BAD}, found, [picture], shown).html()
    assert "<script" not in html
    assert 'alert("1")' not in html
    assert html.count("&lt;script&gt;") > 10


def test_examples_show_one_of_each_kind(context, compared):
    shown = examples(context, compared, decode)
    assert len(shown) == 4  # kept, lost, gained, thought to the end
    assert all("probe (ours) leaves" in html for html in shown[:3])
    assert "probe (ours) leaves" not in shown[3]
    assert len(examples(context, compared, decode, count=2)) == 2


def test_without_our_rule_there_are_no_examples(context, compared):
    others = tuple(row for row in compared.rows if row.method == "full_run")
    assert examples(context, replace(compared, rows=others), decode) == []


def test_a_run_that_could_not_be_certified_says_so(context, drawn):
    strict = replace(context, alpha=0.0001, alphas=())
    found = compare(strict)
    html = Report("t", describe(strict), found, drawn, []).html()
    assert "Nothing certified: think on" in html
    assert "It leaves at a score" not in html
    assert "Some traces" not in html


def test_a_dark_screen_gets_a_dark_page_with_white_figures(report):
    """Colours of the page follow the screen; pictures keep the ground they were drawn on."""
    text = report.html()
    style = text[text.index("<style>") : text.index("</style>")]
    assert "@media screen and (prefers-color-scheme: dark)" in style
    assert re.search(r"figure img \{[^}]*background: #fff", style)
    assert not re.search(r"[{ ]color: #", style)  # ink of one colour would vanish on one ground
