"""What meets a reader first: the first page, descriptions, the glossary, and a page not found."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pingregistrywf._generated.ping_registry import DECLARATION, StateCode

DOCS = Path(__file__).parents[2] / "docs"
LINES = """(root) => [...root.querySelectorAll("article p, article li")].flatMap((block) => {
  const lines = new Map();
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    for (const [number] of [...node.data].entries()) {
      const range = document.createRange();
      range.setStart(node, number);
      range.setEnd(node, number + 1);
      const { bottom, width } = range.getBoundingClientRect();
      const line = Math.round(bottom / 8);
      if (width) lines.set(line, (lines.get(line) ?? 0) + 1);
    }
  }
  return [...lines.values()];
})"""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]


def test_what_to_do_first_is_on_the_first_screen(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.goto(f"{address}index.html")
    buttons = page.locator("article .md-button")
    assert [each.get_attribute("href") for each in buttons.all()] == [
        "quickstart.html",
        "explorer/index.html",
        "conformance.html",
    ]
    ends = [each.bounding_box() for each in (*buttons.all(), page.locator(".recording img"))]
    assert all(box and box["y"] + box["height"] <= 720 for box in ends)
    assert page.locator(".recording img").evaluate("(image) => image.naturalWidth") > 600
    page.goto(f"{address}explanation/why-a-chart.html")
    longest = page.locator("body").evaluate(LINES)
    context.close()
    assert 40 < max(longest) <= 80


def test_the_recording_shows_a_whole_run() -> None:
    drawing = ET.parse(DOCS / "assets" / "demo.svg").getroot()
    words = [each.text for each in drawing.iter("{http://www.w3.org/2000/svg}text")]
    events = [word for word in words if word in {each.__name__ for each in DECLARATION.by_event}]
    assert events[0] == "PingRegistryStarted"
    assert events[-3:] == ["ServerPingsGathered", "PingRegistryCompleted", "PingRegistryCommitted"]
    assert {str(each) for each in StateCode} - {"Uninitialized"} <= set(words)


def test_every_page_has_a_description_of_its_own(site: Path) -> None:
    found = {}
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if path.name != "404.html" and path.parent.name != "explorer":
            (found[path],) = map(
                unescape, re.findall(r'name="description" content="([^"]*)"', text)
            )
    assert [path.name for path, each in found.items() if not 25 <= len(each) <= 200] == []
    assert len(set(found.values())) == len(found)


def test_words_of_the_glossary_are_linked_where_they_are_first_used(site: Path) -> None:
    glossary = (site / "glossary.html").read_text(encoding="utf-8")
    places = set(re.findall(r'<dt id="([^"]+)">', glossary))
    assert places >= {"vid", "head", "epoch", "history", "noop"}
    versions = (site / "explanation" / "versions.html").read_text(encoding="utf-8")
    linked = re.findall(r'<a class="term" href="\.\./glossary\.html#([^"]+)">', versions)
    assert "vid" in linked
    assert len(linked) == len(set(linked))
    assert set(linked) <= places


def test_a_page_that_is_not_found_leads_on(site: Path) -> None:
    text = (site / "404.html").read_text(encoding="utf-8")
    article = text.split("<article", 1)[1].split("</article>")[0]
    assert "quickstart.html" in article
    assert "troubleshooting.html" in article
