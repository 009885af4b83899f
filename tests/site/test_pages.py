"""What meets a reader first: the first page, descriptions, the glossary, and a page not found."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

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


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_a_stranger_sees_for_whom_it_is_and_what_to_type(
    browser: Browser, address: str, size: tuple[int, int]
) -> None:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(f"{address}index.html")
    audience, command = page.locator(".promise > .audience"), page.locator(".promise pre").first
    assert audience.inner_text().startswith("For teams that ")
    assert command.inner_text().startswith("make demo ")
    boxes = [each.bounding_box() for each in (page.locator(".lead"), audience, command)]
    # The recording scrolls where it would be too small to be read.
    recording = page.locator(".recording img").bounding_box()
    sideways = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert recording
    assert recording["width"] >= 600
    assert sideways <= width
    ends = [box["y"] + box["height"] for box in boxes if box]
    assert len(ends) == 3
    assert ends == sorted(ends)
    assert ends[-1] < height


@pytest.mark.parametrize(
    ("motion", "events", "states"), [("no-preference", 1, 1), ("reduce", None, 5)]
)
def test_the_recording_begins_with_an_event_and_without_motion_shows_all(
    browser: Browser,
    address: str,
    motion: Literal["no-preference", "reduce"],
    events: int | None,
    states: int,
) -> None:
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(f"{address}index.html")
    chosen = page.locator(".recording img").evaluate("(image) => image.currentSrc")
    page.goto(chosen)
    # Pictures are not told of the readers' wish, so that the address alone has to bring the end.
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate(
        "document.getAnimations().forEach((each) => { each.pause(); each.currentTime = 0; })"
    )
    shown = page.locator("text, rect.reached").evaluate_all(
        "(all) => all.filter((each) => getComputedStyle(each.parentNode).opacity === '1')"
        ".map((each) => each.getAttribute('class'))"
    )
    every = page.locator("text.state").count()
    context.close()
    assert shown.count("state") == (events or every)
    assert shown.count("reached") == states


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


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context.new_page()
    context.close()


def test_no_line_ends_within_an_option(phone: Page, address: str) -> None:
    """The word before each line of code grows, so that its option comes to the end of a line."""
    phone.goto(f"{address}explorer.html")
    lines = phone.locator("article p code", has_text="--workflow").evaluate_all(
        """(codes) => codes.flatMap((code) => {
             const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
             while (!walker.nextNode().data.includes("--workflow"));
             const option = document.createRange();
             const start = walker.currentNode.data.indexOf("--workflow");
             option.setStart(walker.currentNode, start);
             option.setEnd(walker.currentNode, start + "--workflow".length);
             const word = document.createElement("span");
             code.before(word, " ");
             return [...Array(60).keys()].map((letters) => {
               word.textContent = "o".repeat(letters);
               return option.getClientRects().length;
             });
           })"""
    )
    assert len(lines) >= 120
    assert set(lines) == {1}


def test_the_options_of_commands_fit_a_phone(phone: Page, address: str) -> None:
    phone.goto(f"{address}reference/command-line.html")
    frames = phone.locator("article .md-typeset__scrollwrap")
    wider = frames.evaluate_all("(all) => all.map((each) => each.scrollWidth - each.clientWidth)")
    assert len(wider) > 20
    assert set(wider) == {0}


def test_a_page_that_is_not_found_leads_on(site: Path) -> None:
    text = (site / "404.html").read_text(encoding="utf-8")
    article = text.split("<article", 1)[1].split("</article>")[0]
    assert "quickstart.html" in article
    assert "troubleshooting.html" in article
