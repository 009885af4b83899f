"""The journal behind a service: what a workflow and a read model need of it.

Entries are read over the wire.  Commands and operations are sent to the service, which decides
them.  What operators need is not there: it is done where the journal is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

from google.protobuf import json_format

from pingregistrywf.runtime.deciding import DecidedCommand, DecidedOperation
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import BehaviorError, JournalUnusableError
from pingregistrywf.runtime.ids import NIL, RETRY_NO_VC, Clock, Ulid, Vid, mark_of
from pingregistrywf.runtime.journal.changes import Appended, Change, Deleted, Position
from pingregistrywf.runtime.journal.feed import SubscribedFeed
from pingregistrywf.runtime.journal.history import ChartIdentity, Entry, Head, Reading
from pingregistrywf.runtime.journal.notify import NotifierSubscription
from pingregistrywf.runtime.journal.protocol import Closable
from pingregistrywf.runtime.journal.retention import Retention
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.runtime.remote.failures import told
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.remote.watch import Watch
from pingregistrywf.runtime.values import Command, command_name


class RemoteJournal(Closable):
    """A journal behind a service.

    Attributes:
        url: the URL that opens it.
        clock: the time here; ids have the time of the service.
        id: nil, because the service does not tell it.
        retention: the usual one, because the service does not tell its own.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.url: Final = connection.address.url
        self.clock: Final = clock
        self.id: Final = NIL
        self.retention: Final = Retention()
        self._connection: Final = connection
        self._messages: Final = connection.messages
        self._watch: Final = Watch(connection)

    # --- What a workflow needs ------------------------------------------------------------------

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        request = self._messages["ReadRequest"](history=history.bytes, whole=whole)
        if after is not None:
            request.after = after.vid.bytes
        replies = self._connection.all("Read", request, f"read history {history}")
        entries = tuple(_entry(each) for reply in replies for each in reply.events)
        continues = after is not None and replies[0].continues
        if continues and not entries and after is not None:
            return Reading((), after, continues=True)
        head = Head(entries[-1].id) if entries else Head()
        return Reading(entries, head, continues, replies[0].rooted)

    def exclusive(self, history: UUID) -> AbstractContextManager[object]:  # noqa: ARG002
        return nullcontext()

    def commit(
        self,
        history: UUID,
        after: Head,  # noqa: ARG002
        entries: Sequence[Entry],  # noqa: ARG002
        *,
        chart: ChartIdentity,  # noqa: ARG002
        restart: bool = False,  # noqa: ARG002
    ) -> NoReturn:
        raise self._refused(f"commit to history {history}")

    def delete(self, history: UUID, after: Head) -> NoReturn:  # noqa: ARG002
        raise self._refused(f"delete history {history}")

    def subscribe(self, history: UUID | None = None) -> NotifierSubscription:
        return self._watch.subscribe(history)

    # --- What the service decides ---------------------------------------------------------------

    def tell(
        self,
        declaration: Declaration,
        history: UUID,
        vid: Vid,
        command: Command,
        drawn: Ulid,
    ) -> DecidedCommand:
        """Give a history a command; see ``deciding``."""
        request = self._messages["TellRequest"](
            chart=declaration.name,
            history=history.bytes,
            command=command_name(type(command)),
            vid=vid.bytes if isinstance(vid, Ulid) else None,
            retry=vid is RETRY_NO_VC,
            mark=mark_of(drawn),
        )
        json_format.ParseDict(command.model_dump(mode="json"), request.arguments)
        op = f"{request.command} of history {history}"
        reply = self._connection.call(
            "Tell", request, op, declared=declaration.errors, writing=True
        )
        return DecidedCommand(Ulid(reply.vid), tuple(each.encoded for each in reply.events))

    def run(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None,
        charts: Mapping[str, Declaration],
        drawn: Ulid,
    ) -> DecidedOperation:
        """Run an operation; see ``deciding``."""
        request = self._messages["RunRequest"](
            operation=operation.name, vid=None if vid is None else vid.bytes, mark=mark_of(drawn)
        )
        texts = {
            name: str(value) if isinstance(value, UUID | Ulid) else value
            for name, value in arguments.items()
        }
        json_format.ParseDict(texts, request.arguments)
        declared = tuple(each for chart in charts.values() for each in chart.errors)
        reply = self._connection.call(
            "Run", request, f"operation {operation.name}", declared=declared, writing=True
        )
        refused = {
            number: told(operation.name, step.refused, declared)
            for number, step in enumerate(reply.steps, start=1)
            if step.refused
        }
        return DecidedOperation(
            tuple(Ulid(each.vid) for each in reply.steps),
            tuple((each.chart, each.encoded) for each in reply.events),
            {number: each for number, each in refused.items() if isinstance(each, BehaviorError)},
        )

    def happened(self, declaration: Declaration, history: UUID, ids: Iterable[Ulid]) -> bool:
        """Return whether a history holds any of these events; see ``deciding``."""
        looked_for = tuple(ids)
        request = self._messages["HappenedRequest"](
            chart=declaration.name,
            history=history.bytes,
            events=[each.bytes for each in looked_for],
            marks=[mark_of(each) for each in looked_for],
        )
        reply = self._connection.call("Happened", request, f"look into history {history}")
        return bool(reply.happened)

    # --- What a read model needs ----------------------------------------------------------------

    def feed(self, after: Position | None = None) -> SubscribedFeed:
        return SubscribedFeed(self.subscribe(), self._changes, after)

    def _changes(self, after: Position | None, limit: int) -> tuple[tuple[Change, ...], Position]:
        request = self._messages["FeedRequest"](after=after, limit=limit)
        replies = self._connection.all("Feed", request, "read the feed")
        changes = tuple(_change(each) for reply in replies for each in reply.changes)
        return changes, replies[-1].position

    # --- What operators need --------------------------------------------------------------------

    def histories(self) -> NoReturn:
        raise self._refused("list the histories")

    def scan(self, history: UUID | None = None) -> NoReturn:  # noqa: ARG002
        raise self._refused("scan the journal")

    def collect(self, now: float | None = None) -> NoReturn:  # noqa: ARG002
        raise self._refused("collect garbage")

    def trim(self, history: UUID, now: float | None = None) -> NoReturn:  # noqa: ARG002
        raise self._refused(f"trim history {history}")

    def backup(self, path: Path) -> NoReturn:  # noqa: ARG002
        raise self._refused("back up the journal")

    def adopt(
        self,
        stored: Any,  # noqa: ARG002
        entries: Sequence[Entry],  # noqa: ARG002
        charts: Sequence[ChartIdentity],  # noqa: ARG002
    ) -> NoReturn:
        raise self._refused("take in a history")

    def close(self) -> None:
        self._connection.close()
        self._watch.close()

    def _refused(self, op: str) -> JournalUnusableError:
        reason = "a service takes commands and gives events: do this where its journal is"
        return JournalUnusableError(op, PermissionError(reason))


def _entry(event: Protobuf) -> Entry:
    return Entry(Ulid(event.id), Ulid(event.parent), event.encoded)


def _change(change: Protobuf) -> Change:
    history = UUID(bytes=change.history)
    if change.HasField("deletion"):
        deletion = change.deletion
        return Deleted(history, change.position, Ulid(deletion.vid), deletion.at)
    chart = ChartIdentity(change.chart.name, change.chart.version, change.chart.sha256)
    return Appended(history, change.position, _entry(change.event), chart, change.restart)
