"""The explorer as a reader uses it: by pointer, and what the page then says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pingregistrywf import explorer
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.lower import read_model

from ..tiers import EXHAUSTIVE
from .conftest import Opened

OTHERS = Path(__file__).parents[1] / "other_workflow"
WAYS: dict[str, list[str]] = {
    "Uninitialized": [],
    "Initialized": ["Init"],
    "Appending": ["Init", "AppendPing"],
    "Summarized": ["Init", "AppendPing", "PostSummary"],
    "Completed": ["Init", "AppendPing", "PostSummary", "Commit"],
    "Terminated": ["Init", "AppendPing", "PostSummary", "Commit", "End"],
    "Deleted": ["Init", "AppendPing", "PostSummary", "Commit", "Delete"],
}
RULES = {
    "StateConflictError": "otherwise",
    "ArgumentNotIdempotentError": "Init.2",
    "HistoryDeletedError": "Deleted",
}
FIRST = "history-ping_registry-1"
INDEX = "history-ping_registry_index-1"


@pytest.fixture(scope="module")
def opened(open_page: Opened, url: str) -> Page:
    return open_page(url)


@pytest.fixture
def page(opened: Page, url: str) -> Page:
    """The page as it is at first."""
    opened.goto("about:blank")
    opened.goto(url)
    return opened


def tell(page: Page, *commands: str) -> None:
    for command in commands:
        page.locator(f"#tell-{command}").click()


def run(page: Page, operation: str, *, crash: str = "", again: bool = False) -> None:
    if not again:
        page.locator("#operation").select_option(label=operation)
    page.locator("#crash").select_option(crash)
    page.locator("#run").click()


def chain(page: Page, history: str) -> list[str]:
    """The names of the events that a history's card lists."""
    card = page.locator(f"article[aria-labelledby={history}]")
    return card.locator(".chain li > strong").all_text_contents()


def ids(page: Page, history: str) -> list[tuple[str, str]]:
    """The id and the parent of each."""
    codes = page.locator(f"article[aria-labelledby={history}] .chain .ids code")
    texts = [each.get_attribute("title") or "" for each in codes.all()]
    return list(zip(texts[::2], texts[1::2], strict=True))


def location(page: Page) -> str:
    """The address as the page has it; Playwright may hear of a new one after a click has ended."""
    return str(page.evaluate("location.href"))


def test_the_happy_path(page: Page) -> None:
    expect(page.locator("#current")).to_have_text("Uninitialized")
    told = [
        ("Init", "PingRegistryStarted", "Initialized"),
        ("AppendPing", "ServerPinged", "Appending"),
        ("PostSummary", "ServerPingsGathered", "Summarized"),
        ("Commit", "PingRegistryCompleted", "Completed"),
        ("End", "PingRegistryCommitted", "Terminated"),
    ]
    for number, (command, event, state) in enumerate(told, start=1):
        form = page.locator(f"#form-{command}")
        expect(form).to_have_attribute("data-outcome", "emit")
        expect(form.locator(".would")).to_have_text(f"✓ appends {event} → {state}")
        expect(form.locator(".why")).to_be_hidden()
        tell(page, command)
        expect(page.locator("#answer")).to_contain_text(f"{event} appended. Now {state}.")
        expect(page.locator("#answer code")).to_have_text(f"{command}.1")
        expect(page.locator("#current")).to_have_text(state)
        current = page.locator(".drawing:not([hidden]) .state.current")
        expect(current).to_have_attribute("data-state", state)
        assert chain(page, FIRST) == [each for _, each, _ in told[:number]]
    linked = ids(page, FIRST)
    assert [parent for _, parent in linked] == ["0" * 26, *(each for each, _ in linked[:-1])]
    assert [each for each, _ in linked] == sorted({each for each, _ in linked})


