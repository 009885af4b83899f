"""The tables of the charts fit a screen, tell by signs what colours tell, and open the explorer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from pingregistrywf.chart.ir import Outcome
from pingregistrywf.chart.locate import load_model

from ..tiers import some
from .test_browser import PHONE, opened, violations

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

CHARTS = load_model().charts
SIGNS = {"emit": "+", "noop": "=", "reject": "✕", "delete": "−", "rewrite": "↻"}
SIZES = (
    "[...document.querySelectorAll('.chart-table')].map((at) => [at.scrollWidth, at.clientWidth])"
)


@pytest.fixture(scope="module", params=some(["light", "dark"], every=2))
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Page:
    wide = {"width": 1280, "height": 800}
    url = f"{address}reference/table.html"
    return opened(browser, url, viewport=wide, color_scheme=request.param)[0]


def test_all_columns_fit_1280_pixels(page: Page) -> None:
    sizes = page.evaluate(SIZES)
    assert len(sizes) == len(CHARTS)
    assert all(needed <= there for needed, there in sizes)


def test_a_sign_says_what_the_colour_says(page: Page) -> None:
    cells = page.locator(".cells td")
    outcomes = cells.evaluate_all("(cells) => cells.map((cell) => cell.dataset.outcome)")
    signs = page.locator(".cells td .sign").all_text_contents()
    assert signs == [SIGNS[each] for each in outcomes]
    assert set(outcomes) == set(Outcome)
    colours = cells.evaluate_all(
        """(cells) => cells.map((cell) => {
             const { color, backgroundColor } = getComputedStyle(cell);
             return [cell.dataset.outcome, color + backgroundColor];
           })"""
    )
    told_apart = {"emit", "noop", "reject", "delete"}
    assert len({colour for outcome, colour in colours if outcome in told_apart}) == 4


@pytest.mark.exhaustive
def test_axe_finds_nothing(page: Page) -> None:
    assert violations(page, "light") == []


@pytest.mark.exhaustive
def test_the_first_column_stays_in_sight_on_a_phone(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}reference/table.html", viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    frame = page.locator(".chart-table").first
    frame.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".cells tr").nth(1).locator("td").last).to_be_in_viewport(ratio=0.9)
    head = page.locator(".cells tbody th").first
    left = head.bounding_box()
    there = frame.bounding_box()
    page.context.close()
    assert left
    assert there
    assert abs(left["x"] - there["x"]) <= 2


CELLS = [
    (chart.name, state, *row)
    for chart in CHARTS.values()
    for row in chart.rows
    for state in chart.columns
]


def test_each_cell_opens_the_explorer_in_its_state(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}reference/table.html")
    links = page.locator(".cells td a").evaluate_all("(links) => links.map((link) => link.hash)")
    outcomes = page.locator(".cells td").evaluate_all(
        "(cells) => cells.map((cell) => cell.dataset.outcome)"
    )
    assert len(links) == len(CELLS)
    page.locator(".cells td a").first.click()
    page.wait_for_url("**/explorer/index.html?scheme=*")
    for place in some(range(len(CELLS)), every=7):
        (name, state, command, _), outcome = CELLS[place], outcomes[place]
        page.evaluate("(hash) => { location.hash = hash; }", links[place])
        expect(page.locator("#answer")).to_contain_text(state)
        expect(page.locator("#answer")).to_contain_text(f"Send {command} ")
        expect(page.locator("#current")).to_have_text(state)
        expect(page.locator("#commands-of")).to_have_text(f"{CHARTS[name].title} 1")
        # What rewrites a history changes nothing while the history is empty.
        empty = outcome == "rewrite" and state == CHARTS[name].initial
        shown = "noop" if empty else outcome
        expect(page.locator(f"#form-{command}")).to_have_attribute("data-outcome", shown)
        expect(page.locator(f"#tell-{command}")).to_be_focused()
    page.context.close()
