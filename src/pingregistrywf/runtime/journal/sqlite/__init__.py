"""A journal in one SQLite file, shared by threads and processes: the embedded default.

What each module owns:

- ``address``: what a ``sqlite:`` URL names.
- ``filesystem``: which file systems cannot hold a journal.
- ``layout``: the tables.
- ``schema``: makes a journal file, and refuses any other file without touching it.
- ``migration``: brings a file of the version before to this version's layout.
- ``records``: histories and events as rows; each row's checksum is verified when it is read.
- ``ledger``: what the file says of itself: its id, its charts, and the next position.
- ``guard``: what people do to the files while they are open, and which close removes the log.
- ``read_only_guard``: the same for who only reads, and makes nothing beside the file.
- ``pool``: SQLite connections, each lent to one thread at a time; none stays open over a fork.
- ``process_lock``: the queue of processes, two file locks beside the file.
- ``log``: how long the log may get, and who keeps it from being emptied.
- ``lock_holder``: which process holds a lock, for messages.
- ``group_commit``: the queue of threads, and the one flush that they share.
- ``poller``: one thread that notices changes made by other processes while anybody subscribes.
- ``scan``: reads every row, and goes on after damaged ones.
- ``database``: the above for one opened file, rebuilt after a fork.
- ``journal``: the journal protocol, in terms of the above.
- ``log_owner``: refuses a file beside which the log of another journal was left.
- ``replacement``: puts another file in a journal's place, as the old one or the new one.
- ``read_only_journal``: the same for reading only.
- ``health``: what ``pingregistrywf doctor`` checks of SQLite, the place and the file.
- ``failures``: SQLite's errors as journal-level errors that name cause and remedy.

Beside PATH stand SQLite's own ``PATH-wal`` and ``PATH-shm``, the empty ``PATH-next`` and
``PATH-main`` of the process lock, and the guard's ``PATH-open``, which names the journal.  The last
three are never removed: removing a lock file lets two processes hold "the same" lock.  A
replacement adds ``PATH-restore`` for a moment, and leaves ``PATH-before-TIME``.

The engine is the standard library's ``sqlite3``.  A newer SQLite in another library, such as apsw,
would be faster, but two SQLite libraries in one process do not know of each other: when one closes
the file, the locks of the other are gone, and acknowledged commits are lost.
"""

from __future__ import annotations

from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.database import Database
from pingregistrywf.runtime.journal.sqlite.journal import SqliteJournal
from pingregistrywf.runtime.journal.sqlite.read_only_guard import why_read_only
from pingregistrywf.runtime.journal.sqlite.read_only_journal import ReadOnlyJournal
from pingregistrywf.runtime.journal.sqlite.replacement import refuse_unfinished

__all__ = ["open_sqlite"]


def open_sqlite(
    url: str, *, create: bool, clock: Clock, retention: Retention | None
) -> SqliteJournal:
    """Open the journal that a ``sqlite:`` URL names.

    It is opened for reading only where this user may not write, or the URL says ``mode=ro``.

    Raises:
        JournalOpenError: the URL makes no sense, or the file is no journal or cannot be used.
    """
    address = Address.parse(url)
    refuse_unfinished(address)
    if not create:
        remedy = "name a journal that exists"
        if not address.path.exists():
            raise address.refusal("there is no such file", remedy)
        if address.path.is_file() and address.path.stat().st_size == 0:
            raise address.refusal("the file is empty", remedy)
    kept = retention or Retention()
    refusal = why_read_only(address)
    if refusal is not None:
        return ReadOnlyJournal(Database(address, read_only=True), clock, kept, refusal)
    return SqliteJournal(Database(address), clock, kept)