def test_a_command_that_does_nothing_says_why_before_it_is_sent(page: Page) -> None:
    commit = page.locator("#form-Commit")
    expect(commit.locator(".why")).to_have_text(
        "Commit is allowed in Summarized; it changes nothing in Completed."
    )
    tell(page, "Init")
    expect(page.locator("#form-Init .why")).to_have_text(
        "Init.2 The workflow has begun with the same registry already."
    )
    tell(page, "PostSummary")
    expect(commit.locator(".why")).to_be_hidden()


def test_what_is_legal_is_lit(page: Page) -> None:
    tell(page, *WAYS["Summarized"])
    lit = page.locator(".drawing:not([hidden]) .arrow.lit")
    expect(lit).to_have_count(1)
    expect(lit).to_have_attribute("data-command", "Commit AbortExpired")
    expect(page.locator("#now")).to_contain_text("Legal here: Commit, AbortExpired.")


@pytest.mark.exhaustive
def test_each_cell(page: Page, cell: Any) -> None:
    """Every outcome: each rejection, Init with the same registry and another, abort anywhere."""
    tell(page, *WAYS[cell.state])
    if cell.same is False:
        page.locator("[id$=-Init-registry_id]").select_option(index=1)
    before = chain(page, FIRST)
    expect(page.locator("#current")).to_have_text(cell.state)
    tell(page, cell.command)
    answer = page.locator("#answer")
    expect(answer).to_have_attribute("data-outcome", cell.outcome)
    if cell.outcome == "reject":
        expect(answer).to_contain_text(f"refused, {cell.error}.")
        expect(answer.locator("code")).to_have_text(RULES[cell.error])
        assert chain(page, FIRST) == before
    elif cell.outcome == "emit":
        assert chain(page, FIRST) == [*before, cell.event]
    else:
        assert chain(page, FIRST) == ([] if cell.outcome == "delete" else before)
    expect(page.locator("#current")).to_have_text(cell.target)


def test_a_rejection_says_why_in_prose(page: Page) -> None:
    tell(page, "Init")
    page.locator("[id$=-Init-registry_id]").select_option(index=1)
    tell(page, "Init")
    expect(page.locator("#answer")).to_contain_text(
        "Argument not idempotent: RegistryId differs from the value stored first. Init.2 Beginning"
        " again is harmless until the first server has answered, but not with another registry."
    )


@pytest.mark.exhaustive
def test_a_version_that_is_not_the_head(page: Page) -> None:
    tell(page, "Init", "AppendPing")
    page.locator("#vid").select_option(index=3)
    expect(page.locator("#form-AppendPing .would")).to_contain_text("VersionConflictError")
    tell(page, "AppendPing")
    expect(page.locator("#answer")).to_contain_text("Version conflict: stored 01K")
    page.locator("#vid").select_option(index=2)
    tell(page, "AppendPing")
    expect(page.locator("#answer")).to_contain_text("ServerPinged appended")


@pytest.mark.exhaustive
def test_malformed_arguments(page: Page) -> None:
    tell(page, "Init")
    for text in ("2147483648", "", "1.5", "one"):
        page.locator("[id$=-AppendPing-code]").fill(text)
        tell(page, "AppendPing")
        expect(page.locator("#answer")).to_contain_text("code is a whole number of 32 bits")
    page.locator("[id$=-AppendPing-code]").fill("-7")
    tell(page, "AppendPing")
    expect(page.locator("#answer")).to_contain_text("ServerPinged appended")


