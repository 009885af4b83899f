"""What the journal asks of the streams: read, compare and set, purge; all by the leader.

A leader that was cut off takes itself for the leader for up to ten seconds, while the others follow
another one; it would answer reads with what is old.  So a read counts only if most servers are
known to have followed the leader so recently that they cannot have elected another one.  A
write names the sequence of the subject's message before it.  If its acknowledgement is lost, the
same write is sent again, until it is acknowledged or refused.  A refusal is not believed, not even
that of the first attempt: while leaders change, two servers may take one message, and the second
refuses what the first stores.  The message right after that sequence tells whose write it is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pingregistrywf.runtime.journal.changes import Expiries
from pingregistrywf.runtime.journal.nats.connection import Attempts, Connection
from pingregistrywf.runtime.journal.nats.consumer import Consumer
from pingregistrywf.runtime.journal.nats.failures import (
    NO_MESSAGE,
    UNFINISHED_BATCH,
    WRONG_SEQUENCE,
    ApiError,
    DeniedError,
    NoAnswerError,
    TooLargeError,
)
from pingregistrywf.runtime.journal.nats.record import (
    EXPECTED,
    Message,
    Raw,
    Record,
    decode,
)
from pingregistrywf.runtime.journal.nats.streams import Streams

FEW: Final = 16
"""How many messages are asked for one by one; a consumer is faster for more."""
_FRESH: Final = 2.0
"""Seconds since which most servers followed the leader, at most; an election takes 4 or more."""
_LEASE: Final = 1.5
"""Seconds for which no other leader can be elected then."""


class RefusedError(Exception):
    """The compare-and-set refused a write: the history's newest message is another one."""


