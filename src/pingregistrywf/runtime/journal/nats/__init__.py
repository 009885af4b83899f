"""A journal in streams of NATS JetStream, for servers and admins on several machines.

What each module owns:

- ``address``: what a ``nats://`` URL names.
- ``login``: how a client signs in.
- ``connection``: one connection, shared by threads, which reconnects by itself.
- ``failures``: what goes wrong, as journal-level errors.
- ``streams``: the streams, their settings, and which history is where.
- ``record``: what a message says.
- ``store``: reads by the leader, compare-and-set writes, fenced purges.
- ``consumer``: reading a stream in order.
- ``turns``: keeps threads of one process from racing each other for one history.
- ``rivals``: lets processes that race each other for one history win by turns.
- ``watch``: wake-ups, while anybody waits.
- ``feed``: the changes of all streams, from positions that are vectors.
- ``scan``: every history at one moment.
- ``adoption``: the messages of a history that comes from another journal.
- ``journal``: the journal protocol, in terms of the above.
"""

from __future__ import annotations

from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.nats.address import Address
from pingregistrywf.runtime.journal.nats.connection import Connection
from pingregistrywf.runtime.journal.nats.journal import NatsJournal
from pingregistrywf.runtime.journal.nats.store import Store
from pingregistrywf.runtime.journal.nats.streams import open_streams
from pingregistrywf.runtime.journal.retention import Retention

__all__ = ["open_nats"]


def open_nats(url: str, *, create: bool, clock: Clock, retention: Retention | None) -> NatsJournal:
    """Open the journal that a ``nats://`` URL names.

    Raises:
        JournalOpenError: the URL makes no sense, or what it names cannot be used.
    """
    connection = Connection(Address.parse(url))
    try:
        streams = connection.run(open_streams(connection, create=create))
    except BaseException:
        connection.close()
        raise
    return NatsJournal(Store(connection, streams), clock, retention or Retention())