@pytest.mark.exhaustive
def test_several_workflows_and_the_index(page: Page) -> None:
    run(page, "begin")
    page.locator("#history-ping_registry-2").click()
    expect(page.locator("#commands-of")).to_have_text("Ping registry 2")
    tell(page, "Init", "AppendPing")
    page.locator(f"#{INDEX}").click()
    expect(page.locator("#current")).to_have_text("Active")
    page.locator("[id$=-key-workflow_id]").select_option(label="Ping registry 2")
    expect(page.locator("#current")).to_have_text("Absent")
    tell(page, "CommitPingRegistry")
    expect(page.locator("#answer")).to_contain_text("UnknownWorkflowError")
    expect(page.locator("#answer code")).to_have_text("CommitPingRegistry.3")
    tell(page, "BeginPingRegistry")
    assert chain(page, FIRST) == ["PingRegistryStarted"]
    assert chain(page, "history-ping_registry-2") == ["PingRegistryStarted", "ServerPinged"]
    assert chain(page, INDEX) == ["PingRegistryStarted"] * 2
    card = page.locator(f"article[aria-labelledby={INDEX}]")
    expect(card.locator(".entries > li")).to_have_count(2)
    page.locator("[id$=-Snapshot-if_storage_reduction]").check()
    tell(page, "Snapshot")
    expect(page.locator("#answer")).to_contain_text("SmallStorageReductionError")
    page.locator("[id$=-Snapshot-if_storage_reduction]").uncheck()
    tell(page, "Snapshot")
    assert chain(page, INDEX)[2:] == ["SnapshotBegin", "SnapshotState", "SnapshotEnd"]
    expect(card.locator(".entries > li")).to_have_count(2)


@pytest.mark.exhaustive
def test_more_histories(page: Page) -> None:
    page.locator("#more-ping_registry").click()
    expect(page.locator("#commands-of")).to_have_text("Ping registry 3")
    tell(page, "Init")
    assert chain(page, "history-ping_registry-3") == ["PingRegistryStarted"]


@pytest.mark.parametrize("step", [0, 1, 2] if EXHAUSTIVE else [1])
def test_an_interrupted_commit_is_finished_by_running_it_again(page: Page, step: int) -> None:
    run(page, "begin")
    tell(page, "AppendPing", "PostSummary")
    run(page, "commit", crash=str(step))
    said = f"crashed after step {step}" if step else "crashed before the first step"
    expect(page.locator("#answer")).to_contain_text(said)
    skipped = page.locator("#operations .came[data-outcome=skipped]")
    expect(skipped).to_have_count(3 - step)
    expect(page.locator("#current")).to_have_text("Completed" if step else "Summarized")
    run(page, "commit", again=True)
    expect(page.locator("#answer")).to_contain_text("commit: done.")
    expect(page.locator("#current")).to_have_text("Terminated")
    assert chain(page, FIRST)[-2:] == ["PingRegistryCompleted", "PingRegistryCommitted"]
    assert chain(page, INDEX) == ["PingRegistryStarted", "PingRegistryCompleted"]


@pytest.mark.exhaustive
def test_an_operation_that_is_refused_stops(page: Page) -> None:
    run(page, "begin")
    run(page, "commit")
    expect(page.locator("#answer")).to_contain_text("step 1 was refused, StateConflictError.")
    expect(page.locator("#operations .came[data-outcome=skipped]")).to_have_count(2)


def test_undo_and_start_over(page: Page) -> None:
    tell(page, "Init", "AppendPing", "Commit")
    page.locator("#undo").click()
    expect(page.locator("#current")).to_have_text("Appending")
    page.keyboard.press("Control+z")
    expect(page.locator("#current")).to_have_text("Initialized")
    expect(page.locator("#answer")).to_have_text("AppendPing was undone.")
    assert chain(page, FIRST) == ["PingRegistryStarted"]
    page.locator("#again").click()
    expect(page.locator("#current")).to_have_text("Uninitialized")
    assert page.url.partition("#")[2] == ""
    page.keyboard.press("Control+z")
    expect(page.locator("#current")).to_have_text("Uninitialized")


@pytest.mark.exhaustive
def test_undo_in_a_text_undoes_the_text(page: Page) -> None:
    tell(page, "Init")
    page.locator("[id$=-AppendPing-message]").fill("something else")
    page.keyboard.press("Control+z")
    expect(page.locator("#current")).to_have_text("Initialized")


