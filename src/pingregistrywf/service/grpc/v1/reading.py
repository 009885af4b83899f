"""The calls of ``pingregistrywf.v1`` for clients that keep what they have read.

Entries are given as they are stored.  A client that reads on names the event that it has read last,
and the service remembers where that was for the clients that came lately.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import closing, suppress
from typing import Final, TypeVar
from uuid import UUID

from pingregistrywf.runtime.behavior import evolve
from pingregistrywf.runtime.errors import WorkflowError
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.journal.changes import Appended, Change, Deleted
from pingregistrywf.runtime.journal.feed import READ_AT_ONCE
from pingregistrywf.runtime.journal.history import Entry, Head, Reading
from pingregistrywf.runtime.remote.messages import Messages, Protobuf
from pingregistrywf.runtime.services import Method
from pingregistrywf.runtime.wire import codec_of
from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.changes import Changes
from pingregistrywf.service.grpc.messages import parsed, sized
from pingregistrywf.service.grpc.served import MESSAGE_SIZE, Served

T = TypeVar("T")

REMEMBERED: Final = 4096
"""How many places in histories are remembered."""
_AROUND: Final = 128
"""How many bytes an entry takes in a message beside its own, about."""


class HistoryReader:
    """Reads histories, and remembers where clients were."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._heads: dict[tuple[UUID, Ulid], Head] = {}

    def read(self, history: UUID, after: Ulid | None, *, whole: bool) -> Reading:
        """Return the entries after an event, as a journal does.

        Raises:
            JournalLevelError: whatever the journal raised.
        """
        journal = self._served.journal.journal
        if after is None:
            reading = journal.read(history, whole=whole)
        elif after == EPOCH:
            reading = journal.read(history, Head(), whole=whole)
        elif (head := self._heads.get((history, after))) is not None:
            reading = journal.read(history, head, whole=whole)
        else:
            reading = self._found(history, after, whole=whole)
        self._remember(history, reading.head)
        return reading

    def _found(self, history: UUID, after: Ulid, *, whole: bool) -> Reading:
        """Read a whole history, and return what follows an event if it is there."""
        journal = self._served.journal.journal
        reading = journal.read(history, whole=True)
        for place, entry in enumerate(reading.entries, start=1):
            if entry.id == after:
                return Reading(reading.entries[place:], reading.head, continues=True)
        return reading if whole else journal.read(history)

    def _remember(self, history: UUID, head: Head) -> None:
        if not head.vid:
            return
        self._heads.pop((history, head.vid), None)
        self._heads[history, head.vid] = head
        if len(self._heads) > REMEMBERED:
            # Another thread may change the dictionary under the iterator.
            with suppress(KeyError, RuntimeError, StopIteration):
                del self._heads[next(iter(self._heads))]


class OwnedChanges:
    """Tells of the changes of a feed which belong to a name on which a caller has a role.

    The event that begins a history tells to whom it belongs.  So does the history itself, as long
    as it is there.  An event of a history that was deleted before it was read is left out if its
    beginning was not among the changes.  All deletions are given: they tell no more than an id.
    """

    def __init__(self, served: Served, caller: Caller, roles: Collection[str]) -> None:
        self._served = served
        self._caller = caller
        self._roles = roles
        self._known: dict[UUID, bool] = {}

    def among(self, changes: Iterable[Change]) -> list[Change]:
        """Return the changes that a reader may see."""
        return [each for each in changes if self._is_shown(each)]

    def _is_shown(self, change: Change) -> bool:
        if isinstance(change, Deleted):  # no more events of it follow
            self._known.pop(change.history, None)
            return True
        if change.entry.parent == EPOCH or change.history not in self._known:
            self._known[change.history] = self._looked_up(change)
        return self._known[change.history]

    def _looked_up(self, change: Appended) -> bool:
        served, owner = self._served, self._served.service.owner
        if change.entry.parent != EPOCH or served.chart_of(change.history) != owner.chart:
            return served.may_see(self._caller, self._roles, change.history)
        declaration = served.topics[owner.chart].engine.declaration
        try:
            event = codec_of(declaration).decode(change.entry.data)
            state = evolve(declaration, declaration.state(change.history), event)
        except WorkflowError:  # it is of another chart, or damaged
            return served.may_see_of_nobody(self._caller, self._roles)
        return served.may_see_of(self._caller, self._roles, getattr(state, owner.attribute))