class Store:
    """The messages of a journal.  It is used on the connection's loop alone."""

    def __init__(self, connection: Connection, streams: Streams) -> None:
        self.connection: Final = connection
        self.streams: Final = streams
        # Until when each stream's leader is the only one, and on which connection that was learnt.
        self._leases: dict[str, tuple[int, float]] = {}

    async def newest(self, history: UUID) -> Record | None:
        """Return a history's newest message, None if it has none."""
        raw = await self.newest_message(history)
        return None if raw is None else decode(raw)

    async def newest_message(self, history: UUID) -> Raw | None:
        """Return a history's newest message as the server has it, None if it has none."""
        subject = self.streams.subject(history)
        return await self._get(self.streams.stream(history), {"last_by_subj": subject})

    async def following(self, history: UUID, after: int) -> Record | None:
        """Return a history's first message after a sequence, None if there is none."""
        subject = self.streams.subject(history)
        raw = await self.next_message(self.streams.stream(history), after, subject)
        return None if raw is None else decode(raw)

    async def next_message(self, stream: str, after: int, subject: str = ">") -> Raw | None:
        """Return a stream's first message after a sequence, None if there is none."""
        return await self._get(stream, {"seq": after + 1, "next_by_subj": subject})

    async def between(self, history: UUID, after: int, newest: Record, most: int) -> list[Record]:
        """Return a history's messages after a sequence, the newest one included.

        Args:
            history: its id.
            after: the sequence.
            newest: the newest message.
            most: about how many there are.
        """
        found: list[Record] = []
        if most <= FEW:
            while after < newest.sequence and len(found) < 2 * FEW:
                record = await self.following(history, after)
                if record is None or record.sequence >= newest.sequence:
                    return [*found, newest]
                found.append(record)
                after = record.sequence
        async with self.reader(history, after) as consumer:
            while after < newest.sequence:
                raw = await consumer.next()
                if raw is not None:
                    found.append(decode(raw))
                    after = raw.sequence
                elif await self.following(history, after) is None:
                    break  # the rest was removed meanwhile
        return found

    def reader(self, history: UUID, after: int, *, headers_only: bool = False) -> Consumer:
        """Return a consumer of a history's messages after a sequence."""
        return Consumer(
            self.connection,
            self.streams.stream(history),
            after,
            subject=self.streams.subject(history),
            headers_only=headers_only,
        )

    async def last_sequence(self, stream: str) -> int:
        """Return the sequence of the newest message that a stream ever had."""
        answer = await self._led(stream)
        sequence: int = answer["state"]["last_seq"]
        return sequence

    async def _led(self, stream: str) -> Mapping[str, Any]:
        """What a stream's leader says of it, when that is known to be the only leader."""
        attempts = Attempts()
        while True:
            connection, asked = self.connection.connections, self._now()
            answer = await self.connection.ask(f"STREAM.INFO.{stream}")
            if _is_led(answer.get("cluster") or {}):
                if connection == self.connection.connections:
                    self._leases[stream] = connection, asked + _LEASE
                return answer
            await attempts.another(NoAnswerError("the stream has no leader", sent=False))
            await self.connection.change_server()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def publish(self, history: UUID, after: int, messages: Sequence[Message]) -> int:
        """Append messages to a history if its newest message is that of a sequence.

        Args:
            history: its id.
            after: the sequence; 0 if there must be no message.
            messages: what to append, all or nothing.

        Returns:
            The sequence of the last one.

        Raises:
            RefusedError: the history's newest message is another one; nothing was written.
            NoAnswerError: it is not known whether it was written.
        """
        subject = self.streams.subject(history)
        attempts = Attempts()
        while True:
            try:
                answer = await self._send(subject, after, messages)
            except NoAnswerError as error:
                await attempts.another(error)
            except (ApiError, DeniedError, TooLargeError) as error:
                code = error.code if isinstance(error, ApiError) else 0
                if code in WRONG_SEQUENCE:
                    found = await self._outcome(history, after, messages, sent=attempts.sent)
                    if found is not None:
                        return found
                    await attempts.another(NoAnswerError("it is not decided yet", sent=True))
                elif code in UNFINISHED_BATCH:
                    await attempts.another(ApiError(code, 503, str(error)))
                elif isinstance(error, ApiError) and error.passes:
                    await attempts.another(error)
                elif attempts.sent:  # an earlier attempt may have written it
                    raise NoAnswerError(str(error), sent=True) from None
                else:
                    raise
            else:
                sequence: int = answer["seq"]
                return sequence

    async def _send(
        self, subject: str, after: int, messages: Sequence[Message]
    ) -> Mapping[str, Any]:
        expected = {EXPECTED: str(after)}
        if len(messages) == 1:
            (message,) = messages
            headers = {**message.headers(), **expected}
            return await self.connection.answered(subject, message.payload, headers)
        batch = secrets.token_hex(16)
        for number, message in enumerate(messages, 1):
            headers = {
                **message.headers(),
                "Nats-Batch-Id": batch,
                "Nats-Batch-Sequence": str(number),
            }
            if number == 1:
                headers |= expected
            if number < len(messages):
                await self.connection.tell(subject, message.payload, headers)
            else:
                headers |= {"Nats-Batch-Commit": "1"}
                return await self.connection.answered(subject, message.payload, headers)
        raise AssertionError("unreachable")

    async def _outcome(
        self, history: UUID, after: int, messages: Sequence[Message], *, sent: bool
    ) -> int | None:
        """The sequence of the last message, if it was refused because an attempt wrote them.

        None if that is not known yet: what took the place is still on its way into the stream.
        """
        try:
            found = await self.following(history, after)
            if found is None:
                newest = await self.newest(history)
                if after == (0 if newest is None else newest.sequence):
                    return None
                found = await self.following(history, after)  # it may have come in between
            if found is None or found.expected != after:  # what was written there was removed
                if not sent:
                    raise RefusedError  # nothing is removed within one attempt
                text = "what was written there was removed meanwhile"
                raise NoAnswerError(text, sent=True)
            if found.check != messages[0].check:
                raise RefusedError
            for message in messages[1:]:
                after = found.sequence
                found = await self.following(history, after)
                if found is None or found.check != message.check:
                    raise NoAnswerError("only a part of it was found", sent=True)
        except (ApiError, NoAnswerError) as error:
            raise NoAnswerError(str(error), sent=True) from None
        return found.sequence

    async def purge(self, history: UUID, before: int) -> int:
        """Remove a history's messages below a sequence; return how many.

        A later history of the id is out of its reach, since sequences only grow.
        """
        answer = await self.connection.ask(
            f"STREAM.PURGE.{self.streams.stream(history)}",
            {"filter": self.streams.subject(history), "seq": before},
        )
        purged: int = answer.get("purged", 0)
        return purged

    async def expiries(self, number: int) -> Expiries:
        """Return which marks of deletion were removed from a data stream."""
        return (await self._ledger(number))[1]

    async def expire(self, number: int, sequence: int) -> None:
        """Record that the mark of a sequence will be removed from a data stream.

        It is recorded before the mark goes, so that whoever misses the mark finds this.
        """
        attempts = Attempts()
        while True:
            last, expiries = await self._ledger(number)
            payload = json.dumps(expiries.extended(sequence).marks).encode()
            headers = {EXPECTED: str(last)}
            try:
                subject = self.streams.ledger_subject(number)
                await self.connection.answered(subject, payload, headers)
            except ApiError as error:
                if error.code in WRONG_SEQUENCE:
                    continue  # another collector was faster
                await attempts.another(error)
            except NoAnswerError as error:
                await attempts.another(error)  # recorded twice does no harm
            else:
                return

    async def _ledger(self, number: int) -> tuple[int, Expiries]:
        subject = self.streams.ledger_subject(number)
        raw = await self._get(self.streams.ledger, {"last_by_subj": subject})
        if raw is None:
            return 0, Expiries()
        marks = json.loads(raw.payload or b"[]")
        return raw.sequence, Expiries(tuple((at, sequence) for at, sequence in marks))

    async def _get(self, stream: str, which: Mapping[str, Any]) -> Raw | None:
        attempts = Attempts()
        while True:
            if not self._is_led(stream):
                await self._led(stream)
            message = await self._message(stream, which)
            if self._is_led(stream):
                return message
            await attempts.another(NoAnswerError("the answer took too long", sent=False))

    def _is_led(self, stream: str) -> bool:
        connection, until = self._leases.get(stream, (0, 0.0))
        return connection == self.connection.connections and self._now() < until

    async def _message(self, stream: str, which: Mapping[str, Any]) -> Raw | None:
        try:
            answer = await self.connection.ask(f"STREAM.MSG.GET.{stream}", which)
        except ApiError as error:
            if error.code == NO_MESSAGE:
                return None
            raise
        message = answer["message"]
        lines = base64.b64decode(message.get("hdrs", "")).decode("utf-8", "replace").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        payload = base64.b64decode(message.get("data", ""))
        return Raw(message["subject"], message["seq"], headers, payload)


def _is_led(cluster: Mapping[str, Any]) -> bool:
    """Whether most servers follow the leader, as it says; a single server is its own leader."""
    if "name" not in cluster:
        return True
    replicas = cluster.get("replicas") or ()
    fresh = sum(each["active"] < _FRESH * 1e9 and not each.get("offline") for each in replicas)
    return bool(cluster.get("leader")) and 2 * (fresh + 1) > len(replicas) + 1
