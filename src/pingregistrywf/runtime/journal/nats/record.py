"""What the messages of a history say: one kind for events, one for trims, one for the deletion.

The messages of a history are all those of its subject, oldest first.  The payload of a message is
its event's bytes, unchanged.  One header, ``Pingregistrywf``, holds in JSON what the journal knows:
of the event, its id, parent and chart; and of the history as it is with this message, everything
else, so that the newest message tells all.  Another header is a checksum of the whole.  No two
writes have the same one, so that it tells a writer its own message.

A message may hold several events, one after another, since an atomic batch has at most
``MOST_MESSAGES``; larger commits share them out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from uuid import UUID

from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import NO_HEAD, ChartIdentity, Entry, Head
from pingregistrywf.runtime.journal.inspection import Stored, Trim

HEADER: Final = "Pingregistrywf"
CHECK: Final = "Pingregistrywf-Check"
EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"
MOST_MESSAGES: Final = 1000
"""The most messages that the server takes in one atomic batch."""


class DamagedError(Exception):
    """A stored message is not what was written."""


class Point(NamedTuple):
    """A place where reading a history may begin.

    Attributes:
        serial: of the first entry from there.
        after: a sequence in the stream that is less than that of this entry, and the greatest such
            one of the history if it is known.
    """

    serial: int
    after: int = 0


_ORIGIN: Final = Point(0)


class PastTrim(NamedTuple):
    """A trim, and the point to which it moved the history's start."""

    at: float
    start: Point


@dataclass(frozen=True, slots=True)
class Row:
    """What a history says of itself, in each of its messages.

    Attributes:
        birth: tells the history from a later one of the same id.
        chart: the name of the chart that its first event was written under.
        vid: the id of its newest entry.
        end: the serial that the next entry would have.
        start: its first visible entry.
        restart: the entry where a reader may start.
        size: how many bytes of events it has had in all.
        base: the serial of the first entry that was taken in; 0 for a history that began here.
        trims: those whose entries may still be stored, oldest first.
        trimmed_at: when it was last trimmed, in seconds since the Unix epoch.
        deleted_at: when it was deleted, likewise.
    """

    birth: str
    chart: str
    vid: Ulid = EPOCH
    end: int = 0
    start: Point = _ORIGIN
    restart: Point = _ORIGIN
    size: int = 0
    base: int = 0
    trims: tuple[PastTrim, ...] = ()
    trimmed_at: float | None = None
    deleted_at: float | None = None

    @classmethod
    def begun(cls, chart: str) -> Row:
        """Return the row of a history before its first entry."""
        return cls(secrets.token_hex(8), chart)

    def extended(self, entries: Sequence[Entry]) -> Row:
        """Return the row with more entries."""
        # Written out, since it is part of every commit.
        return Row(
            self.birth,
            self.chart,
            entries[-1].id,
            self.end + len(entries),
            self.start,
            self.restart,
            self.size + sum(len(entry.data) for entry in entries),
            self.base,
            self.trims,
            self.trimmed_at,
        )

    def trimmed(self, at: float) -> Row:
        """Return the row after a trim, which moves the start to the restart point."""
        trims = (*self.trims, PastTrim(at, self.restart))
        return replace(self, start=self.restart, trims=trims, trimmed_at=at)

    def stored(self, history: UUID, first: int, size: int = 0) -> Stored:
        """Return what the history says of itself.

        Args:
            history: its id.
            first: the serial of the oldest entry that is still stored.
            size: how many bytes of events it holds.
        """
        return Stored(
            history,
            self.chart,
            self.vid,
            first,
            self.start.serial,
            self.restart.serial,
            self.end,
            self.deleted_at,
            self.trimmed_at,
            # A trim is over once its entries are gone.
            tuple(Trim(each.at, each.start.serial) for each in self.trims if each.start[0] > first),
            size,
        )


