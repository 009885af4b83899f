"""The explorer as a part of the site: in its page, in the site's colours, and with a way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ..tiers import some
from .test_browser import PHONE, opened, violations

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("site")]

PAPER = "getComputedStyle(document.querySelector('#stage')).backgroundColor"
DRAWN = "getComputedStyle(document.querySelector('.chart-diagram .paper')).fill"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(13, 17, 23)"


def switch(page: Page) -> None:
    page.locator("label[for^=__palette]:visible").click()


@pytest.mark.parametrize("scheme", some(["light", "dark"], every=2))
def test_it_follows_the_sites_switch(browser: Browser, address: str, scheme: str) -> None:
    page, _ = opened(browser, f"{address}explorer.html", color_scheme=scheme)
    frame = page.locator("iframe.explorer")
    inside = page.frame_locator("iframe.explorer")
    expected, other = (LIGHT, DARK) if scheme == "light" else (DARK, LIGHT)
    inside.locator("#tell-Init").click()
    assert violations(page, scheme) == []
    for colour in (expected, other, expected):
        expect(inside.locator("#stage")).to_have_css("background-color", colour)
        expect(inside.locator("#scroller .drawing:visible .paper")).to_have_css("fill", colour)
        # What was done is still there: the page was not loaded anew.
        expect(inside.locator("#current")).to_have_text("Initialized")
        switch(page)
    expect(frame).to_have_accessible_name("The explorer of the charts")
    page.context.close()


def test_alone_it_has_the_sites_colours_and_leads_back(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}explorer.html", color_scheme="light")
    inside = page.frame_locator("iframe.explorer")
    expect(inside.get_by_role("link", name="Documentation")).to_be_hidden()
    inside.locator("#tell-Init").click()
    expect(inside.locator("#current")).to_have_text("Initialized")
    switch(page)
    page.get_by_role("link", name="Open in full screen").click()
    page.wait_for_url("**/explorer/index.html?scheme=dark#*")
    assert [page.evaluate(PAPER), page.evaluate(DRAWN)] == [DARK, DARK]
    assert violations(page, "dark") == []
    expect(page.locator("#current")).to_have_text("Initialized")
    page.locator("#tell-AppendPing").click()
    page.get_by_role("link", name="Documentation").click()
    page.wait_for_url("**/explorer.html#*")
    expect(inside.locator("#current")).to_have_text("Appending")
    page.context.close()


@pytest.mark.exhaustive
def test_a_state_leads_to_its_reference_out_of_the_frame(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}explorer.html")
    inside = page.frame_locator("iframe.explorer")
    inside.locator(".drawing:visible [data-state=Summarized]").press("Enter")
    inside.get_by_role("link", name="Summarized in the reference").press("Enter")
    page.wait_for_url("**/reference/states.html#ping_registry-Summarized")
    page.context.close()


@pytest.mark.exhaustive
def test_in_a_phone_it_is_used_without_scrolling_sideways(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}explorer.html", viewport=PHONE)
    inside = page.frame_locator("iframe.explorer")
    inside.locator("#tell-Init").click()
    expect(inside.locator("#current")).to_have_text("Initialized")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = inside.locator("body").evaluate(
        "() => document.documentElement.scrollWidth - innerWidth"
    )
    page.context.close()
    assert wide <= 0


@pytest.mark.exhaustive
def test_by_the_keyboard_alone(browser: Browser, address: str) -> None:
    page, _ = opened(browser, f"{address}explorer.html")
    page.frame_locator("iframe.explorer").locator("#current").wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "IFRAME":
            break
    frame = page.frames[1]
    for _ in range(60):
        if frame.evaluate("document.activeElement.id") == "tell-Init":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.frame_locator("iframe.explorer").locator("#current")).to_have_text("Initialized")
    page.context.close()


@pytest.mark.exhaustive
def test_from_disk_it_follows_the_sites_switch_too(browser: Browser, site: Path) -> None:
    """Browsers keep pages on a disk apart."""
    page, _ = opened(browser, (site / "explorer.html").as_uri(), color_scheme="light")
    inside = page.frame_locator("iframe.explorer")
    expect(inside.locator("#stage")).to_have_css("background-color", LIGHT)
    switch(page)
    expect(inside.locator("#stage")).to_have_css("background-color", DARK)
    assert page.evaluate("window.wrong") == []
    page.context.close()
