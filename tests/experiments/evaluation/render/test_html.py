from dataclasses import replace
from html.parser import HTMLParser

from probexit.experiments.evaluation.render.html import as_html


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.tags[-1] in ("td", "small", "br") and self.rows:
            self.rows[-1][-1] += data.strip()


def parsed(html):
    cells = Cells()
    cells.feed(html)
    return cells


def test_a_row_for_each_rule_with_its_numbers(compared):
    rows = parsed(as_html(compared)).rows
    assert len(rows) == 1 + len(compared.rows)
    assert {len(row) for row in rows} == {11}
    assert rows[1][0] == "full run"
    assert rows[1][1].startswith(f"{100 * compared.rows[0].measures.accuracy.estimate:.1f} [")


def test_everything_is_escaped(compared):
    bad = '<script>alert("1")</script>'
    row = replace(compared.rows[0], title=bad, label=bad, statement=bad)
    html = as_html(replace(compared, rows=(row,), skipped={bad: bad}))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "script" not in parsed(html).tags
    assert '"1")</script>' not in html
