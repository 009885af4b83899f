"""A reader's own chart.json in the explorer: pasted, dropped, from a link, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pingregistrywf.chart.ir import to_json
from pingregistrywf.chart.lower import read_model

from .conftest import Opened
from .test_accessibility import PHONE, violations
from .test_browser import OTHERS, tell

pytestmark = pytest.mark.exhaustive

DROP = """(text) => { const data = new DataTransfer();
  data.items.add(new File([text], "chart.json"));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true })); }"""


@pytest.fixture(scope="module")
def opened(open_page: Opened, url: str) -> Page:
    return open_page(url)


@pytest.fixture
def page(opened: Page, url: str) -> Page:
    opened.goto("about:blank")
    opened.goto(url)
    return opened


def document(name: str) -> dict[str, Any]:
    model = read_model([OTHERS / f"{name}.yaml"])
    read: dict[str, Any] = json.loads(to_json(model.charts[name]))
    return read


def paste(page: Page, text: str) -> None:
    page.locator("#open-own").click()
    page.locator("#own-text").fill(text)
    page.locator("#own-open").click()


def test_a_pasted_chart_runs_beside_its_table(page: Page, open_page: Opened, url: str) -> None:
    paste(page, json.dumps(document("split_repo")))
    expect(page.locator("h1")).to_have_text("Split repository explorer")
    expect(page.locator("#own")).to_be_hidden()
    expect(page.locator("#scroller")).to_be_hidden()
    expect(page.locator("#table-part")).to_contain_text("pingregistrywf explore --model YOURS.yaml")
    tell(page, "Init", "PostAnalysis")
    expect(page.locator("#current")).to_have_text("Analyzed")
    expect(page.locator("#table th[data-current]")).to_have_text("Analyzed")
    assert violations(page) == []
    # The link holds the chart and what was done, and another reader needs nothing else.
    other = open_page(page.url, **PHONE, color_scheme="dark")
    expect(other.locator("#current")).to_have_text("Analyzed")
    assert other.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(other) == []
    page.go_back()
    page.goto(f"{url}#")
    expect(page.locator("h1")).to_have_text("Ping registry explorer")
    expect(page.locator("#scroller")).to_be_visible()


def test_a_dropped_keyed_chart(page: Page) -> None:
    page.evaluate(DROP, json.dumps(document("leases")))
    expect(page.locator("#table-part")).to_be_visible()
    tell(page, "TakeLease", "BreakLease")
    expect(page.locator("#current")).to_have_text("Broken")


def test_what_a_chart_says_is_text(page: Page) -> None:
    chart = document("split_repo")
    markup = "<img src=x onerror=window.hurt=1><script>window.hurt=1</script>"
    chart["title"] = chart["doc"] = markup
    for part in ("states", "events", "commands", "errors"):
        for each in chart[part].values():
            each["doc"] = markup
    paste(page, json.dumps(chart))
    expect(page.locator("#chart-title")).to_have_text(markup)
    tell(page, "Init", "Init")
    expect(page.locator("#form-Init > .hint").last).to_have_text(markup)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hurt") is None


def test_what_is_no_chart_is_refused_with_a_remedy(page: Page) -> None:
    good = document("split_repo")
    command = {"<b>": next(iter(good["commands"].values()))}
    cell = good["table"][0] | {"target": "Nowhere"}
    bad = {
        "chart: split_repo": "The text is not JSON",
        "[]": "The format is none, and this page opens pingregistrywf-chart/2.",
        json.dumps(good | {"format": "pingregistrywf-chart/9"}): "is pingregistrywf-chart/9",
        json.dumps(good | {"commands": command}): "commands.<b> is not a part with its name",
        json.dumps(good | {"initial": "__proto__"}): "initial is not a state",
        json.dumps(good | {"table": [cell]}): "table[0] is not about states",
        json.dumps(good | {"table": good["table"][1:]}): "The chart.json is damaged",
        json.dumps(good | {"records": None}): "records is not an object",
    }
    page.locator("#open-own").click()
    for text, said in bad.items():
        page.locator("#own-text").fill(text)
        page.locator("#own-open").click()
        expect(page.locator("#own-fault")).to_contain_text(said)
        expect(page.locator("#own-fault")).to_contain_text("Make one with: pingregistrywf generate")
    page.locator("#own-close").click()
    tell(page, "Init")
    expect(page.locator("#current")).to_have_text("Initialized")


def test_a_damaged_link(page: Page, url: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}#chart.AAAA~")
    expect(page.locator("#answer")).to_contain_text("the chart in it cannot be read")
    tell(page, "Init")
    expect(page.locator("#current")).to_have_text("Initialized")
