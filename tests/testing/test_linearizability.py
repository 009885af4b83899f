"""The checker of linearizability accepts what can be and finds what cannot; the journals pass."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf.runtime.errors import (
    DBError,
    HistoryDeletedError,
    JournalClosedError,
    VersionConflictError,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    Head,
    Journal,
    open_journal,
)
from pingregistrywf.testing.journal import CHART, chain
from pingregistrywf.testing.linearizability import (
    DONE,
    Call,
    Commit,
    Delete,
    HistoryModel,
    NotLinearizableError,
    Read,
    Recorder,
    Seen,
    linearize,
)

from ..clients import Careless, run_clients
from ..tiers import EXHAUSTIVE, SOAK

A, B, C = (Ulid(number.to_bytes(16)) for number in (1, 2, 3))
RUNS = 200 if SOAK else 20 if EXHAUSTIVE else 3


def commit(began: int, ended: int | None, after: Ulid, *ids: Ulid, answer: object = DONE) -> Call:
    return Call("writer", Commit(after, ids), began, ended, answer)


def read(began: int, ended: int, *ids: Ulid, head: Ulid | None = None) -> Call:
    shown = ids[-1] if ids else EPOCH
    return Call("reader", Read(), began, ended, Seen(ids, shown if head is None else head))


def delete(began: int, ended: int | None, after: Ulid, answer: object = DONE) -> Call:
    return Call("deleter", Delete(after), began, ended, answer)


def conflict(stored: Ulid, expected: Ulid) -> VersionConflictError:
    return VersionConflictError(stored, expected)


POSSIBLE = {
    "nothing": [],
    "one after another": [commit(0, 1, EPOCH, A), commit(2, 3, A, B, C), read(4, 5, A, B, C)],
    "a tail": [commit(0, 1, EPOCH, A), commit(2, 3, A, B), read(4, 5, B), read(6, 7, head=B)],
    "a read beside a commit, before it": [commit(0, 3, EPOCH, A), read(1, 2)],
    "a read beside a commit, after it": [commit(0, 3, EPOCH, A), read(1, 2, A)],
    "the loser is told of the winner": [
        commit(0, 3, EPOCH, A),
        commit(1, 2, EPOCH, B, answer=conflict(A, EPOCH)),
    ],
    "unknown, and done": [commit(0, None, EPOCH, A), read(1, 2, A)],
    "unknown, and not done": [commit(0, None, EPOCH, A), read(1, 2), commit(3, 4, EPOCH, B)],
    "unknown, and done late": [commit(0, None, EPOCH, A), read(1, 2), read(3, 4, A)],
    "a deletion": [
        commit(0, 1, EPOCH, A),
        delete(2, 3, A),
        read(4, 5),
        commit(6, 7, EPOCH, B, answer=HistoryDeletedError(uuid4())),
        commit(8, 9, A, B, answer=conflict(EPOCH, A)),
        delete(10, 11, A),
    ],
    "a deletion of nothing": [delete(0, 1, A), commit(2, 3, EPOCH, A)],
    "a deletion of unknown outcome, done late": [
        commit(0, 1, EPOCH, A),
        delete(2, None, A),
        read(3, 4, A),
        read(5, 6),
    ],
    "a deletion that is refused": [
        commit(0, 1, EPOCH, A, B),
        delete(2, 3, A, answer=conflict(B, A)),
        read(4, 5, A, B),
    ],
}
IMPOSSIBLE = {
    "a stale read": [commit(0, 1, EPOCH, A), read(2, 3)],
    "a read that goes back": [commit(0, 9, EPOCH, A), read(1, 2, A), read(3, 4)],
    "two winners": [commit(0, 2, EPOCH, A), commit(1, 3, EPOCH, B)],
    "a lost write": [commit(0, 1, EPOCH, A), commit(2, 3, A, B), read(4, 5, A)],
    "a doubled write": [commit(0, 1, EPOCH, A), read(2, 3, A, A)],
    "half of a commit": [commit(0, 3, EPOCH, A, B), read(1, 2, A)],
    "a write from nowhere": [read(0, 1, A)],
    "a write before it began": [read(0, 1, A), commit(2, 3, EPOCH, A)],
    "an unknown one before it began": [read(0, 1, A), commit(2, None, EPOCH, A)],
    "a refusal without a winner": [commit(0, 1, EPOCH, A, answer=conflict(B, EPOCH))],
    "a refusal that took effect": [
        commit(0, 1, EPOCH, A),
        commit(2, 3, EPOCH, B, answer=conflict(A, EPOCH)),
        read(4, 5, A, B),
    ],
    "an unknown one that came and went": [
        commit(0, None, EPOCH, A),
        read(1, 2, A),
        read(3, 4),
    ],
    "a deleted history that is read": [commit(0, 1, EPOCH, A), delete(2, 3, A), read(4, 5, A)],
    "a deletion at an old head": [commit(0, 1, EPOCH, A, B), delete(2, 3, A)],
    "a deletion beside a commit, both done": [
        commit(0, 1, EPOCH, A),
        delete(2, 4, A),
        commit(3, 5, A, B),
    ],
}


@pytest.mark.parametrize("calls", POSSIBLE.values(), ids=POSSIBLE)
def test_what_can_be_has_an_order(calls: list[Call]) -> None:
    order = linearize(calls, HistoryModel())
    assert set(order) >= {call for call in calls if call.ended is not None}
    for earlier, later in combinations(order, 2):
        assert later.ended is None or earlier.began < later.ended


@pytest.mark.parametrize("calls", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_has_none(calls: list[Call]) -> None:
    with pytest.raises(NotLinearizableError) as caught:
        linearize(calls, HistoryModel())
    assert all(str(call) in str(caught.value) for call in calls)


def test_calls_in_a_crowd_are_ordered_in_little_time() -> None:
    """Of 30 commits at once, each may be the next; the chain says which."""
    ids = [EPOCH, *(Ulid(number.to_bytes(16)) for number in range(1, 31))]
    crowd = [
        commit(number, 1000 + number, after, new)
        for number, (after, new) in enumerate(pairwise(ids))
    ]
    unknown = [commit(number, None, C, Ulid((500 + number).to_bytes(16))) for number in range(20)]
    order = linearize([*reversed(crowd), *unknown], HistoryModel())
    assert [call.operation for call in order if call in crowd] == [each.operation for each in crowd]


# --- The recorder --------------------------------------------------------------------------------


class Failing:
    """A journal of which commits fail, definitely or not."""

    def __init__(self, journal: Journal, error: Exception) -> None:
        self._journal = journal
        self._error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def commit(self, *args: Any, **options: Any) -> Head:
        raise self._error


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        (DBError("commit", ValueError(), definite=False), [None]),
        (DBError("commit", ValueError()), []),
        (JournalClosedError(), []),
        (VersionConflictError(A, EPOCH), [1]),
    ],
    ids=repr,
)
def test_a_failed_call_is_recorded_if_it_may_have_taken_effect(
    error: Exception, recorded: list[int | None]
) -> None:
    recorder, history = Recorder(), uuid4()
    with open_journal("memory:") as journal:
        client = recorder.recorded(Failing(journal, error), "client")  # type: ignore[arg-type]
        with pytest.raises(type(error)):
            client.commit(history, NO_HEAD, chain(EPOCH), chart=CHART)
    assert [call.ended for call in recorder.calls[history]] == recorded


# --- Journals ------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_journals_are_linearizable(kind: str, tmp_path: Path) -> None:
    answers = []
    for run in range(RUNS):
        url = "memory:" if kind == "memory" else f"sqlite:{tmp_path / f'{run}.db'}"
        recorder = Recorder()
        with open_journal(url) as one, open_journal(url) as other:
            run_clients([one] * 3 + [one if kind == "memory" else other] * 3, recorder, run)
        recorder.check()
        answers += [str(call) for calls in recorder.calls.values() for call in calls]
    for happened in (
        "commit .* done",
        "delete .* done",
        "read -> \\(.{5}",
        "conflict",
        "was deleted",
    ):
        assert any(re.search(happened, answer) for answer in answers), happened


def test_a_journal_that_compares_nothing_is_caught_within_five_runs() -> None:
    def is_caught(run: int) -> bool:
        recorder = Recorder()
        with open_journal("memory:") as journal:
            run_clients([Careless(journal)] * 6, recorder, run)
        try:
            recorder.check()
        except NotLinearizableError:
            return True
        return False

    assert any(is_caught(run) for run in range(5))