class ReadingCalls:
    """The methods that stream what was read.

    Attributes:
        streams: their names.
    """

    streams: Final = frozenset({"Read", "Watch", "Feed"})

    def __init__(self, served: Served, messages: Messages) -> None:
        self._served: Final = served
        self._messages: Final = messages
        self._histories: Final = HistoryReader(served)

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call; from now on it misses nothing.

        Raises:
            CallRefusedError: the history belongs to a name that is not served, or on which the
                caller has none of the roles.
            WorkflowError: what the reading raised; a step raises it, too.
        """
        request = parsed(self._messages[f"{method.name}Request"], data)
        journal, served = self._served.journal, self._served
        match method.name:
            case "Read":
                history = UUID(bytes=sized("history", request.history))
                after = Ulid(sized("after", request.after)) if request.HasField("after") else None
                chart = served.chart_of(history)
                await journal.read(served.check, caller, method.roles, chart, history)
                read = self._histories.read
                return self._read(await journal.read(read, history, after, whole=request.whole))
            case "Watch":
                changes = Changes()
                journal.watch.add(changes)
                await journal.watch.begin()
                return self._watch(changes, caller, method.roles)
            case _:
                return self._feed(request, OwnedChanges(served, caller, method.roles))

    async def _read(self, reading: Reading) -> AsyncIterator[Protobuf]:
        """Yield what was read; at least one reply."""
        for part in _parts(reading.entries, _size) or [[]]:
            reply = self._messages["ReadReply"](continues=reading.continues, rooted=reading.rooted)
            reply.events.extend(map(self._event, part))
            yield reply

    async def _watch(
        self, changes: Changes, caller: Caller, roles: Collection[str]
    ) -> AsyncIterator[Protobuf]:
        yield self._messages["WatchReply"](any=True)
        journal = self._served.journal
        while not journal.watch.closed:
            histories, is_known = await changes.next()
            seen = await journal.read(self._served.visible, caller, roles, histories)
            if seen or not is_known:
                named = [each.bytes for each in seen]
                yield self._messages["WatchReply"](histories=named, any=not is_known)
        journal.watch.check()

    async def _feed(self, request: Protobuf, owned: OwnedChanges) -> AsyncIterator[Protobuf]:
        """Yield the changes; the last reply has none, unless the limit is reached."""
        journal = self._served.journal
        left = request.limit or math.inf
        feed = journal.feed(request.after if request.HasField("after") else None)
        with closing(feed):
            while left:
                changes = await feed.read(int(min(READ_AT_ONCE, left)))
                shown = await journal.read(owned.among, changes)
                left -= len(shown)
                for part in _parts(shown, lambda each: _size(getattr(each, "entry", None))):
                    reply = self._messages["FeedReply"](position=part[-1].position)
                    reply.changes.extend(map(self._change, part))
                    yield reply
                yield self._messages["FeedReply"](position=feed.position)
                if not changes and not (request.watch and await feed.wait()):
                    return

    def _event(self, entry: Entry) -> Protobuf:
        ids = {"id": entry.id.bytes, "parent": entry.parent.bytes}
        return self._messages["Event"](encoded=entry.data, **ids)

    def _change(self, change: Change) -> Protobuf:
        kind, place = self._messages["Change"], {"position": change.position}
        history = change.history.bytes
        if isinstance(change, Deleted):
            deletion = self._messages["Deletion"](vid=change.vid.bytes, at=change.at)
            return kind(history=history, deletion=deletion, **place)
        chart = self._messages["Chart"](
            name=change.chart.name, version=change.chart.version, sha256=change.chart.sha256
        )
        event = self._event(change.entry)
        return kind(history=history, event=event, chart=chart, restart=change.restart, **place)


def _size(entry: Entry | None) -> int:
    return len(entry.data) if entry is not None else 0


def _parts(items: Sequence[T], size: Callable[[T], int]) -> list[list[T]]:
    """Return items in parts that each fit into a message."""
    parts: list[list[T]] = []
    room = 0
    for each in items:
        if room <= 0:
            parts.append([])
            room = MESSAGE_SIZE
        parts[-1].append(each)
        room -= size(each) + _AROUND
    return parts
