"""A chart that changes while histories of its earlier version are stored."""

from __future__ import annotations

import copy
import json
import pickle
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NIL,
    RETRY_NO_VC,
    ChartChangedError,
    CorruptedDataError,
    Journal,
    JournalError,
    StateConflictError,
    Ulid,
    open_journal,
)
from pingregistrywf.chart.lower import read_model
from pingregistrywf.chart.machine import Machine, OrderError
from pingregistrywf.generate import artefacts
from pingregistrywf.runtime.render import event_json
from pingregistrywf.runtime.verify import verify

from .. import command_line
from ..properties.driven import drive, opener
from ..runtime.stocked import digest, row_of, rows_of
from ..tiers import some
from .changed import APPROVAL, BEGUN_OTHERWISE, DEFAULT, RETIRED, REVIEWED_ONLY, changed, package_of


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'approvals.db'}"
    with open_journal(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def first() -> Any:
    """The package of the first version."""
    return package_of(APPROVAL)


@pytest.fixture
def approved(first: Any, journal: Journal) -> UUID:
    """A history of the first version: approved without a review."""
    history, approvals = uuid4(), first.Approvals(journal)
    vid = approvals.write(history, first.CmdWrite(author="Ann", text="Hello"))
    vid = approvals.submit(history, vid)
    approvals.approve(history, vid)
    return history


# --- Errors --------------------------------------------------------------------------------------


def test_an_event_of_another_version_is_told_from_a_damaged_one(
    journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    package = package_of(changed(tmp_path, REVIEWED_ONLY))
    calls: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("find_id", ()),
        ("events", ()),
        ("approve", (EPOCH,)),
        ("approve", (RETRY_NO_VC,)),
    )
    for call, more in calls:
        with pytest.raises(ChartChangedError) as caught:
            getattr(package.Approvals(journal), call)(approved, *more)
        assert isinstance(caught.value, JournalError)
        assert caught.value.retry == "never"
        error = caught.value.err
        assert isinstance(error, ChartChangedError)
        assert (error.written.version, error.read.version) == ("1.0.0", "2.0.0")
        assert isinstance(error.err, StateConflictError)
        assert str(error).startswith(f"chart changed: replay event {error.event} of history")
        assert "chart approval 1.0.0" in str(error)
        assert "not allowed in Submitted" in str(error)
        assert pickle.loads(pickle.dumps(error)) == copy.copy(error) == error


def test_verify_says_under_which_version_an_event_was_written(
    first: Any, journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    package = package_of(changed(tmp_path, REVIEWED_ONLY))
    (fault,) = verify(journal, {"approval": package.DECLARATION})
    assert (fault.history, fault.serial) == (approved, 2)
    assert fault.what.startswith("it was written under chart approval 1.0.0")
    assert fault.written == first.DECLARATION.identity


def test_a_wrong_order_under_the_same_version_is_damage(
    first: Any, approved: UUID, journal: Journal, tmp_path: Path
) -> None:
    entries = journal.read(approved).entries
    history = uuid4()
    again = [entries[0], entries[1]._replace(data=entries[2].data, id=entries[2].id)]
    journal.commit(history, journal.read(history).head, again, chart=first.DECLARATION.identity)
    package = package_of(changed(tmp_path, REVIEWED_ONLY))
    for each, kind in ((first, CorruptedDataError), (package, ChartChangedError)):
        with pytest.raises(JournalError) as caught:
            each.Approvals(journal).find_id(history)
        assert type(caught.value.err) is kind


def test_damaged_bytes_are_damage_under_every_version(first: Any, tmp_path: Path) -> None:
    path, history = tmp_path / "approvals.db", uuid4()
    with open_journal(f"sqlite:{path}") as journal:
        first.Approvals(journal).write(history, first.CmdWrite(author="Ann", text="Hello"))
    with rows_of(path) as connection:
        key = row_of(connection, history).key
        connection.execute("UPDATE event SET data = zeroblob(9) WHERE history = ?", (key,))
    package = package_of(changed(tmp_path, REVIEWED_ONLY))
    with open_journal(f"sqlite:{path}") as journal, pytest.raises(JournalError) as caught:
        package.Approvals(journal).find_id(history)
    assert type(caught.value.err) is CorruptedDataError


# --- Retired rules -------------------------------------------------------------------------------


def test_a_retired_rule_leaves_stored_histories_as_they_are(
    journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    package = package_of(changed(tmp_path, RETIRED))
    assert list(verify(journal, {"approval": package.DECLARATION})) == []
    approvals = package.Approvals(journal)
    assert approvals.find_id(approved).state_code is package.StateCode.APPROVED
    history = uuid4()
    vid = approvals.write(history, package.CmdWrite(author="Ann", text="Hello"))
    vid = approvals.submit(history, vid)
    with pytest.raises(StateConflictError):
        approvals.approve(history, vid)
    vid = approvals.review(history, vid, "Bea", "Good.")
    approvals.approve(history, vid)


def test_a_retired_rule_may_be_replaced_by_another(
    journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    replaced = f"{RETIRED[1]}      - {{in: [Submitted], noop: It waits for a review.}}\n"
    package = package_of(changed(tmp_path, (RETIRED[0], replaced)))
    approvals, history = package.Approvals(journal), uuid4()
    vid = approvals.write(history, package.CmdWrite(author="Ann", text="Hello"))
    vid = approvals.submit(history, vid)
    assert approvals.approve(history, vid) == vid
    assert approvals.find_id(approved).state_code is package.StateCode.APPROVED


def test_a_retired_rule_that_began_histories(
    first: Any, journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    """Its command goes on taking no version; another command begins histories now."""
    package = package_of(changed(tmp_path, BEGUN_OTHERWISE))
    approvals, history = package.Approvals(journal), uuid4()
    assert approvals.find_id(approved).state_code is package.StateCode.APPROVED
    with pytest.raises(StateConflictError):
        approvals.write(history, package.CmdWrite(author="Ann", text="Hello"))
    approvals.begin(history, package.CmdBegin(author="Ann", text="Hello"))
    assert approvals.find_id(history).state_code is package.StateCode.DRAFT


def test_the_hash_of_a_chart_with_a_retired_rule_is_its_own(tmp_path: Path) -> None:
    hashes = {
        read_model([changed(tmp_path, *replacements)]).main.sha256
        for replacements in ((), (REVIEWED_ONLY,), (RETIRED,))
    }
    assert len(hashes) == 3


def test_the_second_engine_knows_retired_rules(tmp_path: Path) -> None:
    machine = Machine(read_model([changed(tmp_path, RETIRED)]).source["approval"])
    assert machine.fold(["Drafted", "Submitted", "Approved"]) == "Approved"
    machine.reset("Submitted")
    assert machine.tell("Approve").error == "StateConflictError"
    strict = Machine(read_model([changed(tmp_path, REVIEWED_ONLY)]).source["approval"])
    with pytest.raises(OrderError):
        strict.fold(["Drafted", "Submitted", "Approved"])


@pytest.mark.slow
def test_random_commands_with_a_retired_rule(tmp_path: Path) -> None:
    path = changed(tmp_path, RETIRED)
    drive(package_of(path).Approvals, read_model([path]), opener("memory", tmp_path))


REVIEW = "{in: [Submitted, Reviewed], emit: Reviewed"
NEVER_REVIEWED = (f"{REVIEW}}}", f"{REVIEW}, retired: true}}")


@pytest.mark.slow
@pytest.mark.parametrize("replacement", some([NEVER_REVIEWED, BEGUN_OTHERWISE], every=2))
def test_the_suite_covers_what_commands_still_reach(
    tmp_path: Path, replacement: tuple[str, str]
) -> None:
    """The rules are retired that led to a state; the reference implementation conforms."""
    path = changed(tmp_path, replacement)
    conforms(path, "--level", "1-3")


def conforms(path: Path, *more: str) -> None:
    """The reference implementation of the chart conforms."""
    assert artefacts.theirs(read_model([path]))
    adapter = shlex.join([sys.executable, "-m", "pingregistrywf", "adapter", "--model", str(path)])
    options = ("--model", str(path), "--adapter", adapter, "--bound", "n")
    done = command_line.run("conform", *options, *more)
    assert done.returncode == 0, done.stdout
    assert "conforms" in done.stdout


# --- Defaults ------------------------------------------------------------------------------------


def test_a_default_stands_in_older_events(journal: Journal, approved: UUID, tmp_path: Path) -> None:
    package = package_of(changed(tmp_path, *DEFAULT))
    assert list(verify(journal, {"approval": package.DECLARATION})) == []
    approvals, history = package.Approvals(journal), uuid4()
    assert approvals.find_id(approved).language == "en"
    assert approvals.events(approved)[0].language == "en"
    approvals.write(history, package.CmdWrite(author="Ann", text="Salut", language="fr"))
    assert approvals.find_id(history).language == "fr"
    assert approvals.events(history)[0].language == "fr"


def test_older_events_keep_their_bytes(
    first: Any, journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    package = package_of(changed(tmp_path, *DEFAULT))
    (entry, *_) = journal.read(approved).entries
    event = package.Drafted.unmarshal_proto(entry.data)
    assert event.marshal_proto() == entry.data
    assert event == package.Drafted(id=entry.id, author="Ann", text="Hello")
    assert "language" not in event.model_fields_set
    newer = package.Drafted(id=entry.id, author="Ann", text="Hello", language="fr")
    assert first.Drafted.unmarshal_proto(newer.marshal_proto()).text == "Hello"


VALUES: dict[str, tuple[str, Any, Any]] = {
    "int32": ("7", 7, 0),
    "bool": ("true", True, False),
    "string": ('"a \\" b"', 'a " b', ""),
    "uuid": (
        "ABCDEF00-0000-4000-8000-000000000001",
        UUID("abcdef00-0000-4000-8000-000000000001"),
        NIL,
    ),
    "ulid": ("01ARYZ6S2CDCQ8YBGT5CY4TQKF", Ulid.parse("01ARYZ6S2CDCQ8YBGT5CY4TQKF"), EPOCH),
}


@pytest.mark.parametrize("kind", VALUES)
def test_zero_is_told_from_absent(first: Any, tmp_path: Path, kind: str) -> None:
    written, default, zero = VALUES[kind]
    field = "      reason: {type: string, wire: 15, doc: Why.}\n"
    argument = "      reason: {type: string, doc: Why.}\n"
    path = changed(
        tmp_path,
        (field, f"{field}      more: {{type: {kind}, wire: 99, default: {written}}}\n"),
        (argument, f"{argument}      more: {{type: {kind}}}\n"),
    )
    package = package_of(path)
    absent = package.Rejected(reason="No.")
    assert absent.more == default
    old = first.Rejected(reason="No.").marshal_proto()
    assert absent.marshal_proto() == old
    assert package.Event.unmarshal_proto(old) == absent
    for value in (default, zero):
        event = package.Rejected(reason="No.", more=value)
        assert len(event.marshal_proto()) > len(old)
        assert package.Event.unmarshal_proto(event.marshal_proto()) == event
    shown = event_json(package.DECLARATION, absent)
    assert shown["fields"] == {"reason": "No.", "more": plain(default)}
    assert json.loads(absent.model_dump_json()) == shown
    older = json.dumps(shown | {"fields": {"reason": "No."}})
    for text in (absent.model_dump_json(), older):
        assert package.Rejected.model_validate_json(text) == absent


def plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID | Ulid) else value


@pytest.mark.slow
def test_the_suite_knows_defaults(tmp_path: Path) -> None:
    """Its bytes are made without the package, and the reference implementation conforms."""
    conforms(changed(tmp_path, *DEFAULT), "--level", "1,3,4")


@pytest.mark.slow
def test_random_commands_with_a_default(tmp_path: Path) -> None:
    path = changed(tmp_path, *DEFAULT)
    drive(package_of(path).Approvals, read_model([path]), opener("memory", tmp_path))


# --- Before a new chart is deployed --------------------------------------------------------------


def test_a_new_chart_is_tried_on_a_journal(first: Any, tmp_path: Path) -> None:
    history, path = uuid4(), tmp_path / "approvals.db"
    with open_journal(f"sqlite:{path}") as opened:
        approvals = first.Approvals(opened)
        vid = approvals.write(history, first.CmdWrite(author="Ann", text="Hello"))
        approvals.approve(history, approvals.submit(history, vid))
    before = digest(path)

    def verified(*replacements: tuple[str, str]) -> CompletedProcess[str]:
        model = str(changed(tmp_path, *replacements))
        return command_line.run(
            "journal", "verify", "--journal", f"sqlite:{path}", "--model", model
        )

    assert verified(RETIRED).returncode == 0
    done = verified(REVIEWED_ONLY)
    assert done.returncode == 1
    assert f"history {history}, entry 2" in done.stdout
    assert "it was written under chart approval 1.0.0" in done.stdout
    assert "nothing is damaged: compare the two versions" in done.stderr
    assert digest(path) == before
    with rows_of(path) as connection:
        key = row_of(connection, history).key
        connection.execute(
            "UPDATE event SET data = zeroblob(9) WHERE history = ? AND serial = 0", (key,)
        )
    assert "restore a backup" in verified(REVIEWED_ONLY).stderr


def test_a_deletion_is_judged_by_the_version_that_it_was_made_under(
    first: Any, journal: Journal, tmp_path: Path
) -> None:
    rule = "  Delete:\n    rules:\n      - {in: [Rejected], delete: true}\n  Approve:\n"
    deleting = package_of(changed(tmp_path, ("  Approve:\n", rule)))
    approvals, history = deleting.Approvals(journal), uuid4()
    vid = approvals.write(history, deleting.CmdWrite(author="Ann", text="Hello"))
    vid = approvals.reject(history, approvals.submit(history, vid), "No.")
    approvals.delete(history, vid)
    for package in (deleting, first):
        assert list(verify(journal, {"approval": package.DECLARATION})) == []


@pytest.mark.parametrize("was", ["", "\nwas: approval"])
def test_histories_of_a_chart_that_was_renamed(first: Any, tmp_path: Path, was: str) -> None:
    url = f"sqlite:{tmp_path / 'approvals.db'}"
    with open_journal(url) as journal:
        first.Approvals(journal).write(uuid4(), first.CmdWrite(author="Ann", text="Hello"))
    model = str(changed(tmp_path, ("chart: approval\n", f"chart: consent{was}\n")))
    done = command_line.run("journal", "verify", "--journal", url, "--model", model)
    assert done.returncode == 0
    assert ("not known here" in done.stdout) is not bool(was)
