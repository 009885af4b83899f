"""A journal in one SQLite file, shared by threads and processes: the embedded default.

What each module owns:

- ``address``: what a ``sqlite:`` URL names.
- ``file``: the schema; making a journal file, and refusing what is none without touching it.
- ``rows``: histories and entries as rows, each under a checksum that is verified when it is read.
- ``connections``: SQLite connections lent to one thread at a time, none of them open over a fork.
- ``turnstile``: the queue of processes, two file locks beside the file.
- ``turns``: the queue of threads, and the one flush that they share (group commit).
- ``watch``: changes made by other processes, noticed by one thread while anybody subscribes.
- ``scan``: every row, going on after what is damaged.
- ``store``: the above for one opened file, put up anew after a fork.
- ``journal``: the protocol, in terms of all that.
- ``failures``: what SQLite says, in words that name cause and remedy.

Beside PATH stand SQLite's own ``PATH-wal`` and ``PATH-shm``, and the empty ``PATH-next`` and
``PATH-main`` of the turnstile.  The last two hold no data and are never removed: removing a lock
file lets two processes hold "the same" lock.
"""

from __future__ import annotations

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.protocol import Journal, Retention
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.runtime.journal.sqlite.store import Store

__all__ = ["open_sqlite"]


def open_sqlite(
    url: str,
    path_text: str,
    *,
    create: bool,
    clock: Clock,
    retention: Retention | None = None,
) -> Journal:
    """Open the journal that ``path_text``, the URL after ``sqlite:``, names.

    Raises:
        JournalOpenError: the URL makes no sense, or the file is no journal or cannot be used.
    """
    address = Address.parse(url, path_text)
    if not create:
        remedy = "name a journal that exists"
        if not address.path.exists():
            raise JournalOpenError(url, "there is no such file", remedy)
        if address.path.is_file() and address.path.stat().st_size == 0:
            raise JournalOpenError(url, "the file is empty", remedy)
    return SqliteJournal(Store(address), clock=clock, retention=retention)
