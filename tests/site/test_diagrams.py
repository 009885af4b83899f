"""Diagrams of the site: in full screen, on a phone and by keyboard, with states that are links."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from pingregistrywf.chart.locate import load_model

from ..tiers import some
from .test_browser import PHONE, opened, violations

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

CHARTS = load_model().charts
DIAGRAMS = "reference/diagrams.html"
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": PHONE},
}
SMALLEST = """(drawing) => Math.min(...[...drawing.querySelectorAll("text")].map((text) =>
  parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a))"""


def width(page: Page) -> float:
    box = page.locator("dialog .chart-diagram").bounding_box()
    assert box
    return box["width"]


@pytest.mark.parametrize("screen", some(SCREENS, every=3))
def test_a_drawing_opens_in_full_screen(browser: Browser, address: str, screen: str) -> None:
    page, _ = opened(browser, address + DIAGRAMS, **SCREENS[screen])
    size = SCREENS[screen]["viewport"]
    opener = page.get_by_role("button", name="Full screen: Ping registry: diagram")
    opener.click()
    dialog = page.get_by_role("dialog", name="Ping registry: diagram, full screen")
    box = dialog.bounding_box()
    assert box == {"x": 0, "y": 0, **size}
    assert dialog.locator(".chart-diagram").evaluate(SMALLEST) >= 12
    assert violations(page, "light") == []
    before = width(page)
    dialog.get_by_role("button", name="Larger").click()
    assert width(page) > before
    smaller = dialog.get_by_role("button", name="Smaller")
    while smaller.get_attribute("aria-disabled") == "false":
        smaller.click()
    assert 0 < width(page) < size["width"]
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".diagram").first.locator(".chart-diagram")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.context.close()


@pytest.mark.exhaustive
def test_by_the_keyboard_alone(browser: Browser, address: str) -> None:
    page, _ = opened(browser, address + DIAGRAMS, viewport=PHONE)
    opener = page.get_by_role("button", name="Full screen: Ping registry index: diagram")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ping registry index: diagram, full screen")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Tab")
    room = dialog.get_by_role("region")
    expect(room).to_be_focused()
    room.evaluate("(room) => room.scrollTo(0, 0)")
    page.keyboard.press("ArrowRight")
    expect(room).not_to_have_js_property("scrollLeft", 0)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.context.close()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [DIAGRAMS, "index.html"])
def test_a_state_leads_to_its_reference(browser: Browser, address: str, name: str) -> None:
    page, _ = opened(browser, address + name)
    drawing = page.locator(".diagram .chart-diagram[data-chart=ping_registry]")
    for state in CHARTS["ping_registry"].columns:
        link = drawing.locator("a", has=page.locator(f"[data-state={state}]"))
        assert (link.get_attribute("href") or "").endswith(
            f"reference/states.html#ping_registry-{state}"
        )
    drawing.get_by_role("link", name="Appending").press("Enter")
    page.wait_for_url("**/reference/states.html#ping_registry-Appending")
    page.context.close()


@pytest.mark.parametrize(
    ("kind", "name", "state", "command"),
    some(
        [
            ("commands", "AppendPing", "Initialized", "AppendPing"),
            ("states", "Summarized", "Summarized", None),
            ("operations", "commit", "Summarized", None),
            ("events", "append PingRegistryDeleted", "Completed", "DeletePingRegistry"),
        ],
        every=4,
    ),
)
def test_each_part_of_a_chart_can_be_tried(
    browser: Browser, address: str, kind: str, name: str, state: str, command: str | None
) -> None:
    page, _ = opened(browser, f"{address}reference/{kind}.html", color_scheme="dark")
    offered = page.locator("a.try").all_text_contents()
    for chart in CHARTS.values():
        parts = {"states": chart.states, "commands": chart.commands}.get(kind, ())
        assert {f"Try this: {each}" for each in parts} <= set(offered)
    page.get_by_role("link", name=f"Try this: {name}").click()
    page.wait_for_url("**/explorer/index.html?scheme=dark*")
    expect(page.locator("#current")).to_have_text(state)
    expect(page.locator("html")).to_have_attribute("data-scheme", "dark")
    if command:
        expect(page.locator(f"#tell-{command}")).to_be_focused()
        expect(page.locator(f"#form-{command}")).to_have_attribute("data-outcome", "emit")
    page.context.close()
