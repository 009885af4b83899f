"""Every page in Chromium: quiet, light, accessible in light and dark, and readable on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from ..tiers import EXHAUSTIVE, some
from ..tools import node_modules

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    sorted(page.relative_to(DOCS).with_suffix(".html").as_posix() for page in DOCS.rglob("*.md"))
    if EXHAUSTIVE
    else ["index.html"]
)
DRAWN = some(["index.html", "reference/behaviour.html", "reference/diagrams.html"], every=3)
RULES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
"""What axe looks for: in the dark nothing but the colours is another, and the pages share them."""
SEEN = [(page, "light") for page in PAGES] + [(page, "dark") for page in PAGES[::3]]
PHONE = {"width": 390, "height": 844}
MOST_BYTES = 1_000_000  # the index of the search included
MOST_ELEMENTS = 12_000


def opened(browser: Browser, url: str, **options: Any) -> tuple[Page, list[str]]:
    """A page in a context of its own, and the list of what it asks for."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(15_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(
        "window.wrong = []; addEventListener('error', (event) => wrong.push(event.message));"
    )
    page.goto(url, wait_until="load")
    return page, asked


@pytest.mark.parametrize("name", [*PAGES, "404.html", "explorer/index.html"])
def test_a_page_is_quiet_and_light(browser: Browser, address: str, name: str) -> None:
    """Bytes and elements are what makes a page slow; ``make bench`` measures the time."""
    page, asked = opened(browser, address + name)
    page.wait_for_load_state("networkidle")
    wrong = page.evaluate("window.wrong")
    weight = page.evaluate(
        """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
             .reduce((bytes, { encodedBodySize }) => bytes + encodedBodySize, 0)"""
    )
    elements = page.evaluate("document.querySelectorAll('*').length")
    page.context.close()
    assert asked
    assert wrong == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert 0 < weight < MOST_BYTES
    assert elements < MOST_ELEMENTS


@pytest.mark.parametrize(("name", "scheme"), SEEN)
def test_a_page_is_accessible(browser: Browser, address: str, name: str, scheme: str) -> None:
    """In light and in dark axe finds nothing, and on a phone no line is too wide."""
    page, _ = opened(browser, address + name, color_scheme=scheme)
    shown = {"light": "default", "dark": "slate"}[scheme]
    page.wait_for_function(f"document.body.dataset.mdColorScheme === {shown!r}")
    page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        """async (rules) => (await axe.run(rules)).violations.flatMap(({ id, nodes }) =>
             nodes.map((node) => `${id}: ${node.html.slice(0, 150)} ${node.failureSummary}`))""",
        RULES[scheme],
    )
    page.set_viewport_size(PHONE)
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert found == []
    assert wide <= PHONE["width"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", some([*DRAWN, "reference/operations.html"], every=4))
def test_on_a_phone_drawings_scroll_and_keep_their_letters(
    browser: Browser, address: str, name: str
) -> None:
    page, _ = opened(browser, address + name, viewport=PHONE)
    frames = page.locator(".diagram").all()
    assert frames
    for frame in frames:
        smallest = frame.evaluate(
            """(frame) => Math.min(...[...frame.querySelectorAll("text")].map((text) =>
                 parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a))"""
        )
        assert smallest >= 8.5
        reached = frame.evaluate(
            """(frame) => { frame.scrollLeft = 10_000;
                 const end = frame.querySelector("svg").getBoundingClientRect().right;
                 return end - frame.getBoundingClientRect().right; }"""
        )
        assert reached <= 1
    page.context.close()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_drawing_follows_the_sites_switch(
    browser: Browser, address: str, name: str, scheme: str
) -> None:
    page, _ = opened(browser, address + name, color_scheme=scheme)
    paper = "getComputedStyle(document.querySelector('.chart-diagram .paper')).fill"
    before = page.evaluate(paper)
    page.locator("label[for^=__palette]:visible").click()
    after = page.evaluate(paper)
    page.context.close()
    white, black = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
    assert [before, after] == ([white, black] if scheme == "light" else [black, white])


def test_search_finds_a_command(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}index.html")
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("AppendPing")
    result = page.locator(".md-search-result__item a").first
    result.wait_for()
    assert page.locator(".md-search-result__item").filter(has_text="Commands").count()
    page.context.close()


@pytest.mark.parametrize(
    "name", some(["index.html", "reference/commands.html", "tutorial.html"], every=3)
)
def test_it_can_be_read_from_disk(browser: Browser, site: Path, name: str) -> None:
    page, asked = opened(browser, (site / name).as_uri())
    assert page.locator("article h1").is_visible()
    styled = page.evaluate("getComputedStyle(document.querySelector('.md-header')).position")
    page.context.close()
    assert styled == "sticky"
    assert [url for url in asked if not url.startswith("file:")] == []
