"""Every page in Chromium: quiet, light, accessible in light and dark, and readable on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

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
PHONE = {"width": 390, "height": 844}
MOST_BYTES = 600_000
MOST_BYTES_OF_SEARCH = 650_000
"""A worker loads the index of the search beside the page, which does not wait for it."""
MOST_ELEMENTS = 12_000


def opened(browser: Browser, url: str, **options: Any) -> tuple[Page, list[str]]:
    """A page in a context of its own, and the list of what it asks for."""
    page = browser.new_context(**options).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(
        """window.wrong = []; addEventListener('error', (event) => wrong.push(event.message));
           addEventListener('securitypolicyviolation', ({ blockedURI, violatedDirective }) =>
             wrong.push(`${violatedDirective} forbids ${blockedURI}`));"""
    )
    page.goto(url, wait_until="load")
    return page, asked


@pytest.mark.parametrize("name", [*PAGES, "404.html", "explorer/index.html"])
def test_a_page_is_quiet_light_and_accessible(browser: Browser, address: str, name: str) -> None:
    """Bytes and elements are what makes a page slow; ``make bench`` measures the time."""
    page, asked = opened(browser, address + name, color_scheme="light")
    found = violations(page, "light")
    wrong = page.evaluate("window.wrong")
    sizes: dict[str, int] = page.evaluate(
        """() => Object.fromEntries(
             ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
               .map(({ name, encodedBodySize }) => [name, encodedBodySize]))"""
    )
    search = sizes.pop(f"{address}search/search_index.json", 0)
    if name == "explorer.html":  # what stands in its frame is a page of its own in this list
        sizes = {url: size for url, size in sizes.items() if "/explorer/" not in url}
    elements = page.evaluate("document.querySelectorAll('*').length")
    wide = width_on_a_phone(page)
    page.context.close()
    assert asked
    assert wrong == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert 0 < sum(sizes.values()) < MOST_BYTES
    assert search < MOST_BYTES_OF_SEARCH
    assert elements < MOST_ELEMENTS
    assert found == []
    assert wide <= PHONE["width"]


@pytest.mark.parametrize("name", ["index.html", "404.html"])
def test_what_became_markup_runs_no_script_and_asks_no_other_host(
    browser: Browser, address: str, name: str
) -> None:
    page, _ = opened(browser, address + name)
    page.evaluate(
        """async () => {
             const script = document.createElement("script");
             script.textContent = "window.ran = true";
             const image = document.createElement("img");
             image.setAttribute("onerror", "window.ran = true");
             image.src = "http://127.0.0.1:9/image.png";
             document.body.append(script, image);
             for (let tries = 0; wrong.length < 3 && tries < 600; tries += 1)
               await new Promise((resolve) => setTimeout(resolve, 50)); }"""
    )
    ran, wrong = page.evaluate("[window.ran ?? false, window.wrong]")
    page.context.close()
    assert not ran
    assert sorted(each.split(" forbids")[0] for each in wrong) == [
        "img-src",
        "script-src-attr",
        "script-src-elem",
    ]


@pytest.mark.parametrize("name", PAGES[::3])
def test_a_page_is_accessible_in_the_dark(browser: Browser, address: str, name: str) -> None:
    page, _ = opened(browser, address + name, color_scheme="dark")
    expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
    found = violations(page, "dark")
    page.context.close()
    assert found == []


def violations(page: Page, scheme: str) -> list[str]:
    """What axe finds."""
    page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        """async (rules) => (await axe.run(rules)).violations.flatMap(({ id, nodes }) =>
             nodes.map((node) => `${id}: ${node.html.slice(0, 150)} ${node.failureSummary}`))""",
        RULES[scheme],
    )
    return found


def width_on_a_phone(page: Page) -> int:
    page.set_viewport_size(PHONE)
    return int(page.evaluate("document.documentElement.scrollWidth"))


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
    paper = page.locator(".chart-diagram .paper").first
    white, black = "rgb(255, 255, 255)", "rgb(13, 17, 23)"
    before, after = (white, black) if scheme == "light" else (black, white)
    expect(paper).to_have_css("fill", before)
    page.locator("label[for^=__palette]:visible").click()
    expect(paper).to_have_css("fill", after)
    page.context.close()


@pytest.mark.parametrize("where", ["served", "from disk"])
def test_search_finds_a_command(browser: Browser, address: str, site: Path, where: str) -> None:
    root = address if where == "served" else f"{site.as_uri()}/"
    page, _ = opened(browser, f"{root}index.html")
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("AppendPing")
    # What is found while one types is replaced letter by letter.
    found = page.locator(".md-search-result__item").filter(has_text="Commands")
    expect(found.first).to_be_visible()
    assert page.evaluate("window.wrong") == []
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
