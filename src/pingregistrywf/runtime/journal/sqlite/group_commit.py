"""The queue of threads that write to one file, and the one flush that they share.

A *turn* is one thread's time with the write connection, given in the order in which threads came.
Threads that follow one another closely form a *batch*: one transaction, begun by the first and
committed by the last, when nobody else waits or the batch is large or old enough.  Every one of
them leaves its turn only when the batch is on the disk, or with the error that kept it from there:
also one that wrote nothing, since it may have read what others of the batch wrote.

Threads that shared a flush go on at the same moment, and the first that writes again finds nobody
waiting.  It does not flush alone: a batch waits a moment for as many turns as the batch before had.

Inside a turn, *steps* are all or nothing (``Batch.step``).  Processes queue at the process lock; a
process holds it for one batch.

A thread waits for its turn until a deadline of its own, which counts from when it asked: also
behind others that wait, it gives up in time.

A thread in its turn must not wait for another thread's: that one may be waiting for the batch.
"""

from __future__ import annotations

import copy
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Final
from uuid import UUID

from pingregistrywf.runtime.errors import (
    CorruptedDataError,
    DBError,
    JournalLevelError,
    JournalUnusableError,
    LockTimeoutError,
)
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.journal.sqlite import ledger, records
from pingregistrywf.runtime.journal.sqlite.failures import failure
from pingregistrywf.runtime.journal.sqlite.guard import FileGuard, FileLostError
from pingregistrywf.runtime.journal.sqlite.log import LogLimit
from pingregistrywf.runtime.journal.sqlite.pool import ConnectionPool
from pingregistrywf.runtime.journal.sqlite.process_lock import WAITING, ProcessLock
from pingregistrywf.runtime.journal.sqlite.schema import Role, execute_when_free
from pingregistrywf.runtime.log import await_noticed

MOST_TURNS: Final = 64
"""A batch takes no more turns than this, and none more after ``MOST_SECONDS``."""
MOST_SECONDS: Final = 0.02

COMPANY_SECONDS: Final = 0.001
"""How long a batch waits for each turn that the batch before had and it has not."""

_COMMITTING: Final = "waiting for the commit"
_TURN_SECONDS: Final = 0.001
"""A turn that is over so soon relies on the look that it began with."""
_NOTHING_WRITTEN: Final = (
    "the journal's files were moved or removed meanwhile, and nothing was written: run again"
)
_IN_DOUBT: Final = "the journal's files were moved or removed meanwhile: see what was written"
_here: Final = threading.local()


def _files_here() -> set[str]:
    """The files on which this thread is in a turn, by whichever journal object."""
    try:
        files: set[str] = _here.files
    except AttributeError:
        files = _here.files = set()
    return files


