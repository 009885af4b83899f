"""A full check of what a journal holds: every row, every chain, against its chart.

``WorkflowJournal.read`` stops at the first fault and hides what is deleted or trimmed.  This check
looks at everything that is stored, and goes on after a fault, so that each is found with its place.
A history is sound if the chart's commands could have written it, as far as its events are still
there: garbage collection removes the oldest first.  Of a history whose chart is not known, only the
bytes and the chain are checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

from pingregistrywf.runtime.behavior import check, check_end, evolve
from pingregistrywf.runtime.declaration import Declaration, Delete
from pingregistrywf.runtime.errors import (
    BehaviorError,
    EventTypeError,
    Fault,
    JournalEntryParentMismatchError,
    MalformedEventError,
    Note,
)
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry
from pingregistrywf.runtime.journal.inspection import Scanned, Stored
from pingregistrywf.runtime.journal.protocol import OperatorJournal
from pingregistrywf.runtime.journal.retention import Retention, garbage
from pingregistrywf.runtime.values import Event
from pingregistrywf.runtime.wire import codec_of

Declarations: TypeAlias = Mapping[str, Declaration]
"""The charts that are known, by name."""


def verify(journal: OperatorJournal, declarations: Declarations) -> Iterator[Fault]:
    """Iterate over every fault of a journal; there is none if it is sound.

    Raises:
        DBError: the database failed.
    """
    now = journal.clock()
    for scanned in journal.scan():
        yield from faults_of(scanned, declarations, journal.retention, now)


def faults_of(
    scanned: Scanned, declarations: Declarations, retention: Retention, now: float
) -> tuple[Fault, ...]:
    """Return every fault of a history that a journal scanned, in the order of its entries.

    What garbage collection may have removed by ``now``, in seconds since the Unix epoch, is not
    missed.
    """
    faults = list(scanned.faults)
    if scanned.stored is not None:
        history = _History(scanned.stored, scanned, _collecting(scanned.stored, retention, now))
        faults += history.row()
        faults += history.chain()
        declaration = declarations.get(scanned.stored.chart)
        if declaration is not None:
            faults += history.replay(declaration)
    return tuple(sorted(faults, key=lambda fault: -1 if fault.serial is None else fault.serial))


def notes_of(scanned: Scanned) -> tuple[Note, ...]:
    """Return what is unusual in a history, though no fault.

    Within one millisecond the 2019 package drew the ids of events at random (documentation:
    Behaviour, section 8, point 9), so that a history of its making may hold events whose ids do not
    grow.
    """
    unordered = [
        (serial, entry.id)
        for (_, before), (serial, entry) in pairwise(scanned.entries)
        if entry.id < before.id and entry.id.milliseconds == before.id.milliseconds
    ]
    if not unordered or scanned.stored is None:
        return ()
    count = "one id does" if len(unordered) == 1 else f"{len(unordered)} ids do"
    what = f"{count} not grow within one millisecond; here is the first"
    return (Note(what, scanned.stored.id, *unordered[0]),)


def unknown_charts(histories: Iterable[Stored], declarations: Declarations) -> Mapping[str, int]:
    """Return the charts that are not known, each with the number of histories that follow it."""
    return Counter(each.chart for each in histories if each.chart not in declarations)


def _collecting(stored: Stored, retention: Retention, now: float) -> bool:
    """Whether garbage collection may be at work, so that any number of entries is gone."""
    emptied = stored.deleted_at is not None and stored.first == stored.end
    return emptied or garbage(stored, retention, now).before > 0


@dataclass(frozen=True, slots=True)
class _History:
    """What is to be checked of one history."""

    stored: Stored
    scanned: Scanned
    collecting: bool

    def fault(self, what: str, serial: int | None = None, id: Ulid | None = None) -> Fault:
        return Fault(what, self.stored.id, serial, id)

    def refusal(
        self,
        what: str,
        serial: int,
        id: Ulid,
        declaration: Declaration,
        written: ChartIdentity | None,
    ) -> Fault:
        """Return the fault of an event that the chart refuses; say if it knew another version."""
        if written is None or not written.is_another_than(declaration.identity):
            return self.fault(what, serial, id)
        changed = f"it was written under {written}, and {declaration.identity} refuses it: {what}"
        return Fault(changed, self.stored.id, serial, id, written)

    def row(self) -> Iterator[Fault]:
        """Find contradictions in what the history records of itself."""
        stored, trims = self.stored, self.stored.trims
        if not 0 <= stored.start <= stored.restart < stored.end or stored.first < 0:
            yield self.fault(
                f"its start {stored.start}, restart point {stored.restart} and end {stored.end}"
                " contradict each other"
            )
        if (stored.start > 0) is (stored.trimmed_at is None):
            yield self.fault("its start and the time of its last trim contradict each other")
        elif trims and stored.trimmed_at is not None:
            starts = [0, *(trim.start for trim in trims)]
            newest = trims[-1]
            if (
                any(one >= other for one, other in pairwise(starts))
                or any(one.at > other.at for one, other in pairwise(trims))
                or newest.start > stored.start
                or newest.at > stored.trimmed_at
                or (newest.start == stored.start and newest.at != stored.trimmed_at)
            ):
                yield self.fault("its trims contradict each other")

    def chain(self) -> Iterator[Fault]:
        """Find missing entries, and links between entries that are wrong."""
        stored = self.stored
        damaged = {each.serial for each in self.scanned.faults if each.serial is not None}
        present = sorted(damaged | {serial for serial, _ in self.scanned.entries})
        expected = self._oldest()
        for serial in [*(each for each in present if each < stored.end), stored.end]:
            if serial > expected:
                count = serial - expected
                what = "the event" if count == 1 else f"{count} events, from this on,"
                yield self.fault(f"{what} must be here, and is missing", expected)
            expected = max(expected, serial + 1)
        before: tuple[int, Ulid] = (-1, EPOCH)
        ids: set[Ulid] = set()
        for serial, entry in self.scanned.entries:
            if serial >= stored.end:
                yield self.fault("it lies beyond the head", serial, entry.id)
                continue
            yield from self._link(serial, entry, before)
            if entry.id in ids:
                yield self.fault("it is doubled: an earlier event has its id", serial, entry.id)
            elif entry.id.milliseconds < before[1].milliseconds:
                what = f"it is out of order: its time is before that of event {before[1]}"
                yield self.fault(what, serial, entry.id)
            ids.add(entry.id)
            before = (serial, entry.id)
        if before != (stored.end - 1, stored.vid):
            whole = not self.collecting or stored.first < stored.end
            if whole and stored.end > 0 and stored.end - 1 not in damaged:
                yield self.fault(
                    f"the head points nowhere: event {stored.vid} is not the last", stored.end - 1
                )

    def _oldest(self) -> int:
        """The serial of the oldest entry that must be there."""
        stored = self.stored
        if stored.deleted_at is not None and self.collecting:
            return stored.first
        oldest = min(stored.first, stored.start)
        if stored.trims and not self.collecting:
            # That trim left at least one entry to be removed later.
            return min(oldest, stored.trims[0].start - 1)
        return oldest

    def _link(self, serial: int, entry: Entry, before: tuple[int, Ulid]) -> Iterator[Fault]:
        last, previous = before
        if serial > 0 and not entry.parent:
            yield self.fault("its parent is the epoch, but it is not the first", serial, entry.id)
        elif last == serial - 1 and entry.parent != previous:
            mismatch = JournalEntryParentMismatchError(entry.id, entry.parent, previous)
            yield self.fault(str(mismatch), serial, entry.id)

    def replay(self, declaration: Declaration) -> Iterator[Fault]:
        """Find events that the chart does not allow."""
        stored, replay = self.stored, _Replay(declaration, self.stored)
        if declaration.keyed and stored.first > stored.start:
            return  # nobody knows any more what its entries amount to
        # Of what garbage collection is removing, the rest begins anywhere.
        oldest = min(stored.first, stored.start)
        first = stored.start if self.collecting and stored.first > 0 else oldest
        starts = {stored.start, stored.restart, first} - {0}
        serials = (serial for serial, _ in self.scanned.entries)
        charts = dict(zip(serials, (each.chart for each in self.scanned.written), strict=False))
        expected, sound = first, True
        for serial, entry in self.scanned.entries:
            if not first <= serial < stored.end:
                continue
            if serial != expected:
                replay.skip()
                sound = False
            expected = serial + 1
            faults = list(replay.take(entry, starts=serial in starts))
            sound = sound and not faults
            for what in faults:
                yield self.refusal(what, serial, entry.id, declaration, charts.get(serial))
        if expected == stored.end and first < stored.end:
            written = self.scanned.chart_of(stored.vid)
            # Under which version it was deleted is not recorded.
            judged = sound and not (written and written.is_another_than(declaration.identity))
            deleted = stored.deleted_at is not None and judged
            yield from map(self.fault, replay.end(deleted=deleted))


class _Replay:
    """Folds events into a state, and goes on after those that the chart does not allow.

    After a refused event, the events that follow may belong to the state without it or to the one
    with it: both are kept, until one of them refuses.  After missing events, the next one of each
    key is believed.  So one wrong or missing event is one fault, most often.
    """

    def __init__(self, declaration: Declaration, stored: Stored) -> None:
        self._declaration = declaration
        self._codec = codec_of(declaration)
        self._key = declaration.keyed.key if declaration.keyed else ""
        self._states: list[Any] = [declaration.state(stored.id)]
        self._complete = stored.first == 0  # the state holds all that it must
        self._known: set[object] | None = None  # the keys whose state is known; None for all

    def skip(self) -> None:
        """Events are missing: whatever follows may be right."""
        self._complete, self._known = False, set()
        if self._declaration.keyed:
            self._states = [replace(state, rewritten=None) for state in self._states]

    def take(self, entry: Entry, *, starts: bool) -> Iterator[str]:
        """Find faults of the next event, where a reader may start if ``starts`` is true."""
        try:
            event = self._codec.decode(entry.data)
        except (EventTypeError, MalformedEventError) as error:
            yield str(error)
            self.skip()
            return
        if event.id != entry.id or event.parent != entry.parent:
            yield "its bytes name another id or parent than its entry"
        role = self._declaration.by_event[type(event)].rewrite
        if starts and role != "begin":
            yield "readers start here, but no snapshot begins, or the events before it are missing"
        judged, ends = self._judges(event), role == "end"
        differs = (each.rewritten not in (None, each.entries) for each in self._states)
        if ends and self._complete and all(differs):
            yield "the snapshot that ends here is not what the events before it amount to"
        yield from self._advance(event, judged=judged)
        if ends and judged:
            self._complete, self._known = True, None

    def _judges(self, event: Event) -> bool:
        """Whether the state is known that the event must follow."""
        if self._known is None:
            return True
        key = getattr(event, self._key, None)
        judges = key in self._known
        self._known.add(key)
        return judges

    def _advance(self, event: Event, *, judged: bool) -> Iterator[str]:
        after, refusals = [], []
        for state in self._states:
            try:
                if judged:
                    check(self._declaration, state, event)
            except (BehaviorError, EventTypeError, MalformedEventError) as error:
                refusals.append(str(error))
            else:
                after.append(evolve(self._declaration, state, event))
        if not after:
            yield refusals[0]
            after = [self._states[0], evolve(self._declaration, self._states[0], event)]
        self._states = after

    def end(self, *, deleted: bool) -> Iterator[str]:
        """Find faults of the end, where the chart must allow a delete if there was one."""
        state, chart = self._states[0], self._declaration
        try:
            check_end(state)
        except BehaviorError as error:
            yield str(error)
        if deleted and not (
            chart.deleting
            if chart.keyed
            else any(isinstance(row[state.state_code], Delete) for row in chart.table.values())
        ):
            yield "it is deleted, which the chart does not allow where its events end"
