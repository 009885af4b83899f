"""Runs commands on histories: reads, checks the version, decides, commits, retries, caches.

The cache holds only states that were durable in the journal, and no answer rests on it alone.  A
find, a noop, a refusal and a wrong version first read what came after the cached state.  A command
that appends need not: it is decided on the cached state, and the compare-and-set of its commit
proves that this state was the newest one.  If it was not, nothing was written; what came after is
read, and the command is decided again, as if it had just been given.  Where others append too, the
cached state is old as a rule, and is read on at once.  So the engine sees whatever another process
wrote, and also a delete (documentation: Behaviour, section 8, point 4).

Where the journal's keeper decides the commands, the engine asks the keeper, and only reads itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar
from uuid import UUID

from pingregistrywf.runtime.behavior import Behavior, decide, evolve
from pingregistrywf.runtime.deciding import Deciding
from pingregistrywf.runtime.decisions import Decision
from pingregistrywf.runtime.errors import (
    ChartChangedError,
    CorruptedDataError,
    InvalidCommandError,
    JournalError,
    JournalLevelError,
    RetryNoVCError,
    VersionConflictError,
    WorkflowError,
)
from pingregistrywf.runtime.ids import (
    EPOCH,
    NO_VC,
    RETRY_NO_VC,
    IdSource,
    Ulid,
    UlidSource,
    VersionControl,
    Vid,
    is_marked,
)
from pingregistrywf.runtime.journal.history import Entry, Head, Reading
from pingregistrywf.runtime.journal.protocol import Journal, WorkflowJournal
from pingregistrywf.runtime.replay import replay
from pingregistrywf.runtime.values import Command, Event
from pingregistrywf.runtime.wire import codec_of

S = TypeVar("S")
E = TypeVar("E", bound=Event)

ATTEMPTS: Final = 6
"""How often a command is tried under ``RETRY_NO_VC`` (documentation: Behaviour, section 3)."""
JITTER: Final = 0.005
"""The longest pause between two attempts, in seconds."""
CACHED_STATES: Final = 1024
"""How many histories' states an engine keeps."""


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[E]):
    """The events that a command appended, and the history's vid (the epoch if it was deleted)."""

    vid: Ulid
    events: tuple[E, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint(Generic[S]):
    """A position in a history, and the history's state there.

    Attributes:
        head: the position.
        state: the state.
        origin: the id of the history's first event; the epoch if there is none, or if what was read
            begins later, as in a history that was trimmed.
        shared: whether others appended there after this engine had read it.
    """

    head: Head
    state: S
    origin: Ulid = EPOCH
    shared: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Changes(Generic[S, E]):
    """What changed in a history since a checkpoint, and the checkpoint where it is now.

    If the history no longer contains the old checkpoint, ``continues`` is False and ``events``
    begin the history anew.
    """

    checkpoint: Checkpoint[S]
    events: tuple[E, ...]
    continues: bool


View: TypeAlias = Callable[[Checkpoint[S]], Checkpoint[S]]
"""What a command is to see of what was read.  To see nothing else, it returns its argument."""

_Done: TypeAlias = tuple[CommandResult[E], Checkpoint[S] | None]
"""What a command did, and what is then known of the history."""


class Engine(Generic[S, E]):
    """One chart on one journal.  Safe to share between threads.

    ``Facade``, which users make, passes its own arguments on and documents them.
    """

    def __init__(
        self,
        behavior: type[Behavior[S, E, Any]],
        journal: WorkflowJournal,
        *,
        ids: IdSource | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.declaration = behavior.declaration
        self.journal = journal
        self.decider = journal if isinstance(journal, Deciding) else None
        self._ids = ids if ids is not None else UlidSource(journal.clock)
        self._behavior = behavior(self._ids)
        self._sleep = sleep
        self._jitter = jitter
        self._codec = codec_of(self.declaration)
        # Least recently used first.  Every operation on it is atomic by itself, so it needs no lock
        # (which a fork could inherit locked).  A lost race costs only a longer read.
        self._cache: dict[int, Checkpoint[S]] = {}

    def tell(
        self, history: UUID, vid: Vid, command: Command, *, view: View[S] | None = None
    ) -> CommandResult[E]:
        """Run a command; the vid is the expected head, ``NO_VC`` or ``RETRY_NO_VC``.

        A command that begins a history ignores the vid: if it loses the race, the result is as if
        it had come second.

        Args:
            view: what the command sees, asked on each attempt.  What it returns is what the version
                is checked against and what the command is decided on.  If that is not what was
                read, anything to be written is a version conflict.  What it raises is raised.

        Raises:
            InvalidCommandError: malformed arguments; nothing was read.
            JournalError: a version conflict, or whatever else the journal raised.
            NewEventsError: an event could not be made.
            BehaviorError: the chart refuses the command.
        """
        declaration = self.declaration
        if type(command) not in declaration.table:
            raise InvalidCommandError(
                f"{type(command).__name__} is no command of {declaration.name}"
            )
        check_history(history)
        if type(command) in declaration.starting:
            vid = RETRY_NO_VC
        elif not isinstance(vid, Ulid | VersionControl):
            raise InvalidCommandError(f"a vid is a Ulid, NO_VC or RETRY_NO_VC, not {vid!r}")
        elif vid is RETRY_NO_VC and type(command) in declaration.deleting:
            vid = NO_VC
        if self.decider is not None:
            return self._ask(self.decider, history, vid, command, view)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._tell_once(history, vid, command, view)
            except JournalError:  # of the view
                raise
            except VersionConflictError as conflict:
                if vid is not RETRY_NO_VC:
                    raise JournalError(conflict) from conflict
                _log_lost(history, command, attempt, conflict)
                if attempt == ATTEMPTS:
                    raise JournalError(RetryNoVCError(conflict)) from conflict
            except JournalLevelError as error:
                raise JournalError(error) from error
            self._sleep(self._jitter() * JITTER)
        raise AssertionError("unreachable")

    def find(self, history: UUID) -> S:
        """Return the history's state; that of an empty history if it has no event.

        Raises:
            InvalidCommandError: the id is not a UUID, or nil.
            JournalError: whatever the journal raised.
        """
        return self.checkpoint(history).state

    def checkpoint(self, history: UUID) -> Checkpoint[S]:
        """Return where the history is now, at the cost of ``find``.

        Raises:
            InvalidCommandError: the id is not a UUID, or nil.
            JournalError: whatever the journal raised.
        """
        check_history(history)
        try:
            loaded = self._load(history)
        except JournalLevelError as error:
            raise JournalError(error) from error
        self._keep(history, loaded)
        return loaded

    def read_on(
        self, history: UUID, since: Checkpoint[S] | None = None, *, whole: bool = False
    ) -> Changes[S, E]:
        """Return what is new in a history.  The cost depends on what is new, not on the length.

        Args:
            history: the history's id.
            since: the checkpoint of the changes read before; None at first.
            whole: events that do not continue from ``since`` begin at the history's first visible
                event, and not at its newest restart point.

        Raises:
            InvalidCommandError: the id is not a UUID, or nil.
            JournalError: whatever the journal raised.
        """
        check_history(history)
        try:
            reading = self.journal.read(history, since.head if since else None, whole=whole)
            unchanged = _unchanged(since, reading)
            if unchanged is not None:
                return Changes(unchanged, (), continues=True)
            events: list[E] = []
            checkpoint = self._advance(history, since, reading, events)
            return Changes(checkpoint, tuple(events), reading.continues)
        except JournalLevelError as error:
            raise JournalError(error) from error

    def remembered(self, history: UUID, vid: Ulid) -> Checkpoint[S] | None:
        """Return the checkpoint of the cached state, if it is at that vid."""
        cached = self._cache.get(history.int)
        return cached if cached is not None and cached.head.vid == vid else None

    def events(self, history: UUID) -> tuple[E, ...]:
        """Return a history's events from its first visible one, oldest first, checked by replay.

        Raises:
            InvalidCommandError: the id is not a UUID, or nil.
            JournalError: whatever the journal raised.
        """
        return self.read_on(history, whole=True).events

    def happened(
        self, history: UUID, attempted: Iterable[Ulid], marks: Iterable[bytes] = ()
    ) -> bool:
        """Return whether the history holds any of these events.

        Commits that were under way are waited for.  The cost depends on what is new.

        Args:
            history: the history's id.
            attempted: the ids of events; ``WorkflowError.attempted`` has those of a command.
            marks: the marks of commands, whose events are looked for as well.

        Raises:
            InvalidCommandError: the history's id is not a UUID, or nil, or there are no ids.
            JournalError: whatever the journal raised.
        """
        check_history(history)
        ids, marks = frozenset(attempted), frozenset(marks)
        if not ids and not marks:
            raise InvalidCommandError("no event's id was given to look for")
        cached = None if marks else self._cache.get(history.int)
        since = cached.head if cached is not None and cached.head.vid < min(ids) else None
        try:
            if self.decider is not None:
                return self.decider.happened(self.declaration, history, ids)
            with self.journal.exclusive(history):
                reading = self.journal.read(history, since, whole=True)
        except JournalLevelError as error:
            raise JournalError(error) from error
        return any(
            each.id in ids or any(is_marked(each.id, each.parent, mark) for mark in marks)
            for each in reading.entries
        )

    def draw(self) -> Ulid:
        """Return an id that marks what the journal's keeper is asked to do."""
        return self._ids.next(EPOCH)

    def decoded(self, events: Iterable[bytes]) -> tuple[E, ...]:
        """Return the events that the journal's keeper answered with."""
        return tuple(self._codec.decode(each) for each in events)  # type: ignore[misc]

    def _ask(
        self,
        decider: Deciding,
        history: UUID,
        vid: Vid,
        command: Command,
        view: View[S] | None,
    ) -> CommandResult[E]:
        if view is not None:
            raise TypeError("the keeper of this journal decides commands on all that is there")
        drawn = self.draw()
        try:
            decided = decider.tell(self.declaration, history, vid, command, drawn)
        except JournalLevelError as error:
            raise unanswered(error, drawn) from error
        return CommandResult(decided.vid, self.decoded(decided.events))

    def _tell_once(
        self, history: UUID, vid: Vid, command: Command, view: View[S] | None
    ) -> CommandResult[E]:
        unversioned = isinstance(vid, VersionControl)
        cached = self._cache.get(history.int)
        done: _Done[E, S] | None = None
        try:
            with self.journal.exclusive(history) if unversioned else nullcontext():
                if cached is not None and (
                    vid == cached.head.vid or (unversioned and not cached.shared)
                ):
                    done = self._append_unread(history, cached, command, view)
                if done is None:
                    done = self._append_read(history, vid, command, view)
        except JournalLevelError as error:
            if done is not None:
                _note_attempted(error, done[0].events)
            raise
        # Only now is it durable, so the cache may hold what was read and written inside.
        result, loaded = done
        self._keep(history, loaded)
        return result

    def _append_unread(
        self, history: UUID, cached: Checkpoint[S], command: Command, view: View[S] | None
    ) -> _Done[E, S] | None:
        """Run a command that appends events to the cached state, if that is the newest.

        Return None if nothing was written, for whatever reason: what the command does must then be
        decided on what is read.
        """
        try:
            if view is not None and view(cached) is not cached:
                return None
            decision = decide(self.declaration, cached.state, command)
            if not decision.drafts:
                return None
            events = self._behavior.draw(cached.state, decision)
        except WorkflowError:
            return None
        try:
            return self._commit(history, cached, decision, events)
        except VersionConflictError:
            return None

    def _append_read(
        self, history: UUID, vid: Vid, command: Command, view: View[S] | None
    ) -> _Done[E, S]:
        """Run a command on what is read."""
        read = self._load(history)
        seen = read if view is None else view(read)
        if isinstance(vid, Ulid) and vid != seen.head.vid:
            raise VersionConflictError(seen.head.vid, vid)
        decision = decide(self.declaration, seen.state, command)
        if seen is not read and (decision.drafts or decision.deletes):
            raise VersionConflictError(read.head.vid, seen.head.vid)
        if decision.deletes:
            self.journal.delete(history, read.head)
            return CommandResult(EPOCH), None
        if not decision.drafts:
            return CommandResult(seen.head.vid), read
        return self._commit(history, read, decision, self._behavior.draw(read.state, decision))

    def _commit(
        self, history: UUID, after: Checkpoint[S], decision: Decision, events: tuple[E, ...]
    ) -> _Done[E, S]:
        try:
            head = self.journal.commit(
                history,
                after.head,
                [Entry(each.id, each.parent, self._codec.encode(each)) for each in events],
                chart=self.declaration.identity,
                restart=decision.restart,
            )
        except JournalLevelError as error:
            _note_attempted(error, events)
            raise
        state = after.state
        for event in events:
            state = evolve(self.declaration, state, event)
        origin = after.origin if after.head.vid else events[0].id
        return CommandResult(head.vid, events), Checkpoint(head, state, origin, after.shared)

    def _load(self, history: UUID) -> Checkpoint[S]:
        since = self._cache.get(history.int)
        reading = self.journal.read(history, since.head if since else None)
        unchanged = _unchanged(since, reading)
        return unchanged or self._advance(history, since, reading)

    def _advance(
        self,
        history: UUID,
        since: Checkpoint[S] | None,
        reading: Reading,
        events: list[E] | None = None,
    ) -> Checkpoint[S]:
        if since is not None and since.head.vid and reading.continues:
            state, origin = since.state, since.origin
        else:
            state = self._behavior.new_state(history)
            origin = reading.entries[0].id if reading.entries and reading.rooted else EPOCH
        try:
            state = replay(self.declaration, history, state, reading, events)
        except CorruptedDataError as error:
            raise self._explained(history, error) from error.err
        return Checkpoint(reading.head, state, origin, shared=since is not None)

    def _explained(self, history: UUID, error: CorruptedDataError) -> CorruptedDataError:
        """Tell an event that was written under another chart from a damaged one."""
        if error.event is None or not isinstance(self.journal, Journal):
            return error
        with suppress(JournalLevelError):
            for scanned in self.journal.scan(history):
                written, read = scanned.chart_of(error.event), self.declaration.identity
                if written is not None and written.is_another_than(read):
                    return ChartChangedError(error, written, read)
        return error

    def _keep(self, history: UUID, loaded: Checkpoint[S] | None) -> None:
        self._cache.pop(history.int, None)
        if loaded is None or not loaded.head.vid:
            return
        self._cache[history.int] = loaded
        if len(self._cache) > CACHED_STATES:
            # Another thread may evict the same entry, or change the dictionary under the iterator.
            with suppress(KeyError, RuntimeError, StopIteration):
                del self._cache[next(iter(self._cache))]


def _unchanged(since: Checkpoint[S] | None, reading: Reading) -> Checkpoint[S] | None:
    """Return the checkpoint that was read from, if nothing follows it."""
    if since is None or reading.entries or not reading.continues:
        return None
    if reading.head is since.head and not since.shared:
        return since
    # What a journal read just now may know more: it can prove such a head with less work.
    return Checkpoint(reading.head, since.state, since.origin)


def _log_lost(
    history: UUID, command: Command, attempt: int, conflict: VersionConflictError
) -> None:
    from logging import DEBUG  # a memory journal that nobody races for does without

    from pingregistrywf.runtime.log import COMMANDS, logged

    logged(
        COMMANDS,
        "lost a race",
        DEBUG,
        command=type(command).__name__,
        history=history,
        attempt=attempt,
        stored=conflict.stored,
        expected=conflict.expected,
    )


def unanswered(error: JournalLevelError, drawn: Ulid) -> JournalError:
    """Return the error of a command that a journal's keeper was asked for, with what it may have
    appended: the events that are marked with an id."""
    if not error.definite and not error.attempted:
        error.attempted = (drawn,)
    return JournalError(error)


def _note_attempted(error: JournalLevelError, events: tuple[Event, ...]) -> None:
    """Write into an error which events may be in the history nevertheless."""
    if not error.definite:
        error.attempted = tuple(each.id for each in events)


def check_history(history: UUID) -> None:
    """Check that this can be a history's id.

    Raises:
        InvalidCommandError: it is not a UUID, or nil.
    """
    if not isinstance(history, UUID) or not history.int:
        raise InvalidCommandError(f"a history's id is a UUID that is not nil, not {history!r}")