@pytest.mark.exhaustive
def test_arrows_tell_their_commands(page: Page) -> None:
    drawing = page.locator(".drawing:not([hidden])")
    drawing.locator("tspan[data-command=Init][data-rule='Init.1']").click()
    expect(page.locator("#current")).to_have_text("Initialized")
    drawing.locator("tspan[data-command=PostSummary]").first.click()
    expect(page.locator("#current")).to_have_text("Summarized")
    drawing.locator("tspan[data-command=AbortExpired][data-rule='AbortExpired.1']").nth(2).click()
    expect(page.locator("#answer")).to_contain_text("AbortExpired to Ping registry 1")
    expect(page.locator("#current")).to_have_text("Completed")


def everything(page: Page) -> None:
    """A sequence with something of everything."""
    run(page, "begin")
    tell(page, "AppendPing", "PostSummary")
    page.locator("#vid").select_option(index=3)
    tell(page, "Commit")
    run(page, "commit", crash="1")
    tell(page, "Commit", "PostSummary")
    run(page, "commit")
    page.locator("#history-ping_registry-2").click()
    tell(page, "Commit", "Init")
    page.locator("[id$=-AppendPing-message]").fill('é "quoted" \\ 𝔘')
    page.locator("#vid").select_option(index=2)
    tell(page, "AppendPing")
    page.locator("[id$=-AppendPing-code]").fill("4000000000")
    tell(page, "AppendPing")
    page.locator(f"#{INDEX}").click()
    page.locator("[id$=-key-workflow_id]").select_option(label="Ping registry 2")
    tell(page, "BeginPingRegistry", "DeletePingRegistry", "Snapshot")


@pytest.mark.exhaustive
def test_a_shared_link_restores_everything(page: Page, open_page: Opened) -> None:
    everything(page)
    page.locator("#history-ping_registry-1").click()
    other = open_page(page.url)
    expect(other.locator("#answer")).to_contain_text("sequence was restored: actions 1 to")
    for part in ("#histories", "#sequence", "#now"):
        assert other.locator(part).inner_text() == page.locator(part).inner_text()
    for history in (FIRST, "history-ping_registry-2", INDEX):
        assert ids(other, history) == ids(page, history)
    assert other.locator("#text").input_value() == page.locator("#text").input_value()
    tell(other, "Delete")
    expect(other.locator("#current")).to_have_text("Deleted")


def test_a_link_opened_in_the_same_page(page: Page, url: str) -> None:
    tell(page, "Init", "AppendPing")
    shared = location(page)
    page.locator("#again").click()
    page.goto(shared)
    expect(page.locator("#current")).to_have_text("Appending")


@pytest.mark.exhaustive
def test_links_that_are_no_good(page: Page, url: str) -> None:
    tell(page, "Init", "AppendPing")
    version, mark, check, data = location(page).partition("#")[2].split(".")
    links = {
        "something": "no link of an explorer",
        "1.2.3": "no link of an explorer",
        f"3.{mark}.{check}.{data}": "another version of the explorer",
        f"2.{mark}.{check}.{data}": "damaged",
        f"{version}.other.{check}.{data}": "other charts",
        f"{version}.{mark}.{check}.{data[:-3]}": "damaged",
        f"{version}.{mark}.{check}.{data}A": "damaged",
    }
    for link, said in links.items():
        page.goto("about:blank")
        page.goto(f"{url}#{link}")
        expect(page.locator("#answer")).to_contain_text(said)
        expect(page.locator("#answer")).to_contain_text("Nothing was restored.")
        expect(page.locator("#current")).to_have_text("Uninitialized")
        tell(page, "Init")
        expect(page.locator("#current")).to_have_text("Initialized")


@pytest.mark.exhaustive
def test_from_disk(open_page: Opened, tmp_path: Path) -> None:
    (written,) = explorer.write(load_model(), tmp_path)
    page = open_page(written.as_uri())
    tell(page, "Init", "AppendPing")
    expect(page.locator("#current")).to_have_text("Appending")
    other = open_page(page.url)
    expect(other.locator("#current")).to_have_text("Appending")