@dataclass(frozen=True, slots=True)
class Token:
    """What a head of this backend knows: where it is, and all that an append after it needs."""

    history: UUID
    birth: str
    serial: int
    sequence: int = field(compare=False)
    row: Row = field(compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is to be published."""

    text: str
    check: str
    payload: bytes

    def headers(self) -> dict[str, str]:
        """Return the headers that it is stored with."""
        return {HEADER: self.text, CHECK: self.check}


class Raw(NamedTuple):
    """A message as the server has it.

    Attributes:
        subject: its subject.
        sequence: its place in the stream.
        headers: its headers.
        payload: its payload; None if only headers were asked for.
        time: when it was stored, in nanoseconds since the Unix epoch; 0 if it was asked for alone.
    """

    subject: str
    sequence: int
    headers: Mapping[str, str]
    payload: bytes | None
    time: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """What a stored message says.

    Attributes:
        history: whose it is.
        sequence: its place in the stream.
        row: the history with this message.
        ids: the ids of its events, and the lengths of their bytes; none for a trim or a deletion.
        parent: the parent of the first of these.
        chart: the chart that they were written under.
        check: the checksum.
        expected: the sequence of the history's message before it, if it was published alone or as
            the first of a batch.
        payload: the events' bytes; None if only headers were asked for.
        time: that of the message.
    """

    history: UUID
    sequence: int
    row: Row
    ids: tuple[tuple[Ulid, int], ...]
    parent: Ulid
    chart: ChartIdentity
    check: str
    expected: int | None
    payload: bytes | None = field(repr=False)
    time: int = 0

    @property
    def first(self) -> int:
        """The serial of its first entry; ``row.end`` if there is none."""
        return self.row.end - len(self.ids)

    @property
    def size(self) -> int:
        """How many bytes of events it holds."""
        return sum(length for _, length in self.ids)

    @property
    def head(self) -> Head:
        """The history's head, if this is its newest message."""
        if self.row.deleted_at is not None:
            return NO_HEAD
        token = Token(self.history, self.row.birth, self.row.end, self.sequence, self.row)
        return Head(self.row.vid, token)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Iterate over its entries, each behind its serial."""
        payload, parent, begin = self.payload or b"", self.parent, 0
        for serial, (own, length) in enumerate(self.ids, self.first):
            yield serial, Entry(own, parent, payload[begin : begin + length])
            parent, begin = own, begin + length


def messages(
    subject: str, row: Row, entries: Sequence[Entry], chart: ChartIdentity, limit: int
) -> tuple[list[Message], Row]:
    """Return the messages that append entries to a history, and the history after them.

    Args:
        subject: that of the history.
        row: the history before, but for ``restart``, which is that after.
        entries: what is appended.
        chart: the chart that the entries are written under.
        limit: how many messages there may be at most.
    """
    some = -(-len(entries) // limit)
    made = []
    for begin in range(0, len(entries), some):
        part = entries[begin : begin + some]
        row = row.extended(part)
        made.append(_message(subject, row, part, part[0].parent, chart))
    return made, row


def mark(subject: str, row: Row) -> Message:
    """Return the message of a trim or a deletion, after which the history is as ``row`` says."""
    return _message(subject, row, (), row.vid, None)


def _message(
    subject: str,
    row: Row,
    entries: Sequence[Entry],
    parent: Ulid,
    chart: ChartIdentity | None,
) -> Message:
    fields: dict[str, Any] = {
        "entries": [(str(entry.id), len(entry.data)) for entry in entries],
        "parent": str(parent),
        "birth": row.birth,
        "chart": row.chart,
        "end": row.end,
        "start": row.start,
        "restart": row.restart,
        "size": row.size,
        # Makes the checksum that of this write alone: others may write the same at the same place.
        "write": secrets.token_hex(8),
    }
    if chart is not None:
        fields["written"] = (chart.name, chart.version, chart.sha256)
    if row.base:
        fields["base"] = row.base
    if row.trims:
        fields["trims"] = row.trims
    if row.trimmed_at is not None:
        fields["trimmed_at"] = row.trimmed_at
    if row.deleted_at is not None:
        fields["deleted_at"] = row.deleted_at
    text = json.dumps(fields, separators=(",", ":"))
    payload = b"".join(entry.data for entry in entries)
    return Message(text, _checksum(subject, text, payload), payload)


def decode(raw: Raw) -> Record:
    """Read a stored message.

    Raises:
        DamagedError: it is not what was written.
    """
    text, check = raw.headers.get(HEADER), raw.headers.get(CHECK)
    place = f"message {raw.sequence} of {raw.subject}"
    if text is None or check is None:
        raise DamagedError(f"{place} is none of this journal")
    if raw.payload is not None and _checksum(raw.subject, text, raw.payload) != check:
        raise DamagedError(f"{place} does not match its checksum")
    try:
        return _record(raw, json.loads(text), check)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(f"{place} cannot be read: {error}") from None


def _record(raw: Raw, fields: Mapping[str, Any], check: str) -> Record:
    ids = tuple((Ulid.parse(own), length) for own, length in fields["entries"])
    parent = Ulid.parse(fields["parent"])
    row = Row(
        fields["birth"],
        fields["chart"],
        ids[-1][0] if ids else parent,
        fields["end"],
        Point(*fields["start"]),
        Point(*fields["restart"]),
        fields["size"],
        fields.get("base", 0),
        tuple(PastTrim(at, Point(*start)) for at, start in fields.get("trims", ())),
        fields.get("trimmed_at"),
        fields.get("deleted_at"),
    )
    expected = raw.headers.get(EXPECTED)
    return Record(
        history_of(raw.subject),
        raw.sequence,
        row,
        ids,
        parent,
        ChartIdentity(*fields.get("written", (row.chart,))),
        check,
        None if expected is None else int(expected),
        raw.payload,
        raw.time,
    )


def history_of(subject: str) -> UUID:
    """Return whose subject it is.

    Raises:
        ValueError: it is no history's.
    """
    return UUID(hex=subject.rpartition(".")[2])


def _checksum(subject: str, text: str, payload: bytes) -> str:
    hashed = blake2b(digest_size=8)
    for part in (subject.encode(), text.encode(), payload):
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()
