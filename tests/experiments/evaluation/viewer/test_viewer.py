"""The trace viewer: it shows what the comparison says, and clicks do what they say."""

import base64
import gzip
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.experiments.evaluation.viewer.data import ViewedRule, packed, viewed
from probexit.experiments.evaluation.viewer.section import section
from probexit.experiments.recording.run import Run

HOSTILE = '</script><img src=x onerror="window.hit=1"> <b>&amp; \u2028 ]]> `${1}`'
PAGE = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'


def opened(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def fake(n: int, hostile: bool = False) -> dict[str, Any]:
    """``n`` traces of 8 cues: every third is lost at the first cue, others are right from there."""
    traces = []
    for i in range(n):
        words = HOSTILE if hostile and i == 0 else f"Step {i}. Wait, let me see. "
        right = [0 if i % 3 == 0 and k == 0 else 1 for k in range(8)]
        one = {"id": f"p{i}", "q": f"What is {i}? {HOSTILE if hostile else ''}", "gold": str(i)}
        one |= {"a": str(i), "ok": True, "n": 90, "t": [words] * 9, "s": [k / 8 for k in range(8)]}
        traces.append(
            one | {"f": [words[:8]] * 8, "r": right, "at": [10 * k + 10 for k in range(8)]}
        )
    first, never = [0] * n, [-1] * n
    return {
        "rules": [{"name": "early", "exits": first}, {"name": "never", "exits": never}],
        "traces": traces,
    }


def test_what_is_shown_is_the_trace(greedy_run: Run) -> None:
    traces = [trace for trace in greedy_run.traces() if len(trace.cues)][:4]
    scores = [torch.linspace(0, 1, len(trace.cues)) for trace in traces]
    rule = ViewedRule("ours", [0, -1, 0, -1])
    data = viewed(traces, scores, [rule], lambda ids: "".join(f"{i} " for i in ids))
    assert opened(packed(data)) == json.loads(json.dumps(data))
    for trace, one in zip(traces, data["traces"], strict=True):
        thought = trace.token_ids[trace.begins : trace.begins + trace.thinking].tolist()
        assert "".join(one["t"]).split() == [str(i) for i in thought]
        assert one["f"] == list(trace.cues.answers)
        assert one["ok"] == trace.correct
        assert one["at"][0] == int(trace.cues.positions[0]) + 1 - trace.begins
    assert data["rules"] == [{"name": "ours", "exits": [0, -1, 0, -1]}]


def test_nothing_of_a_trace_stands_in_the_page_as_markup() -> None:
    page = section(fake(3, hostile=True))
    assert "onerror" not in page
    assert "http" not in page.replace("http-equiv", "")  # no network


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, where both it and playwright are installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: viewer not run")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium: the viewer's clicks were not tried")
    with playwright.sync_playwright() as p:
        launched = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


def shown(browser: Any, tmp_path: Path, data: dict[str, Any], **size: int) -> Any:
    file = tmp_path / "page.html"
    table = '<table class="probexit-table"><thead><tr><th>rule</th><th>x</th></tr></thead><tbody>'
    table += "<tr><td>b</td><td>2.0 [1, 3]</td></tr><tr><td>a</td><td>10.0</td></tr>"
    table += "<tr><td>c</td><td>-</td></tr></tbody></table>"
    file.write_text(PAGE + table + str(section(data)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1200, "height": 800, **size})
    page.goto(file.as_uri())
    page.wait_for_selector("#viewer[data-ready]")
    return page


def test_filters_search_and_keys(browser: Any, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, fake(60))
    assert page.inner_text(".count") == "60 of 60"
    assert "leaves here: 80 tokens saved, a right answer is lost" in page.inner_text(".leaves")
    page.select_option("[aria-label='which traces']", "lost")
    assert page.inner_text(".count") == "20 of 60"
    page.select_option("[aria-label=rule]", label="never")
    assert page.inner_text(".count") == "0 of 60"
    page.select_option("[aria-label='which traces']", "never")
    page.keyboard.press("/")
    page.fill("input", "what is 17?")
    assert page.inner_text(".count") == "1 of 60"
    assert page.inner_text(".asked").startswith("What is 17?")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    assert page.inner_text(".asked").startswith("What is 2?")
    page.click(".row >> nth=5")
    assert page.inner_text(".asked").startswith("What is 5?")


def test_a_heading_sorts_the_table(browser: Any, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, fake(3))
    page.click("th >> nth=1")
    assert [c.inner_text() for c in page.query_selector_all("td:first-child")] == ["a", "b", "c"]
    page.click("th >> nth=1")
    assert [c.inner_text() for c in page.query_selector_all("td:first-child")] == ["b", "a", "c"]


def test_a_hostile_trace_is_text(browser: Any, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, fake(3, hostile=True))
    assert HOSTILE.split()[0] in page.inner_text(".thought")
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.querySelectorAll('#viewer img').length") == 0


def test_a_narrow_screen_has_no_sideways_scroll(browser: Any, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, fake(9, hostile=True), width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_ten_thousand_traces_open_and_scroll(browser: Any, tmp_path: Path) -> None:
    data = fake(10_000)
    begin = time.monotonic()
    page = shown(browser, tmp_path, data)
    print(f"10,000 traces opened in {time.monotonic() - begin:.1f} s")
    assert len(page.query_selector_all(".row")) < 60  # only those in sight exist
    page.evaluate("document.querySelector('.list').scrollTop = 44 * 7000")
    page.wait_for_timeout(200)
    assert "What is 7000?" in page.inner_text(".list")
