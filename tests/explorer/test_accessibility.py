"""The explorer for everybody: axe-core, the keyboard alone, a phone, and less motion."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ..tools import node_modules
from .conftest import WIDE, Opened

pytestmark = pytest.mark.exhaustive

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
}


@pytest.fixture(params=SCREENS)
def page(request: pytest.FixtureRequest, open_page: Opened, url: str) -> Page:
    return open_page(url, **SCREENS[request.param])


def violations(page: Page) -> list[str]:
    axe = (node_modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(axe)
    found: list[str] = page.evaluate(
        """async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
             nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))"""
    )
    return found


def test_axe_finds_nothing(page: Page) -> None:
    assert violations(page) == []
    for command in ("Init", "AppendPing", "Commit"):
        page.locator(f"#tell-{command}").click()
    assert violations(page) == []
    page.locator("#operation").select_option(label="expire")
    page.locator("#crash").select_option("1")
    page.locator("#run").click()
    page.locator("#history-ping_registry_index-1").click()
    page.locator("[name=as][value=case]").check()
    assert violations(page) == []


# --- The keyboard alone -----------------------------------------------------------------------

FOCUSED = "document.activeElement.id || document.activeElement.value"


def tab_to(page: Page, wanted: str, key: str = "Tab") -> None:
    for _ in range(100):
        if page.evaluate("document.activeElement.id").endswith(wanted):
            return
        page.keyboard.press(key)
    pytest.fail(f"{wanted} cannot be reached by {key}")


def press(page: Page, wanted: str, *keys: str) -> None:
    tab_to(page, wanted)
    for key in keys:
        page.keyboard.press(key)


def test_keyboard_only(open_page: Opened, url: str) -> None:
    page = open_page(url)
    press(page, "tell-Init", "Enter")
    expect(page.locator("#current")).to_have_text("Initialized")
    # The focus stays where it was, so that the next command is one key away.
    assert page.evaluate(FOCUSED) == "tell-Init"
    # One letter each: a select forgets what was typed after a second.
    press(page, "operation", "b")
    press(page, "run", "Enter")
    expect(page.locator("#answer")).to_contain_text("begin: done.")
    press(page, "-AppendPing-message", "Control+a", "h", "i", "Enter")
    expect(page.locator("#current")).to_have_text("Appending")
    first = page.locator("article[aria-labelledby=history-ping_registry-1]")
    expect(first.locator(".chain dd").last).to_have_text('"hi"')
    press(page, "tell-PostSummary", "Space")
    expect(page.locator("#current")).to_have_text("Summarized")
    press(page, "tell-Delete", "Enter")
    expect(page.locator("#answer")).to_contain_text("StateConflictError")
    page.keyboard.press("Control+z")
    expect(page.locator("#answer")).to_have_text("Delete was undone.")
    press(page, "history-ping_registry_index-1", "Enter")
    expect(page.locator("#commands-of")).to_have_text("Ping registry index 1")
    press(page, "operation", "c")
    press(page, "crash", "ArrowDown", "ArrowDown")
    press(page, "run", "Enter")
    expect(page.locator("#answer")).to_contain_text("crashed after step 1")
    press(page, "run", "Enter")
    expect(page.locator("#answer")).to_contain_text("commit: done.")
    tab_to(page, "undo", "Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUSED) == "undo"


@pytest.mark.parametrize("options", [{"viewport": WIDE}, PHONE], ids=["wide", "phone"])
def test_what_has_the_focus_is_in_sight(
    open_page: Opened, url: str, options: dict[str, Any]
) -> None:
    page = open_page(url, **options)
    seen = []
    for _ in range(100):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const it = document.activeElement;
              if (it === document.body) return null;
              const box = it.getBoundingClientRect();
              const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height, 40) / 2];
              const style = getComputedStyle(it);
              const top = document.elementFromPoint(x, y);
              return { id: it.id || it.value, outlined: style.outlineStyle !== "none",
                       seen: it === top || it.contains(top) || top?.contains(it) };
            }"""
        )
        if stop is None:
            break
        assert stop["outlined"], stop
        assert stop["seen"], stop
        seen.append(stop["id"])
    assert {"undo", "share", "tell-Init", "run", "copy", "text"} <= set(seen)
    # In the order of the page: what is done, what it is done to, what came of it.
    assert seen.index("undo") < seen.index("tell-Init") < seen.index("run") < seen.index("copy")


def test_the_answer_is_announced(open_page: Opened, url: str) -> None:
    page = open_page(url)
    answer = page.get_by_role("status", name="Answer")
    expect(answer).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="AppendPing").click()
    expect(answer).to_contain_text("refused")
    button = page.get_by_role("button", name="Init", exact=True)
    expect(button).to_have_accessible_description("appends PingRegistryStarted → Initialized")


# --- Screens ----------------------------------------------------------------------------------


def test_a_phone_needs_no_sideways_scrolling_and_has_large_targets(
    open_page: Opened, url: str
) -> None:
    page = open_page(url, **PHONE)
    page.locator("#tell-Init").tap()
    page.locator("#tell-AppendPing").tap()
    expect(page.locator("#current")).to_have_text("Appending")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for target in page.locator(":is(button, select, input[type=text]):visible").all():
        box = target.bounding_box()
        assert box
        assert box["height"] >= 44
    for target in page.locator("input[type=radio], input[type=checkbox]").all():
        box = target.bounding_box()
        assert box
        assert box["height"] >= 24
    # The answer is in sight while commands are told, and the diagram shows where they led.
    expect(page.locator("#answer")).to_be_in_viewport()
    page.locator("#now").scroll_into_view_if_needed()
    expect(page.locator(".state.current")).to_be_in_viewport()


def test_less_motion_for_those_who_ask(open_page: Opened, url: str) -> None:
    moved = "getComputedStyle(document.querySelector('[data-new]')).animationName"
    for motion, name in (("reduce", "none"), ("no-preference", "arrive")):
        page = open_page(url, reduced_motion=motion)
        page.locator("#tell-Init").click()
        assert page.evaluate(moved) == name
