"""One opened journal file: its connections, turns and watch, put up anew in a forked child.

Before a fork every connection is closed, once the turns and reads under way are done; parent and
child open theirs again when they next need one.  Subscriptions stay with the parent: in the child
they are closed.  Only a process forked from inside a turn, or while a turn lasts for longer than
``FORK_PATIENCE``, cannot use the file: it gets an error that says so.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Final

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.notify import Notifier
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.connections import Connections
from pingregistrywf.runtime.journal.sqlite.file import open_file
from pingregistrywf.runtime.journal.sqlite.turns import Turns
from pingregistrywf.runtime.journal.sqlite.turnstile import Turnstile
from pingregistrywf.runtime.journal.sqlite.watch import Watch

FORK_PATIENCE: Final = 10.0
"""Seconds that a fork waits for what other threads are doing."""

_STORES: Final[weakref.WeakSet[Store]] = weakref.WeakSet()
_NO_FORK: Final = threading.RLock()
"""Held while a file is opened, and over a fork: so no connection escapes ``before_fork``."""


class Store:
    """Opens a journal file.

    Args:
        address: which.

    Raises:
        JournalOpenError: it is no journal, or cannot be used.
    """

    def __init__(self, address: Address) -> None:
        if address.path in Connections.orphaned:
            raise JournalOpenError(
                address.url,
                "this process was forked in the middle of a commit to it",
                "fork outside of exclusive(), or start the process afresh",
            )
        self.address = address
        self.notifier = Notifier()
        self._build()
        self._quiet = True
        with _NO_FORK:
            try:
                open_file(address, self._turnstile)
            except BaseException:
                self._turnstile.close()
                raise
            _STORES.add(self)

    def close(self) -> None:
        """Close; waiting subscriptions wake.  May be called twice."""
        self.notifier.close()
        self.watch.close()
        self.turns.close()
        self.connections.close()

    def _build(self) -> None:
        self._turnstile = Turnstile(self.address.path)
        self.connections = Connections(self.address)
        self.watch = Watch(self.connections, self.notifier)
        self.turns = Turns(self.connections, self._turnstile, self.watch.publish)

    def before_fork(self) -> None:
        patience = 0.0 if self.turns.mine is not None else FORK_PATIENCE
        self._quiet = False  # should the wait be interrupted
        self._quiet = self.connections.shut(patience)

    def after_fork_in_parent(self) -> None:
        self.connections.reopen()

    def after_fork_in_child(self) -> None:
        self.turns.abandon()
        if not self._quiet:
            self.connections.orphan()
        closed = self.connections.closed
        self.notifier.forget()
        self._build()
        if closed:
            self.close()


_forking: list[Store] = []


def _before_fork() -> None:
    _NO_FORK.acquire()
    _forking[:] = _STORES  # kept from being collected before they are reopened
    for store in _forking:
        store.before_fork()


def _after_fork_in_parent() -> None:
    for store in _forking:
        store.after_fork_in_parent()
    _forking.clear()
    _NO_FORK.release()


def _after_fork_in_child() -> None:
    for store in _forking:
        store.after_fork_in_child()
    _forking.clear()
    _NO_FORK.release()


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