@pytest.mark.exhaustive
def test_another_teams_charts(open_page: Opened, tmp_path: Path) -> None:
    model = read_model([OTHERS / "split_repo.yaml", OTHERS / "leases.yaml"])
    (written,) = explorer.write(model, tmp_path, package="theirs")
    page = open_page(written.as_uri())
    expect(page.locator("h1")).to_contain_text("Split repository")
    expect(page.locator("#operations-part")).to_be_hidden()
    tell(page, "Init")
    tell(page, "AcceptPlan")
    expect(page.locator("#answer")).to_contain_text("PlanTooEarlyError")
    tell(page, "PostAnalysis", "AcceptPlan", "StartCopy", "Fail")
    expect(page.locator("#current")).to_have_text("Failed")
    page.locator("#history-leases-1").click()
    tell(page, "TakeLease", "BreakLease")
    expect(page.locator("#current")).to_have_text("Broken")
    tell(page, "TakeLease")
    expect(page.locator("#answer")).to_contain_text("LeaseBrokenError")
    page.locator("[id$=-key-name]").fill("another")
    expect(page.locator("#current")).to_have_text("Free")
    tell(page, "TakeLease")
    expect(page.locator("article[data-selected] .entries > li")).to_have_count(2)


# --- The timeline, the states, and what just happened -----------------------------------------


def test_the_timeline_goes_through_workflows_and_the_index(page: Page) -> None:
    tell(page, "Init")
    page.locator("#history-ping_registry-2").click()
    tell(page, "Init", "AppendPing")
    page.locator(f"#{INDEX}").click()
    tell(page, "BeginPingRegistry")
    place, answer = page.locator("#place"), page.locator("#answer")
    expect(place).to_have_text("4 of 4: BeginPingRegistry")
    for undone, left in (("BeginPingRegistry", "Ping registry index 1"), ("AppendPing", None)):
        page.keyboard.press("Control+z")
        expect(answer).to_have_text(f"{undone} was undone.")
        expect(page.locator("#commands-of")).to_have_text(left or "Ping registry 2")
    expect(page.locator("#current")).to_have_text("Initialized")
    page.keyboard.press("Control+Shift+Z")
    expect(answer).to_contain_text("ServerPinged appended. Now Appending.")
    page.locator("#redo").click()
    assert chain(page, INDEX) == ["PingRegistryStarted"]
    expect(page.locator("#redo")).to_have_attribute("aria-disabled", "true")
    whole = ids(page, "history-ping_registry-2")
    page.locator("#timeline").fill("0")
    expect(place).to_have_text("0 of 4: the beginning")
    assert chain(page, "history-ping_registry-2") == chain(page, INDEX) == []
    # From a link too, and with the same ids as before.
    page.locator("#timeline").fill("3")
    assert ids(page, "history-ping_registry-2") == whole
    # What is sent now takes the place of what was undone.
    page.locator("#timeline").focus()
    page.keyboard.press("ArrowLeft")
    expect(place).to_have_text("2 of 4: Init")
    tell(page, "PostSummary")
    expect(place).to_have_text("3 of 3: PostSummary")


def test_a_state_says_what_it_allows_and_how_to_get_there(page: Page) -> None:
    page.locator(".drawing:not([hidden]) [data-state=Summarized]").click()
    about = page.locator("#about")
    expect(about).to_contain_text("Commit appends PingRegistryCompleted → Completed")
    expect(about).to_contain_text("Refused here: Init, AppendPing, PostSummary, End, Delete.")
    expect(about).to_contain_text("The shortest way for Ping registry 1: Init, PostSummary.")
    page.locator("#go").click()
    expect(page.locator("#current")).to_have_text("Summarized")
    state = page.locator(".drawing:not([hidden]) [data-state=Initialized]")
    state.focus()
    page.keyboard.press("Enter")
    expect(about).to_contain_text("No way leads there from the state of Ping registry 1.")
    page.keyboard.press("Escape")
    expect(about).to_be_hidden()
    expect(state).to_be_focused()


