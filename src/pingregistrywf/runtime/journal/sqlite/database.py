"""One opened journal file: its connection pool, group commit and poller, rebuilt in a forked child.

Before a fork every connection is closed, once the turns and reads under way are done; parent and
child open theirs again when they next need one.  Subscriptions stay with the parent: in the child
they are closed.  Only a process forked from inside a turn, or while a turn lasts for longer than
``FORK_PATIENCE``, cannot use the file: it gets an error that says so.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Final

from pingregistrywf.runtime.journal.notify import Notifier
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.group_commit import GroupCommit
from pingregistrywf.runtime.journal.sqlite.guard import FileGuard
from pingregistrywf.runtime.journal.sqlite.poller import Poller
from pingregistrywf.runtime.journal.sqlite.pool import ConnectionPool
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock
from pingregistrywf.runtime.journal.sqlite.read_only_guard import ReadOnlyGuard
from pingregistrywf.runtime.journal.sqlite.schema import Role, open_file
from pingregistrywf.runtime.log import JOURNAL, logged

FORK_PATIENCE: Final = 10.0
"""Seconds that a fork waits for what other threads are doing."""

_DATABASES: Final[weakref.WeakSet[Database]] = weakref.WeakSet()
_NO_FORK: Final = threading.RLock()
"""Held while a file is opened, and over a fork: so no connection escapes ``before_fork``."""


class Database:
    """An opened journal file; ``read_only``: nothing is written, to it or beside it.

    Raises:
        JournalOpenError: it is no journal, or cannot be used.
    """

    def __init__(self, address: Address, *, read_only: bool = False) -> None:
        if address.path in ConnectionPool.orphaned:
            raise address.refusal(
                "this process was forked in the middle of a commit to it",
                "fork outside of exclusive(), or start the process afresh",
            )
        self.address = address
        self._read_only = read_only
        self.notifier = Notifier()
        self._build()
        self._quiet = True
        with _NO_FORK:
            try:
                open_file(
                    address,
                    None if read_only else self._process_lock,
                    partial(self.pool.begin, Role.READER if read_only else Role.WRITER),
                )
            except BaseException:
                self._process_lock.close()
                raise
            _DATABASES.add(self)

    def close(self) -> None:
        """Close; waiting subscriptions wake.  May be called twice."""
        if not self.pool.closed:
            logged(JOURNAL, "closed", logging.DEBUG, url=self.address.url)
        self.poller.close()
        self.notifier.close()
        self.group_commit.close()
        self.pool.close()

    def _build(self) -> None:
        self._process_lock = ProcessLock(self.address.path)
        guard = ReadOnlyGuard if self._read_only else FileGuard.of
        self.pool = ConnectionPool(self.address, guard(self.address))
        self.poller = Poller(self.pool, self.notifier)
        self.group_commit = GroupCommit(
            self.pool, self._process_lock, self.poller.publish, self.address.timeout
        )

    def before_fork(self) -> None:
        patience = 0.0 if self.group_commit.mine is not None else FORK_PATIENCE
        self._quiet = False  # should the wait be interrupted
        self._quiet = self.pool.shut(patience)

    def after_fork_in_parent(self) -> None:
        self.pool.reopen()

    def after_fork_in_child(self) -> None:
        self.group_commit.abandon()
        if not self._quiet:
            self.pool.orphan()
        FileGuard.forget(self.address)
        closed = self.pool.closed
        self.notifier.forget()
        self._build()
        if closed:
            self.close()


_forking: list[Database] = []


def _before_fork() -> None:
    _NO_FORK.acquire()
    _forking[:] = _DATABASES  # kept from being collected before they are reopened
    for database in _forking:
        database.before_fork()


def _after_fork(adapt: Callable[[Database], None]) -> None:
    for database in _forking:
        adapt(database)
    _forking.clear()
    _NO_FORK.release()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(Database.after_fork_in_parent),
    after_in_child=lambda: _after_fork(Database.after_fork_in_child),
)
