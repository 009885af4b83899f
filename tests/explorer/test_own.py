"""A reader's own chart.json in the explorer: pasted, dropped, from a link, or refused."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate.artefacts import package
from pingregistrywf.generate.svg import svg as generated_svg

from .conftest import Opened
from .test_accessibility import PHONE, violations
from .test_browser import OTHERS, location, tell

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


def document(name: str, *, laid_out: bool = False) -> dict[str, Any]:
    """The chart.json of a chart, as ``generate`` writes it without Graphviz, or with it."""
    model = read_model([OTHERS / f"{name}.yaml"])
    made = package(model, laid_out=laid_out)[PurePosixPath(name, "chart.json")]
    read: dict[str, Any] = json.loads(made)
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
    expect(page.locator("#no-layout")).to_contain_text("This chart.json has no layout")
    expect(page.locator("#no-layout")).to_contain_text("pingregistrywf generate --model")
    expect(page.locator("#stage #table")).to_be_visible()
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


@pytest.mark.parametrize("name", ["split_repo", "leases"])
def test_a_dropped_chart_with_a_layout_has_the_diagram_of_its_svg(page: Page, name: str) -> None:
    chart = document(name, laid_out=True)
    page.evaluate(DROP, json.dumps(chart))
    drawn = page.locator("#scroller .drawing:visible")
    expect(drawn).to_have_count(1)
    expect(page.locator("#no-layout")).to_be_hidden()
    expect(page.locator("#stage #table")).to_have_count(0)
    expect(page.get_by_role("region", name="Table", exact=True)).to_be_visible()
    lines = "(places) => places.map((each) => each.getAttribute('d'))"
    paths = drawn.locator(".line").evaluate_all(lines) + drawn.locator(".wide").evaluate_all(lines)
    svg = generated_svg(read_model([OTHERS / f"{name}.yaml"]).charts[name])
    assert len(set(paths)) > 3
    assert all(f'd="{path}"' in svg for path in paths)
    expect(drawn.locator("[data-state]")).to_have_count(len(chart["columns"]))
    expect(drawn.locator(".current .name")).to_have_text(chart["initial"])
    assert violations(page) == []
    # An arrow sends its command, and the chart runs on in the diagram.
    lit = drawn.locator(".arrow.lit:not(.noop) .command.lit").first
    lit.dispatch_event("click")
    expect(drawn.locator(".current .name")).not_to_have_text(chart["initial"])


def test_on_a_phone_the_diagram_keeps_its_room(open_page: Opened, url: str) -> None:
    page = open_page(url, **PHONE)
    page.evaluate(DROP, json.dumps(document("split_repo", laid_out=True)))
    expect(page.locator("h1")).to_have_text("Split repository explorer")
    tell(page, "Init")
    room = page.locator("#scroller").bounding_box()
    assert room
    assert room["height"] > 200
    for part in ("#answer", ".state.current:visible"):
        expect(page.locator(part)).to_be_in_viewport(ratio=0.9)


def test_a_chart_from_before_there_were_layouts_has_its_table(page: Page) -> None:
    chart = document("leases")
    del chart["layout"]
    paste(page, json.dumps(chart))
    expect(page.locator("#own")).to_be_hidden()
    expect(page.locator("#no-layout")).to_contain_text("This chart.json has no layout")
    expect(page.locator("#table-part")).to_be_visible()
    expect(page.locator("#current")).to_have_text(chart["initial"])


def test_a_damaged_layout_is_refused(page: Page) -> None:
    good = document("split_repo", laid_out=True)
    arrow = good["layout"]["arrows"][0]
    page.locator("#open-own").click()
    for change in (
        {"header": "1"},
        {"states": {}},
        {"arrows": [arrow | {"line": arrow["line"] | {"curve": "url(x)"}}]},
        {"arrows": [arrow | {"commands": ["Nothing"]}]},
        {"arrows": [arrow | {"kind": "constructor"}]},
    ):
        page.locator("#own-text").fill(json.dumps(good | {"layout": good["layout"] | change}))
        page.locator("#own-open").click()
        expect(page.locator("#own-fault")).to_contain_text("The chart.json is damaged: layout")
    page.locator("#own-close").click()


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


HOLD = """() => { const Real = DecompressionStream;
  let release; const gate = new Promise((done) => { release = done; });
  window.letGo = async () => { release(); const once = new Real("deflate-raw");
    const writer = once.writable.getWriter(); writer.write(Uint8Array.of(3, 0)); writer.close();
    await new Response(once.readable).arrayBuffer(); };
  window.DecompressionStream = class { constructor(format) { const real = new Real(format);
    const held = new TransformStream({ flush: () => gate });
    return { writable: real.writable, readable: real.readable.pipeThrough(held) }; } }; }"""
"""Holds back the text of a chart that is unpacked until ``letGo`` is called."""


def test_a_link_that_is_left_before_its_chart_is_read(page: Page, url: str) -> None:
    paste(page, json.dumps(document("split_repo")))
    expect(page.locator("h1")).to_have_text("Split repository explorer")
    link = location(page)
    page.goto("about:blank")
    page.goto(url)
    page.evaluate(HOLD)
    page.goto(link)
    page.goto(f"{url}#state.ping_registry.Completed")
    expect(page.locator("#current")).to_have_text("Completed")
    page.evaluate("letGo()")
    expect(page.locator("h1")).to_have_text("Ping registry explorer")
    tell(page, "End")
    expect(page.locator("#current")).to_have_text("Terminated")
    expect(page.locator("h1")).to_have_text("Ping registry explorer")


def test_a_damaged_link(page: Page, url: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}#chart.AAAA~")
    expect(page.locator("#answer")).to_contain_text("the chart in it cannot be read")
    tell(page, "Init")
    expect(page.locator("#current")).to_have_text("Initialized")