class Batch:
    """A transaction that several turns share.

    Attributes:
        connection: the write connection, inside of the transaction.
        changed: the histories that it changes.
        positions: those that its events take.
        turns: how many turns it took.
        witness: tells on a new connection whether the batch is in the file.
        error: once it is done, what kept it from the disk.
        flushing: whether its last turn is over.

    Args:
        connection: as above.
        chart_keys: the durable keys of charts, as far as they are known.
    """

    def __init__(
        self, connection: sqlite3.Connection, chart_keys: dict[ChartIdentity, int]
    ) -> None:
        self.connection = connection
        self._chart_keys = chart_keys
        self.changed: set[UUID] = set()
        self.witness: Callable[[sqlite3.Connection], bool] | None = None
        self.turns = 0
        self.error: DBError | CorruptedDataError | None = None
        self.flushing = False
        self._done = Lock()
        self._done.acquire()
        self._found: tuple[UUID, int, records.History | None] | None = None
        self.positions = range(0)
        self._before = connection.total_changes
        self._old = time.monotonic() + MOST_SECONDS

    @property
    def dirty(self) -> bool:
        """Whether there is anything to make durable."""
        return self.connection.total_changes != self._before

    @property
    def full(self) -> bool:
        return self.error is not None or self.turns >= MOST_TURNS or time.monotonic() >= self._old

    def check(self) -> None:
        """Raise if the transaction is lost; what follows must not run outside of it."""
        if self.error is not None:
            raise copy.copy(self.error)

    def forget_found(self) -> None:
        """Ask again, as something was undone."""
        self._found = None

    def has_found(self, history: UUID) -> bool:
        """Whether ``find`` knows the answer without asking."""
        return self._found is not None and self._found[:2] == (
            history,
            self.connection.total_changes,
        )

    def find(self, history: UUID) -> records.History | None:
        """``records.find``, asked once as long as nothing is written: a command reads and commits.

        Raises:
            CorruptedDataError: the history is not what was written.
        """
        if self._found is None or not self.has_found(history):
            found = records.find(self.connection, history)
            self._found = history, self.connection.total_changes, found
        return self._found[2]

    @property
    def next_position(self) -> int:
        """The position of the next event in the order of commit."""
        if not self.positions.stop:
            start = ledger.next_position(self.connection)
            self.positions = range(start, start)
        return self.positions.stop

    def take_positions(self, count: int) -> range:
        """Return the positions of the next events in the order of commit."""
        start = self.next_position
        self.positions = range(self.positions.start, start + count)
        return range(start, start + count)

    def known_chart_key(self, chart: ChartIdentity) -> int | None:
        """The key of a chart, if it was asked for before; keys never change."""
        return self._chart_keys.get(chart)

    def chart_key(self, chart: ChartIdentity) -> int:
        """``ledger.chart_key``, asked once for each chart."""
        key = self.known_chart_key(chart)
        if key is None:
            key = ledger.chart_key(self.connection, chart)
            if not self.dirty:  # it was there before
                self._chart_keys[chart] = key
        return key

    def step(self, *, single: bool = False) -> Step:
        """Return the context of what is written as a whole, or not at all.

        Args:
            single: whether it is written by one statement, which SQLite undoes by itself.
        """
        return Step(self, single=single)

    def wait(self, timeout: float = -1) -> bool:
        """Wait until the batch is durable or has failed, for at most ``timeout`` seconds if given.

        Return whether it is.
        """
        done = self._done.acquire(timeout=timeout)
        if done:
            self._done.release()
        return done

    def end(self) -> None:
        """Let those go on who wait."""
        self._done.release()

    def commit(self, guard: FileGuard) -> bool:
        """Make it durable; ``error`` tells if that failed.

        Return True if it is in doubt, because the journal's files were moved or removed meanwhile.
        """
        dirty = self.dirty
        if self.error is None:
            try:
                guard.look(_TURN_SECONDS)
                self.connection.execute("COMMIT")
                if dirty:
                    guard.look()
            except FileLostError:
                if not self.connection.in_transaction:
                    return True
                self.error = DBError("committing", RuntimeError(_NOTHING_WRITTEN))
            except sqlite3.Error as error:
                self.error = failure("committing", error, committing=True)
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
        return False


class Step:
    """The context of a step of a batch.

    The first step that writes needs no savepoint: undoing it undoes the whole transaction.
    """

    __slots__ = ("_batch", "_before", "_positions", "_savepoint", "_single")

    def __init__(self, batch: Batch, *, single: bool) -> None:
        self._batch = batch
        self._single = single
        self._savepoint = False

    def __enter__(self) -> None:
        batch = self._batch
        batch.check()
        self._positions, self._before = batch.positions, batch.connection.total_changes
        if not self._single and batch.dirty:
            batch.connection.execute("SAVEPOINT step")
            self._savepoint = True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None and self._savepoint:
            try:
                self._batch.connection.execute("RELEASE step")
            except BaseException as failed:
                self._undo(failed)
                raise
        elif error is not None:
            self._undo(error)

    def _undo(self, cause: BaseException) -> None:
        batch, execute = self._batch, self._batch.connection.execute
        if self._single and batch.connection.total_changes != self._before:
            return  # the user interrupts, and might as well have done so later
        batch.forget_found()
        batch.positions = self._positions  # so that none stays unused
        try:
            if self._savepoint:
                execute("ROLLBACK TO step")
                execute("RELEASE step")
            elif not self._single:
                execute("ROLLBACK")
                execute("BEGIN IMMEDIATE")
            elif not batch.connection.in_transaction:
                raise sqlite3.OperationalError("SQLite has undone the transaction of all")
        except sqlite3.Error as error:
            # A full disk, for example, makes SQLite undo the transaction of all.
            root = cause if isinstance(cause, sqlite3.Error) else error
            batch.error = failure("writing to the journal", root)


