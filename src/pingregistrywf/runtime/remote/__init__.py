"""A journal behind a service: ``pingregistrywf.v1`` over gRPC, as the client sees it.

The service decides the commands, where the journal is.  The client reads entries and replays them,
so that a facade, its streams and the operations are the same on a service as on a journal.  All of
it needs the extra ``service``, except ``details``.

- ``address``: what a ``grpcs://`` URL names.
- ``messages``: the messages of ``workflows.proto``.
- ``details``: errors as text fields, and back.
- ``failures``: what a call that failed means.
- ``connection``: calls, and which of them are made again.
- ``watch``: wake-ups, while anybody waits.
- ``journal``: the journal protocol, in terms of the above.
"""

from __future__ import annotations

from pingregistrywf.runtime.ids import Clock
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.remote.address import Address
from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.runtime.remote.journal import RemoteJournal

__all__ = ["open_remote"]


def open_remote(
    url: str,
    *,
    create: bool,  # noqa: ARG001 (the service has opened its journal)
    clock: Clock,
    retention: Retention | None,  # noqa: ARG001 (which the service knows)
) -> RemoteJournal:
    """Open the journal behind the service that a ``grpcs://`` or ``grpc://`` URL names.

    Raises:
        JournalOpenError: the URL makes no sense, or no service answers there.
    """
    connection = Connection(Address.parse(url))
    try:
        connection.check()
    except BaseException:
        connection.close()
        raise
    return RemoteJournal(connection, clock)
