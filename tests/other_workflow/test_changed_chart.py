"""A chart that changes while histories of its earlier version are stored."""

from __future__ import annotations

import copy
import pickle
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    ChartChangedError,
    CorruptedDataError,
    Journal,
    JournalError,
    StateConflictError,
    open_journal,
)
from pingregistrywf.chart.lower import read_model
from pingregistrywf.chart.machine import Machine, OrderError
from pingregistrywf.generate import artefacts
from pingregistrywf.runtime.verify import verify

from .. import command_line
from ..properties.driven import Subject, drive, opener
from ..runtime.stocked import row_of, rows_of
from .changed import APPROVAL, BEGUN_OTHERWISE, RETIRED, REVIEWED_ONLY, changed, package_of


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
    for call in ("find_id", "approve"):
        more = (package.DECLARATION.state(approved).vid,) if call == "approve" else ()
        with pytest.raises(JournalError) as caught:
            getattr(package.Approvals(journal), call)(approved, *more)
        error = caught.value.err
        assert isinstance(error, ChartChangedError)
        assert (error.written.version, error.read.version) == ("1.0.0", "2.0.0")
        assert isinstance(error.err, StateConflictError)
        assert str(error).startswith(f"chart changed: replay event {error.event} of history")
        assert "chart approval 1.0.0" in str(error)
        assert "not allowed in Submitted" in str(error)
        assert pickle.loads(pickle.dumps(error)) == copy.copy(error) == error


def test_verify_says_under_which_version_an_event_was_written(
    journal: Journal, approved: UUID, tmp_path: Path
) -> None:
    package = package_of(changed(tmp_path, REVIEWED_ONLY))
    (fault,) = verify(journal, {"approval": package.DECLARATION})
    assert (fault.history, fault.serial) == (approved, 2)
    assert fault.what.startswith("it was written under chart approval 1.0.0")


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
    subject = Subject(
        read_model([path]).source["approval"], package_of(path), opener("memory", tmp_path)
    )
    drive(subject)


REVIEW = "{in: [Submitted, Reviewed], emit: Reviewed"
NEVER_REVIEWED = (f"{REVIEW}}}", f"{REVIEW}, retired: true}}")


@pytest.mark.parametrize("replacement", [NEVER_REVIEWED, BEGUN_OTHERWISE])
def test_the_suite_covers_what_commands_still_reach(
    tmp_path: Path, replacement: tuple[str, str]
) -> None:
    """The rules are retired that led to a state; the reference implementation conforms."""
    path = changed(tmp_path, replacement)
    assert artefacts.theirs(read_model([path]))
    adapter = shlex.join([sys.executable, "-m", "pingregistrywf", "adapter", "--model", str(path)])
    options = ("--model", str(path), "--adapter", adapter, "--bound", "n")
    done = command_line.run("conform", *options)
    assert done.returncode == 0, done.stdout
    assert "conforms" in done.stdout
