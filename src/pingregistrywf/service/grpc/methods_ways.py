"""The other ways in which a server's methods tell what the adapter has read.

The adapter protocol asks for a history or a state, and not how it is read.  So whenever an answer
tells something new, it is read in each further way that the methods have: after an event, by a
watch, by a call that waits for a state; and the signals have to name the history, with the kind and
the bits that are declared.  An answer that is at odds with the first one is a
``DisagreementError``.  Streams stay open between requests, so that they show what comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID

import grpc

from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import (
    Carried,
    Constant,
    Events,
    Find,
    Method,
    ReplyField,
    Service,
    Signals,
)
from pingregistrywf.service.grpc.methods_calls import Calling, OpenStream

K = TypeVar("K")
V = TypeVar("V")

WITHIN: Final = 10.0
"""A stream or a call that waits has to answer within so many seconds of what it waits for."""
ONCE_LATE: Final = 1.0
"""The same, once one has not: then the verdict is known, and the run is to go on."""
UNKNOWN_EVENT: Final = Ulid(bytes(range(1, 17)))
"""The id of no event."""
_MOST_OPEN: Final = 4
"""So many streams, and so many calls that wait, are left open; older ones are ended."""


class DisagreementError(Exception):
    """Two ways of reading the same disagree; the text says which, and how."""


@dataclass(frozen=True, slots=True)
class Told:
    """A history, as a method has told it.

    Attributes:
        method: the method.
        action: what the method does.
        request: the request.
        history: the history.
        events: its events, encoded.
        ids: the id of each.
    """

    method: Method
    action: Events
    request: Protobuf
    history: UUID
    events: Sequence[bytes]
    ids: Sequence[Ulid]


class Ways:
    """The other ways of reading what one server tells.

    Args:
        service: what the methods are about.
        calling: calls them.
    """

    def __init__(self, service: Service, calling: Calling) -> None:
        self._service: Final = service
        self._calling: Final = calling
        self._telling: Final = [
            (each, each.action) for each in service.methods if isinstance(each.action, Signals)
        ]
        """The method that tells which histories have changed, if there is one."""
        self._within = WITHIN
        self._seen: Final[dict[UUID, int]] = {}
        """How many events each history had."""
        self._watches: Final[dict[UUID, OpenStream]] = {}
        self._waits: Final[dict[UUID, Any]] = {}
        self._signals: OpenStream | None = None
        self._signalled: Final[dict[UUID, int]] = {}
        """How many signals had named each history."""
        self._is_sure = False

    # --- Signals --------------------------------------------------------------------------------

    def listen(self) -> None:
        """Begin to listen to the signals."""
        for method, _ in self._telling[:1]:
            if self._signals is None:
                self._signals = self._calling.opened(method, self._calling.message(method))

    def writes(self) -> None:
        """Say that a second or later call follows that may write.

        Nothing tells when a server has begun to listen for a client.  So the first call, which may
        be faster, need not be signalled.
        """
        self._is_sure = self._is_sure or bool(self._seen)

    def _check_signal(self, history: UUID) -> None:
        """Look whether a signal has named a history since it was read last."""
        signals, before = self._signals, self._signalled.get(history, 0)
        if signals is None:
            return
        method, action = self._telling[0]
        field = action.field
        inside = self._service.messages[str(method.reply[field].message)].fields
        (name,) = (each for each, declared in inside.items() if declared.source == "history")

        def named(replies: Sequence[Protobuf]) -> list[Protobuf]:
            return [
                signal
                for reply in replies
                for signal in getattr(reply, field)
                if getattr(signal, name) == history.bytes
            ]

        if self._is_sure:
            late = signals.wait(lambda replies: len(named(replies)) > before, self._within)
            if late:
                raise self._late(f"{method.name} does not name {history}, which has changed", late)
        all_named = named(signals.replies)
        self._signalled[history] = len(all_named)
        for signal in all_named[before:]:
            _check_constants(method, signal, inside)

    # --- Histories ------------------------------------------------------------------------------

    def check_events(self, told: Told) -> None:
        """Read a history in the other ways, if it has new events.

        Raises:
            DisagreementError: the method tells something else so, or no signal names the history,
                or one that does has another kind or other bits.
        """
        method, action, count = told.method, told.action, len(told.events)
        if count <= self._seen.get(told.history, 0):
            return
        self._seen[told.history] = count
        for number in sorted({1, count}):
            asked = _changed(told.request, {action.after: told.ids[number - 1].bytes})
            after = encoded(action, self._calling.replies(method, asked))
            if after != told.events[number:]:
                raise DisagreementError(
                    f"{method.name} with {action.after} at event {number} of {count} gives "
                    f"{_counted(after)}, and not the {count - number} events after it"
                )
        self._check_unknown(told)
        self._check_watch(told)
        self._check_signal(told.history)

    def _check_unknown(self, told: Told) -> None:
        """Read after an event that is not there."""
        method, action = told.method, told.action
        asked = _changed(told.request, {action.after: UNKNOWN_EVENT.bytes})
        expected = "UNKNOWN" if action.fails else "no events"
        try:
            found = _counted(encoded(action, self._calling.replies(method, asked)))
        except grpc.RpcError as error:
            found = error.code().name
        if found != expected:
            raise DisagreementError(
                f"{method.name} with an unknown {action.after} gives {found}, and not {expected}"
            )

    def _check_watch(self, told: Told) -> None:
        """Look whether a watch, which may have begun at an earlier request, has all events."""
        method, action, history = told.method, told.action, told.history

        def is_there(replies: Sequence[Protobuf]) -> bool:
            is_idle = bool(replies) and getattr(replies[-1], action.will_block)
            return is_idle and len(encoded(action, replies)) >= len(told.events)

        def opened() -> OpenStream:
            return self._calling.opened(method, _changed(told.request, {action.watch: True}))

        stream = _kept(self._watches, history, opened)
        late = stream.wait(is_there, self._within)
        got = encoded(action, stream.replies)
        if late or got != told.events:
            self._watches.pop(history).cancel()
            text = f"{method.name} with {action.watch} gives {_counted(got)}"
            if got == told.events:
                text += f", but no {action.will_block} after the last"
            elif len(got) == len(told.events):
                text += ", and others than without"
            else:
                text += f", and not the {len(told.events)} that the history has"
            raise self._late(text, late)

    # --- States ---------------------------------------------------------------------------------

    def check_found(
        self, method: Method, action: Find, request: Protobuf, reply: Protobuf, state: str
    ) -> None:
        """Find a state by calls that wait, too.

        A call that waits is begun in a state in which it has to; it must answer once the history
        has left these states, and not before.

        Args:
            method: the method that has told it.
            action: what the method does.
            request: the request, which does not wait.
            reply: the reply.
            state: the name of the state.

        Raises:
            DisagreementError: a call that waits tells something else.
        """
        if action.wait is None:
            return
        history = UUID(bytes=getattr(request, action.history))
        asked = _changed(request, {action.wait.field: action.wait.value})
        waits = f"{method.name} with {action.wait.field} {action.wait.value}"
        if state in action.wait.states:
            call = _kept(self._waits, history, lambda: self._calling.begun(method, asked))
            if call.done():
                raise DisagreementError(f"{waits} does not wait in {state}: {self._outcome(call)}")
            return
        calls = [self._waits.pop(history, None), self._calling.begun(method, asked)]
        for call in filter(None, calls):
            try:
                data = call.result(self._within)
            except (grpc.FutureTimeoutError, grpc.RpcError):
                told = f"{waits} does not end in {state}: {self._outcome(call)}"
                call.cancel()
                self._within = ONCE_LATE
                raise DisagreementError(told) from None
            answer = self._calling.kind(f"{method.name}O").FromString(data)
            if self._lasting(method, answer) != self._lasting(method, reply):
                raise DisagreementError(f"{waits} gives another answer than without, in {state}")

    def _lasting(self, method: Method, reply: Protobuf) -> list[Any]:
        """What later states do not change in a reply: records, without what a state replaces."""
        kept: list[Any] = []
        for name, each in method.reply.items():
            if isinstance(each.source, Carried):
                records = getattr(reply, name) if each.source.many else [getattr(reply, name)]
                for record in records:
                    copied = _changed(record, {})
                    for replaced in each.by_state:
                        copied.ClearField(replaced)
                    kept.append(copied)
        return kept

    def _outcome(self, call: Any) -> str:
        """How a call ended, in words."""
        if not call.done():
            return f"it has not answered within {self._within:g} seconds"
        error = call.exception()
        return "it has answered" if error is None else f"{error.code().name}: {error.details()}"

    # --- All of them ----------------------------------------------------------------------------

    def close(self) -> None:
        """End what is open."""
        for each in (*self._watches.values(), *self._waits.values(), self._signals):
            if each is not None:
                each.cancel()

    def _late(self, told: str, late: str) -> DisagreementError:
        """Return the error of what has not come in time, if that is why it is wrong."""
        if late:
            self._within = ONCE_LATE
            told += f": the stream {late}"
        return DisagreementError(told)


def encoded(action: Events, replies: Iterable[Protobuf]) -> list[bytes]:
    """Return the events in the replies of a stream, each encoded."""
    return [
        each.SerializeToString(deterministic=True)
        for reply in replies
        for each in getattr(reply, action.field)
    ]


def _check_constants(method: Method, signal: Protobuf, fields: Mapping[str, ReplyField]) -> None:
    """Compare what is constant in a signal.

    A number is a set of bits: others may be set beside those that are declared.

    Raises:
        DisagreementError: a field has another value, or lacks a bit.
    """
    for name, field in fields.items():
        if not isinstance(field.source, Constant):
            continue
        value, expected = getattr(signal, name), int(str(field.source.value))
        is_kind = signal.DESCRIPTOR.fields_by_name[name].enum_type is not None
        if value != expected if is_kind else value & expected != expected:
            needed = f"{expected}" if is_kind else f"with the bits {expected}"
            raise DisagreementError(f"{method.name} gives {value} as {name}, and not {needed}")


def _changed(message: Protobuf, fields: Mapping[str, object]) -> Protobuf:
    """A copy of a message with other fields."""
    copied = type(message)()
    copied.CopyFrom(message)
    for name, value in fields.items():
        setattr(copied, name, value)
    return copied


def _kept(opened: dict[K, V], key: K, make: Callable[[], V]) -> V:
    """What is open for a key, begun if there is nothing; the eldest are ended if there are many."""
    if key not in opened:
        opened[key] = make()
    while len(opened) > _MOST_OPEN:
        eldest: Any = opened.pop(next(iter(opened)))
        eldest.cancel()
    return opened[key]


def _counted(events: Sequence[bytes]) -> str:
    return {0: "no events", 1: "1 event"}.get(len(events), f"{len(events)} events")