SEEN = """() => { window.seen = [];
  const look = ({ dataset }) => dataset?.along && seen.push(dataset.along);
  new MutationObserver((changes) => changes.forEach((each) => each.addedNodes.forEach(look)))
    .observe(document.querySelector("#scroller"), { childList: true, subtree: true }); }"""


def test_a_transition_runs_along_its_arrow_unless_less_motion_is_asked_for(page: Page) -> None:
    page.evaluate(SEEN)
    page.emulate_media(reduced_motion="reduce")
    tell(page, "Init")
    page.emulate_media(reduced_motion="no-preference")
    tell(page, "AppendPing", "Init", "PostSummary")
    along = "ping_registry-arrow-{}"
    assert page.evaluate("seen") == [
        along.format("Initialized-Appending-ServerPinged"),
        along.format("Appending-Summarized-ServerPingsGathered"),
    ]
    expect(page.locator(".traveller")).to_have_count(0)
    page.emulate_media(reduced_motion=None)


# --- The answer, the events, and what is copied -----------------------------------------------


def test_a_refused_operation_is_shown_as_refused(page: Page) -> None:
    run(page, "commit")
    answer = page.locator("#answer")
    expect(answer).to_have_attribute("data-outcome", "reject")
    expect(answer).to_contain_text("step 1 was refused")
    expect(answer).to_contain_text("Commit is allowed in Summarized")
    expect(answer).to_be_in_viewport()
    expect(page.locator("#sequence li .sign")).to_have_text("✕")
    run(page, "begin")
    expect(answer).to_have_attribute("data-outcome", "emit")


def test_an_operation_on_a_workflow_that_is_not_listed_says_so(page: Page) -> None:
    tell(page, "Init", "PostSummary")
    run(page, "commit")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("because it is not the one that is listed")
    expect(answer).not_to_contain_text("is allowed in")


def test_a_small_screen_has_the_whole_diagram_the_answer_and_the_timeline(
    open_page: Opened, url: str
) -> None:
    page = open_page(url, viewport={"width": 1280, "height": 800})
    tell(page, "Init")
    for part in ("#answer", "#undo", "#timeline"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    wider = "({ scrollWidth, clientWidth }) => scrollWidth - clientWidth"
    assert page.locator("#scroller").evaluate(wider) <= 0
    assert page.evaluate("scrollY") == 0


def test_a_copied_link_is_announced_where_it_is_asked_for(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tell(page, "Init")
    page.locator("#share").click()
    expect(page.locator("#shared")).to_have_text("✓ The link is on the clipboard.")
    expect(page.locator("#shared")).to_be_in_viewport()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_an_event_shows_its_bytes_field_by_field(page: Page) -> None:
    expect(page.locator("[id$=-AppendPing-message]")).to_have_value("message 1")
    tell(page, "Init", "AppendPing")
    expect(page.locator("[id$=-AppendPing-message]")).to_have_value("message 2")
    event = page.locator(f"article[aria-labelledby={FIRST}] .chain > li").last
    event.locator("summary").click()
    fields = event.locator(".hex button")
    # What is opened is made a moment after the click.
    expect(fields.first).to_have_text("08 70")
    fields.last.hover()
    expect(event.locator(".decoded")).to_have_text(
        'status_message, field 75, string: "message 1". 12 bytes.'
    )
    fields.first.focus()
    expect(event.locator(".decoded")).to_have_text(
        "event, field 1, int32: 112 (EV_FSO_SERVER_PINGED). 2 bytes."
    )
    # What was opened stays open.
    tell(page, "AppendPing")
    expect(page.locator(".hex")).to_have_count(1)


def test_a_long_run_of_events_is_collapsed(page: Page) -> None:
    tell(page, "Init")
    short = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate("for (let n = 0; n < 60; n++) document.getElementById('tell-AppendPing').click()")
    more = page.locator("summary", has_text="58 more ServerPinged")
    expect(more).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") < short + 1200
    more.click()
    card = page.locator(f"article[aria-labelledby={FIRST}]")
    expect(card.locator(".chain li > strong")).to_have_count(61)
