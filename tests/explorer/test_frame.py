"""What the explorer takes from links and from pages around it, and what it refuses."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..tiers import some
from .conftest import Opened

OPERATIONS = ["commit", "begin", "ping", "gather", "expire", "delete"]
SET = "ping_registry_operations"
SCHEME = "document.documentElement.dataset.scheme"


@pytest.mark.parametrize(
    ("fragment", "state", "command", "outcome"),
    some(
        [
            ("state.ping_registry.Summarized", "Summarized", "Commit", "emit"),
            ("state.ping_registry.Initialized.Init", "Initialized", "Init", "noop"),
            ("state.ping_registry.Initialized.Init.other", "Initialized", "Init", "reject"),
            ("state.ping_registry.Deleted.Delete", "Deleted", "Delete", "noop"),
            ("state.ping_registry_index.Completed", "Completed", "DeletePingRegistry", "emit"),
        ],
        every=5,
    ),
)
def test_a_link_names_a_state(
    open_page: Opened, url: str, fragment: str, state: str, command: str, outcome: str
) -> None:
    page = open_page(f"{url}#{fragment}")
    expect(page.locator("#current")).to_have_text(state)
    expect(page.locator(f"#form-{command}")).to_have_attribute("data-outcome", outcome)
    if fragment.count(".") > 2:
        expect(page.locator(f"#tell-{command}")).to_be_focused()
    page.locator("#undo").click()
    expect(page.locator("#answer")).to_contain_text("was undone.")
    # What the address holds now is a sequence, as after anything that is done.
    assert "state." not in page.url


@pytest.mark.parametrize(
    "fragment",
    some(
        [
            "state.",
            "state.nothing.Completed",
            "state.ping_registry.Nowhere",
            "state.ping_registry.Completed.Nothing",
            "state.ping_registry.Completed.Init.same",
            "state.ping_registry.Completed.Init.other.more",
            "state.ping_registry.constructor",
        ],
        every=7,
    ),
)
def test_a_link_to_what_there_is_not_is_refused(open_page: Opened, url: str, fragment: str) -> None:
    page = open_page(f"{url}#{fragment}")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("a state or a command that the charts here do not have")
    expect(answer).to_have_attribute("data-outcome", "reject")
    expect(page.locator("#current")).to_have_text("Uninitialized")


@pytest.mark.parametrize("operation", some(OPERATIONS, every=9))
def test_a_link_names_an_operation_where_it_does_something(
    open_page: Opened, url: str, operation: str
) -> None:
    page = open_page(f"{url}#operation.{SET}.{operation}")
    run = page.locator("#run")
    expect(run).to_have_text(f"Run {operation}")
    expect(run).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text(f"{operation}: done.")
    assert page.locator(".history [data-new]").count() > 0
    assert "operation." not in page.url


@pytest.mark.exhaustive
def test_an_operation_that_is_far_away_opens_at_the_beginning(open_page: Opened, url: str) -> None:
    page = open_page(f"{url}#operation.{SET}.snapshot")
    expect(page.locator("#run")).to_have_text("Run snapshot")
    expect(page.locator("#answer")).to_contain_text("Much has to happen before")
    expect(page.locator("#current")).to_have_text("Uninitialized")


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["", SET, f"{SET}.nothing", "x.begin", f"{SET}.begin.x"])
def test_a_link_to_an_operation_that_is_not_there_is_refused(
    open_page: Opened, url: str, name: str
) -> None:
    page = open_page(f"{url}#operation.{name}")
    expect(page.locator("#answer")).to_contain_text("an operation that is not declared here")
    expect(page.locator("#current")).to_have_text("Uninitialized")


@pytest.mark.exhaustive
def test_a_link_names_the_colours(open_page: Opened, url: str) -> None:
    for scheme, other in (("dark", "light"), ("light", "dark")):
        page = open_page(f"{url}?scheme={scheme}", color_scheme=other)
        paper = "rgb(13, 17, 23)" if scheme == "dark" else "rgb(255, 255, 255)"
        expect(page.locator("#stage")).to_have_css("background-color", paper)
        expect(page.locator(".drawing:visible .paper")).to_have_css("fill", paper)
    page = open_page(f"{url}?scheme=%22%3E%3Cb%3E", color_scheme="dark")
    expect(page.locator("#stage")).to_have_css("background-color", "rgb(13, 17, 23)")


@pytest.mark.exhaustive
def test_the_copied_link_leaves_the_colours_to_whoever_opens_it(
    open_page: Opened, url: str
) -> None:
    page = open_page(f"{url}?scheme=dark", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#tell-Init").click()
    page.locator("#share").click()
    expect(page.locator("#shared")).to_have_text("✓ The link is on the clipboard.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{url}#1.")


@pytest.mark.exhaustive
def test_only_the_page_around_it_chooses_the_colours(open_page: Opened, url: str) -> None:
    page = open_page(url)
    page.evaluate(
        """() => new Promise((done) => {
             const { port1, port2 } = new MessageChannel();
             const event = { data: { scheme: "dark" }, source: port1 };
             dispatchEvent(new MessageEvent("message", event));
             port2.close();
             done();
           })"""
    )
    assert page.evaluate(SCHEME) is None
    page.evaluate("postMessage({ scheme: 'purple' })")
    page.evaluate("postMessage('dark')")
    page.evaluate("postMessage({ scheme: 'dark' })")
    expect(page.locator("html")).to_have_attribute("data-scheme", "dark")


@pytest.mark.exhaustive
def test_alone_it_leads_nowhere(open_page: Opened, url: str) -> None:
    page = open_page(url)
    expect(page.locator("#back")).to_have_count(0)
    page.locator(".drawing:visible [data-state=Initialized]").click()
    expect(page.locator("#about a")).to_have_count(0)
