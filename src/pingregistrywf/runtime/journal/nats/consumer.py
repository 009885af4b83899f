"""Reading a stream in order, by a consumer that the server pushes to.

Such a consumer lives in the memory of one server.  Where messages are missing, the server falls
silent, or the connection was lost, another consumer is made, which begins after the last message
seen.  So each message is given once, and in order.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self

from nats import errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from pingregistrywf.runtime.journal.nats.connection import Attempts, Connection
from pingregistrywf.runtime.journal.nats.failures import ApiError, NoAnswerError
from pingregistrywf.runtime.journal.nats.record import Raw

_SECOND: Final = 1_000_000_000
_HEARTBEAT: Final = 2.0
"""Seconds between two signs of life of the server, where there is no message."""
_SILENCE: Final = 3 * _HEARTBEAT
_INACTIVE: Final = 60
"""Seconds until the server forgets a consumer to whose inbox nobody listens."""


class Consumer:
    """The messages of a stream after a sequence.  It is used on the connection's loop alone.

    Args:
        connection: the connection.
        stream: the stream's name.
        after: the sequence.
        subject: which messages; all if None.
        headers_only: whether to leave the payloads out.
        newest_only: of what is stored when it begins, whether to give only the newest message of
            each subject.  If it begins anew after one of them, it gives all messages from there.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        after: int,
        *,
        subject: str | None = None,
        headers_only: bool = False,
        newest_only: bool = False,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._subject = subject
        self._headers_only = headers_only
        self._newest_only = newest_only
        self.after = after
        self.pending: int | None = None
        """How many messages the server had after the last one given; None if it is not known."""
        self._queue: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._listening: Subscription | None = None
        self._name = ""
        self._count = 0
        self._forget = connection.on_reconnect(self.restart)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def next(self) -> Raw | None:
        """Wait for the next message; None if the server had none for ``_HEARTBEAT`` seconds.

        Messages that were pending may have been removed meanwhile, so that none comes.

        Raises:
            ApiError, NoAnswerError, DeniedError: there is no consumer, and none can be made.
        """
        if self._listening is None:
            await self._begin()
        while True:
            message = await self._received()
            if message is None:  # silence, or the connection was lost
                await self._begin()
                continue
            if message.headers and message.headers.get("Status") == "100":
                if await self._is_idle(message):
                    return None
                continue
            raw, count, pending = _raw(message, headers_only=self._headers_only)
            if count != self._count + 1:
                await self._begin()
                continue
            self._count, self.after, self.pending = count, raw.sequence, pending
            return raw

    async def _received(self) -> Msg | None:
        if not self._queue.empty():  # a timeout for each message would take longer than the rest
            return self._queue.get_nowait()
        try:
            async with asyncio.timeout(_SILENCE):
                return await self._queue.get()
        except TimeoutError:
            return None

    async def started(self) -> int:
        """Make the consumer unless it is there; return how many messages the server had for it."""
        if self._listening is None:
            await self._begin()
        return self.pending or 0

    def restart(self) -> None:
        """Begin anew after the last message given, at the next use or in the one under way."""
        self._queue.put_nowait(None)

    async def stop(self) -> None:
        """End it; it may be used again."""
        self._forget()
        if self._listening is not None:
            listening, self._listening = self._listening, None
            with suppress(errors.Error, OSError):
                await listening.unsubscribe()
            with suppress(NoAnswerError):
                await self._connection.tell(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._name}")

    async def _is_idle(self, message: Msg) -> bool:
        """Take a sign of life of the server; whether all that it sent has come."""
        headers = message.headers or {}
        answer = message.reply or headers.get("Nats-Consumer-Stalled")
        if answer:  # flow control: what came before was taken
            with suppress(NoAnswerError):
                await self._connection.tell(answer)
            return False
        if int(headers.get("Nats-Last-Consumer", self._count)) > self._count:
            await self._begin()
            return False
        return True

    async def _begin(self) -> None:
        attempts = Attempts()
        while True:
            if self._listening is not None:
                with suppress(errors.Error, OSError):
                    await self._listening.unsubscribe()
            self._queue, self._count = asyncio.Queue(), 0
            self._listening = await self._connection.listen(_into(self._queue))
            try:
                self.pending = await self._made(self._listening.subject)
            except (ApiError, NoAnswerError) as error:
                await attempts.another(error)
            else:
                return

    async def _made(self, inbox: str) -> int:
        """Make a consumer under a new name, perhaps on another server than the one before.

        Return how many messages the server has for it.
        """
        self._name = f"r{secrets.token_hex(8)}"
        config = {
            "name": self._name,
            "deliver_subject": inbox,
            "ack_policy": "none",
            "max_deliver": 1,
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": int(_HEARTBEAT * _SECOND),
            "inactive_threshold": _INACTIVE * _SECOND,
            "mem_storage": True,
            "num_replicas": 1,
            "headers_only": self._headers_only,
        }
        if self._newest_only and not self.after:
            config["deliver_policy"] = "last_per_subject"
        else:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self.after + 1}
        api = f"$JS.API.CONSUMER.CREATE.{self._stream}.{self._name}"
        if self._subject is not None:
            config["filter_subject"] = self._subject
            api = f"{api}.{self._subject}"
        body = json.dumps({"stream_name": self._stream, "config": config})
        answer = await self._connection.answered(api, body.encode())
        pending: int = answer.get("num_pending", 0)
        return pending


def _into(queue: asyncio.Queue[Msg | None]) -> Callable[[Msg], Awaitable[None]]:
    async def put(message: Msg) -> None:
        queue.put_nowait(message)

    return put


def _raw(message: Msg, *, headers_only: bool) -> tuple[Raw, int, int]:
    """The message, its number for the consumer, and how many are pending after it."""
    # $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.DELIVERED.SEQUENCE.COUNT.TIME.PENDING[.TOKEN]
    tokens = message.reply.split(".")
    sequence, count, time, pending = map(int, tokens[5:9] if len(tokens) == 9 else tokens[7:11])
    payload = None if headers_only else message.data
    return Raw(message.subject, sequence, message.headers or {}, payload, time), count, pending
