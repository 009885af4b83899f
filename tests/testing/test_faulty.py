"""A journal that fails on demand: how each failure looks to a facade, and what was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    RETRY_NO_VC,
    CmdInit,
    DBError,
    DiskFullError,
    Journal,
    JournalClosedError,
    RetryNoVCError,
    VersionConflictError,
    WorkflowError,
    Workflows,
    open_journal,
)
from pingregistrywf.testing import Failure, FaultyJournal

WORKFLOW = UUID(int=1)
INIT = CmdInit(registry_id=UUID(int=2))


@pytest.fixture(params=["memory", "sqlite"])
def inner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    url = "memory:" if request.param == "memory" else f"sqlite:{tmp_path / 'j.db'}"
    with open_journal(url) as opened:
        yield opened


@pytest.fixture
def journal(inner: Journal) -> FaultyJournal:
    return FaultyJournal(inner)


@pytest.fixture
def workflows(journal: FaultyJournal) -> Workflows:
    workflows = Workflows(journal, sleep=lambda _: None)
    workflows.init(WORKFLOW, INIT)
    return workflows


def test_without_a_failure_all_is_passed_on(journal: FaultyJournal, workflows: Workflows) -> None:
    workflows.append_ping(WORKFLOW, NO_VC, 0, "well")
    assert isinstance(journal, Journal)
    assert journal.url == journal.wrapped.url
    assert [each.id for each in journal.histories()] == [WORKFLOW]
    with journal.feed() as feed:
        assert len(feed.read()) == 2


@pytest.mark.parametrize(
    ("failure", "error", "definite", "written"),
    [
        (Failure.CONFLICT, VersionConflictError, True, 0),
        (Failure.DISK_FULL, DiskFullError, True, 0),
        (Failure.LOST_REQUEST, DBError, False, 0),
        (Failure.LOST_ANSWER, DBError, False, 1),
    ],
)
def test_a_failure(
    journal: FaultyJournal,
    workflows: Workflows,
    failure: Failure,
    error: type[WorkflowError],
    definite: bool,
    written: int,
) -> None:
    with journal.failing(failure), pytest.raises(error) as caught:
        workflows.append_ping(WORKFLOW, NO_VC, 0, "well")
    assert caught.value.definite is definite
    assert len(workflows.events(WORKFLOW)) == 1 + written
    if not definite:
        assert workflows.happened(WORKFLOW, caught.value.attempted) is bool(written)
    workflows.append_ping(WORKFLOW, NO_VC, 0, "well")
    assert len(workflows.events(WORKFLOW)) == 2 + written


def test_a_closed_journal_stays_closed(journal: FaultyJournal, workflows: Workflows) -> None:
    journal.fail(Failure.CLOSED)
    for _ in range(2):
        with pytest.raises(JournalClosedError):
            workflows.append_ping(WORKFLOW, NO_VC, 0, "well")
    with pytest.raises(JournalClosedError):
        workflows.find_id(WORKFLOW)


def test_failures_come_in_the_order_asked_for(journal: FaultyJournal, workflows: Workflows) -> None:
    journal.fail(Failure.DISK_FULL, times=2)
    journal.fail(Failure.LOST_REQUEST)
    for kind in (DiskFullError, DiskFullError, DBError):
        with pytest.raises(kind) as caught:
            workflows.append_ping(WORKFLOW, NO_VC, 0, "well")
        assert caught.value.definite is (kind is DiskFullError)
    workflows.append_ping(WORKFLOW, NO_VC, 0, "well")


def test_a_deletion_fails_too(journal: FaultyJournal, workflows: Workflows) -> None:
    vid = workflows.abort_expired(WORKFLOW, NO_VC)
    journal.fail(Failure.DISK_FULL)
    with pytest.raises(DiskFullError):
        workflows.delete(WORKFLOW, vid)
    assert workflows.find_id(WORKFLOW).vid == vid
    journal.fail(Failure.LOST_ANSWER)
    with pytest.raises(DBError):
        workflows.delete(WORKFLOW, vid)
    assert workflows.events(WORKFLOW) == ()


def test_a_conflict_is_tried_again_where_no_vid_is_asked(
    journal: FaultyJournal, workflows: Workflows
) -> None:
    journal.fail(Failure.CONFLICT, times=3)
    vid = workflows.append_ping(WORKFLOW, RETRY_NO_VC, 0, "well")
    assert vid > EPOCH
    with journal.failing(Failure.CONFLICT), pytest.raises(RetryNoVCError):
        workflows.append_ping(WORKFLOW, RETRY_NO_VC, 0, "well")
    assert workflows.find_id(WORKFLOW).vid == vid