class _Mine(threading.local):
    """What each thread has for itself."""

    batch: Batch | None = None


class GroupCommit:
    """Gives turns to the threads of this process.

    Args:
        publish: is called with a batch that changed something, once it is durable.
        timeout: seconds that a thread waits for its turn, however many wait before it.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        process_lock: ProcessLock,
        publish: Callable[[Batch], None],
        timeout: float,
    ) -> None:
        self._pool = pool
        self._process_lock = process_lock
        self._publish = publish
        self._timeout = timeout
        self._file: Final = str(process_lock.path)
        self._log_limit: Final = LogLimit()
        self._chart_keys: Final[dict[ChartIdentity, int]] = {}
        self._mutex = threading.RLock()
        self._waiting: deque[Lock] = deque()
        self._taken = False
        self._batch: Batch | None = None
        self._company = 1  # the turns of the batch before
        self._expecting: Lock | None = None
        self._mine = _Mine()
        self._closed = False
        self._abandoned = False

    @property
    def mine(self) -> Batch | None:
        """The batch of the turn that this thread is in."""
        return self._mine.batch

    def turn(self) -> Turn:
        """Return the context of a turn, or of the one that this thread is in."""
        return Turn(self)

    def enter(self) -> Batch:
        """Begin a turn, which ``leave`` ends; see ``Turn``."""
        files = _files_here()
        if self._file in files:
            reason = (
                "this thread is in a turn of another journal object for the same file, which it"
                " would wait for without end: use that object"
            )
            raise JournalUnusableError(WAITING, RuntimeError(reason))
        files.add(self._file)
        try:
            batch = self._mine.batch = self._enter()
        except BaseException:
            files.discard(self._file)
            raise
        return batch

    def leave(self, batch: Batch) -> None:
        """End a turn, and wait until its batch is durable."""
        self._mine.batch = None
        try:
            if not self._abandoned:
                self._leave(batch)
        finally:
            _files_here().discard(self._file)

    def close(self) -> None:
        """Close the process lock, now or after the turns that are under way or waited for."""
        with self._mutex:
            self._closed = True
            if not self._taken:
                self._process_lock.close()

    def abandon(self) -> None:
        """In a forked child: a turn in which the thread was forked belongs to the parent."""
        self._abandoned = True
        _files_here().discard(self._file)
        self._process_lock.forget()

    def _enter(self) -> Batch:
        deadline = time.monotonic() + self._timeout
        self._queue(deadline)
        if self._batch is None:
            try:
                self._batch = self._begin(deadline)
            except BaseException:
                self._pass_on()
                raise
        return self._batch

    def _queue(self, deadline: float) -> None:
        """Wait until the turn is this thread's."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return
            called = Lock()
            called.acquire()
            self._waiting.append(called)
            if self._expecting is not None:
                self._expecting.release()
                self._expecting = None
        try:
            in_time = await_noticed(
                lambda seconds: called.acquire(timeout=seconds),
                _seconds_until(deadline),
                WAITING,
                self._process_lock.holder,
            )
        except BaseException:  # the user interrupts
            if not self._stop_waiting(called):
                self._decline()
            raise
        if not in_time and self._stop_waiting(called):
            raise self._timed_out(self._process_lock.holder())

    def _stop_waiting(self, called: Lock) -> bool:
        """Leave the queue; False if the turn was given at the same moment."""
        with self._mutex:
            waits = called in self._waiting
            if waits:
                self._waiting.remove(called)
            return waits

    def _timed_out(self, holder: str) -> LockTimeoutError:
        reason = (
            f"gave up after {self._timeout:g} s, while {holder} holds the turn:"
            " wait until it is done, or end it, and run again"
        )
        return LockTimeoutError(WAITING, TimeoutError(reason))

    def _decline(self) -> None:
        """Let the next have the turn, and end the batch if there is no next."""
        with self._mutex:
            batch = None if self._waiting else self._batch
        if batch is None:
            self._pass_on()
        else:
            self._flush(batch)

    def _begin(self, deadline: float) -> Batch:
        self._pool.check_open()
        try:
            holder = self._process_lock.acquire(_seconds_until(deadline))
        except OSError as error:
            raise DBError(WAITING, error) from error
        if holder is not None:
            raise self._timed_out(holder)
        try:
            connection = self._pool.take(Role.WRITER)
            try:
                execute_when_free(connection, "BEGIN IMMEDIATE", deadline)
                return Batch(connection, self._chart_keys)
            except BaseException as error:
                self._pool.give(Role.WRITER, connection, sound=False)
                if isinstance(error, sqlite3.Error):
                    raise failure(WAITING, error) from error
                raise
        except BaseException:
            self._process_lock.release()
            raise

    def _leave(self, batch: Batch) -> None:
        batch.turns += 1
        try:
            if batch.turns < self._company and batch.dirty and not batch.full:
                self._expect_company()
        finally:
            self._end_turn(batch)

    def _expect_company(self) -> None:
        """Wait until another thread waits for its turn, but not for long."""
        with self._mutex:
            if self._waiting:
                return
            expecting = self._expecting = Lock()
            expecting.acquire()
        expecting.acquire(timeout=COMPANY_SECONDS)
        with self._mutex:
            self._expecting = None

    def _end_turn(self, batch: Batch) -> None:
        with self._mutex:
            last = not self._waiting or batch.full
            if not last:
                dirty = batch.dirty
                self._waiting.popleft().release()
        if last:
            self._flush(batch)
        elif dirty:
            self._await(batch)
        else:
            return
        batch.check()

    def _await(self, batch: Batch) -> None:
        """Wait until the last turn of the batch is over and the batch is on the disk.

        A thread that does not leave its turn is waited for as long as one that has the turn; a
        slow disk is waited for without a limit.
        """
        if await_noticed(batch.wait, self._timeout, _COMMITTING, self._process_lock.holder):
            return
        if not batch.flushing:
            reason = (
                f"gave up after {self._timeout:g} s, while another thread of this process stays in"
                " its turn: what was written may still become durable"
            )
            raise LockTimeoutError(_COMMITTING, TimeoutError(reason), definite=False)
        batch.wait()

    def _flush(self, batch: Batch) -> None:
        batch.flushing = True
        connection: sqlite3.Connection | None = batch.connection
        try:
            if batch.commit(self._pool.guard):
                connection = self._settle(batch)
            elif batch.error is None:
                self._log_limit.enforce(batch.connection, self._pool.guard.log_size)
        except BaseException:
            batch.error = DBError("committing", RuntimeError("it was interrupted"), definite=False)
            raise
        finally:
            self._batch = None
            self._company = batch.turns
            sound = batch.error is None
            try:
                if connection is not None:
                    self._pool.give(Role.WRITER, connection, sound=sound)
                self._process_lock.release()
            except OSError as error:
                raise DBError("handing on the turn to write", error, definite=False) from error
            finally:
                self._pass_on()
                try:
                    if sound and batch.changed:
                        self._publish(batch)
                finally:
                    batch.end()

    def _settle(self, batch: Batch) -> sqlite3.Connection | None:
        """Find out whether a batch in doubt is in the file; return the connection that told."""
        self._pool.give(Role.WRITER, batch.connection, sound=False)
        connection = None
        try:
            self._pool.guard.mend(turn=True, doubt=True)
            connection = self._pool.take(Role.WRITER)
            if batch.witness is None:
                batch.error = DBError("committing", RuntimeError(_IN_DOUBT), definite=False)
            elif not batch.witness(connection):
                batch.error = DBError("committing", RuntimeError(_NOTHING_WRITTEN))
        except JournalLevelError as error:
            batch.error = DBError("committing", error, definite=False)
        except sqlite3.Error as error:
            batch.error = failure("committing", error, committing=True)
        return connection

    def _pass_on(self) -> None:
        """Give the turn to the next in the queue."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
                return
            self._taken = False
            if self._closed:
                self._process_lock.close()


class Turn:
    """The context of a turn to write; inside another one of the same thread, that one.

    Raises:
        DBError: the turn could not begin, or, on leaving, its batch is not durable.
        CorruptedDataError: the same, because the file is damaged.
    """

    __slots__ = ("_begun", "_group")

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._begun: Batch | None = None

    def __enter__(self) -> Batch:
        mine = self._group.mine
        if mine is not None:
            return mine
        batch = self._begun = self._group.enter()
        return batch

    def __exit__(self, *_: object) -> None:
        if self._begun is not None:
            self._group.leave(self._begun)


def _seconds_until(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
