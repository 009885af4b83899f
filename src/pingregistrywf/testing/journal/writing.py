"""What the tests of a journal write into it, and how they read it back."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from pingregistrywf.runtime.ids import Ulid, UlidSource
from pingregistrywf.runtime.journal import (
    NO_HEAD,
    Appended,
    Change,
    ChartIdentity,
    Entry,
    Head,
    Journal,
    Position,
)
from pingregistrywf.testing.clock import DAY, TurnedClock

CHART = ChartIdentity("pings", "1.2.0", "ab" * 32)

IDS = UlidSource()


def chain(after: Ulid, count: int = 1, data: bytes = b"data") -> list[Entry]:
    """New entries that follow one another."""
    entries = []
    for number in range(count):
        entry = Entry(IDS.next(after), after, data + str(number).encode())
        entries.append(entry)
        after = entry.id
    return entries


def post(journal: Journal, history: UUID, after: Head, count: int = 1) -> tuple[Head, list[Entry]]:
    """Commit new entries."""
    entries = chain(after.vid, count)
    return journal.commit(history, after, entries, chart=CHART), entries


def read_feed(
    journal: Journal, after: Position | None = None, limit: int = 1000
) -> tuple[list[Change], Position]:
    """Read the changes after a position, so many at once, until there is none; and the new one."""
    changes: list[Change] = []
    with journal.feed(after) as feed:
        while some := feed.read(limit):
            assert len(some) <= limit
            changes += some
        assert feed.position is not None
        return changes, feed.position


def given(changes: Sequence[Change]) -> list[tuple[UUID, object]]:
    """What a feed gave: the entries, and the vids of what was deleted."""
    return [
        (each.history, each.entry if isinstance(each, Appended) else each.vid) for each in changes
    ]


def post_snapshot(
    journal: Journal, history: UUID, after: Head, count: int = 2
) -> tuple[Head, list[Entry]]:
    """Commit new entries that begin with a restart point."""
    entries = chain(after.vid, count, b"snapshot")
    return journal.commit(history, after, entries, chart=CHART, restart=True), entries


def fill(journal: Journal, clock: TurnedClock) -> dict[str, UUID]:
    """Histories of each kind, the newest time of which is the clock's."""
    names = ("plain", "trimmed", "twice trimmed", "deleted", "emptied", "freed")
    ids = {name: uuid4() for name in names}
    start = clock.now
    for name in ("freed", "emptied"):
        journal.delete(ids[name], post(journal, ids[name], NO_HEAD, 3)[0])
        clock.now += 16 * DAY
    head, _ = post(journal, ids["twice trimmed"], NO_HEAD, 3)
    head, _ = post_snapshot(journal, ids["twice trimmed"], head)
    assert journal.trim(ids["twice trimmed"], start)
    journal.collect()
    head, _ = post_snapshot(journal, ids["twice trimmed"], head, 4)
    assert journal.trim(ids["twice trimmed"])
    head, _ = post(journal, ids["trimmed"], NO_HEAD, 2)
    head, _ = post_snapshot(journal, ids["trimmed"], head)
    head, _ = post_snapshot(journal, ids["trimmed"], head)
    assert journal.trim(ids["trimmed"])
    post_snapshot(journal, ids["trimmed"], head)
    post(journal, ids["plain"], NO_HEAD, 12)
    journal.delete(ids["deleted"], post(journal, ids["deleted"], NO_HEAD)[0])
    return ids


def positions(journal: Journal) -> list[int]:
    """The positions of the entries that are stored."""
    return [written.position for scanned in journal.scan() for written in scanned.written]


def by_position(journal: Journal) -> list[Ulid]:
    """The ids of the entries that are stored, in the order of commit."""
    found = [
        (written.position, entry.id)
        for scanned in journal.scan()
        for written, (_, entry) in zip(scanned.written, scanned.entries, strict=True)
    ]
    return [own for _, own in sorted(found)]
