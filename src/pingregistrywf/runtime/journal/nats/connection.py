"""One connection to a NATS cluster, which all threads of a process share.

An event loop in a thread of its own serves it; a forked child gets its own at the first use.  The
connection reconnects by itself, to any server of the cluster.  A request is sent again until a
server answers or the time is up, so only what may be sent twice is sent through here: reads,
compare-and-set writes and fenced purges.  What was waiting to be sent when the connection was lost
is not sent later by the client library.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar
from weakref import WeakSet

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from pingregistrywf.runtime.errors import JournalClosedError
from pingregistrywf.runtime.journal.nats.address import Address
from pingregistrywf.runtime.journal.nats.failures import (
    ApiError,
    DeniedError,
    NoAnswerError,
    TooLargeError,
)
from pingregistrywf.runtime.journal.nats.login import login

T = TypeVar("T")

TIMEOUT: Final = 20.0
"""Seconds until a request is given up: more than two elections of a leader take."""
_ANSWER: Final = 3.0
"""Seconds until a request that was not answered is sent again."""
_STAY: Final = 2.0
"""Seconds for which the connection stays with a server, at least."""
_PAUSE: Final = 0.05
_CONNECT: Final = 2
_PING: Final = 10
_DENIED: Final = re.compile(r'permissions violation for publish to "([^"]+)"', re.IGNORECASE)


_OPEN: Final[WeakSet[Connection]] = WeakSet()


class Connection:
    """A connection that is open until it is closed.

    Args:
        address: the servers, and how to get in.

    Raises:
        JournalOpenError: no server lets this user in.
    """

    def __init__(self, address: Address) -> None:
        self.address: Final = address
        self._closed = False
        self.connections = 0
        """How often it was connected."""
        self._forget: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._start()
        _OPEN.add(self)

    def _start(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[Msg]]] = {}
        self._reconnected: set[Callable[[], None]] = set()
        self._troubles: list[Exception] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="nats-journal", daemon=True
        )
        self._thread.start()
        self._started = True
        try:
            self._submit(self._connect()).result()
        except BaseException:
            self._stop()
            raise

    @property
    def info(self) -> Mapping[str, Any]:
        """What the server says of itself."""
        return self._client._server_info

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop from another thread, and return its result.

        Raises:
            JournalClosedError: the connection is closed.
        """
        if self._closed:
            work.close()
            raise JournalClosedError
        if not self._started:
            with self._lock:
                if not self._started:
                    self._start()
        running = self._submit(work)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            if self._closed:
                raise JournalClosedError from None
            raise

    def check_open(self) -> None:
        """Raise a ``JournalClosedError`` if it is closed."""
        if self._closed:
            raise JournalClosedError

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def begin(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """On the loop: begin a task that lives until it ends or the connection is closed."""
        return self._loop.create_task(work)

    def soon(self, call: Callable[[], object]) -> None:
        """From any thread: call something on the loop; nothing if the connection is closed."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def close(self) -> None:
        """Close the connection; whoever waits for an answer gets a ``JournalClosedError``."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed and self._started:
            self._stop()

    def on_fork(self, call: Callable[[], None]) -> None:
        """Call something in each forked child, before it goes on."""
        self._forget.append(call)

    def forget(self) -> None:
        """In a forked child: begin anew, since none of the parent's threads is there."""
        self._inherited = (self._loop, self._thread, self._client)  # the parent's: never closed
        self._lock = threading.Lock()
        self._started = False
        for call in self._forget:
            call()

    def _stop(self) -> None:
        with suppress(Exception):
            self._submit(self._disconnect()).result(_CONNECT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()
            self._loop.close()

    async def _disconnect(self) -> None:
        with suppress(Exception):
            await self._client.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connect(self) -> None:
        address, self._client = self.address, Client()
        options = login(address)
        # After a certificate that is refused, the library waits for ever; nor may it take long.
        self._insecure = self._loop.create_future()
        connecting = self._loop.create_task(
            self._client.connect(
                list(address.servers),
                name="pingregistrywf",
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                reconnected_cb=self._on_reconnected,
                connect_timeout=_CONNECT,
                reconnect_time_wait=0,
                max_reconnect_attempts=1,
                ping_interval=_PING,
                max_outstanding_pings=1,
                pending_size=0,  # nothing is kept to be sent after a reconnect
                tls=address.tls_context(),
                **options,
            )
        )
        try:
            done, _ = await asyncio.wait(
                (connecting, self._insecure), timeout=TIMEOUT, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                raise TimeoutError
            await done.pop()
        except (TimeoutError, OSError, ValueError, errors.Error) as error:
            connecting.cancel()
            raise self._refusal(error) from None
        self._connected_at = self._loop.time()
        self.connections += 1
        # From now on one server after another, so that none that fails is tried twice in a row.
        self._client.options |= {
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.1,
            "dont_randomize": True,
        }
        inbox = self._client.new_inbox()
        self._inbox, self._count = f"{inbox}.", 0
        await self._client.subscribe(f"{inbox}.*", cb=self._on_reply)

    def _refusal(self, error: Exception) -> Exception:
        troubles = (*self._troubles, error)
        texts = [f"{type(each).__name__} {each}".lower() for each in troubles]
        where = " and ".join(each.removeprefix("nats://") for each in self.address.servers)
        if any("authorization" in text or "authentication" in text for text in texts):
            return self.address.refusal(
                f"the server at {where} does not let this user in",
                "name a user, a file of credentials or an nkey that it knows",
            )
        if any("ssl" in text or "tls" in text or "certificate" in text for text in texts):
            return self.address.refusal(
                f"no secure connection to {where}: {self._cause(error)}",
                "name the authorities with tls_ca=PATH",
            )
        # With TLS 1.3, a server refuses a certificate after the client has begun to write.
        ended = any(isinstance(each, BrokenPipeError | ConnectionResetError) for each in troubles)
        if ended and self.address.wants_tls:
            return self.address.refusal(
                f"no secure connection to {where}: the server ended it: {self._cause(error)}",
                "name a certificate that it accepts with tls_cert=PATH and tls_key=PATH",
            )
        if not isinstance(error, errors.NoServersError | asyncio.TimeoutError):
            return self.address.refusal(f"no connection to {where}: {error}", "look into it")
        return self.address.refusal(
            f"no NATS server answers at {where}: {self._cause(error)}",
            "start it, or name the host and port where it listens",
        )

    def _cause(self, error: Exception) -> str:
        cause = self._troubles[-1] if self._troubles else error
        return str(cause) or type(cause).__name__

    async def _on_error(self, error: Exception) -> None:
        del self._troubles[:-10]
        self._troubles.append(error)
        if isinstance(error, ssl.SSLError) and not self._insecure.done():
            self._insecure.set_exception(error)
            self._insecure.exception()  # looked at, whoever waits for it
        if not self._client.is_connected:
            self._abandon()
        denied = _DENIED.search(str(error))
        if denied is not None:
            for subject, answer in list(self._waiting.values()):
                if subject.lower() == denied[1].lower() and not answer.done():
                    answer.set_exception(DeniedError(subject))

    async def _on_disconnected(self) -> None:
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(NoAnswerError("the connection was lost", sent=True))

    async def _on_reconnected(self) -> None:
        self._connected_at = self._loop.time()
        self.connections += 1
        for call in list(self._reconnected):
            call()

    async def _on_reply(self, message: Msg) -> None:
        _, answer = self._waiting.get(message.subject, ("", None))
        if answer is not None and not answer.done():
            answer.set_result(message)

    def on_reconnect(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call something whenever the connection is back; what is returned ends that."""
        self._reconnected.add(call)
        return lambda: self._reconnected.discard(call)

    async def listen(
        self, call: Callable[[Msg], Awaitable[None]], subject: str = ""
    ) -> Subscription:
        """Subscribe to a subject, or to a new inbox, which is ``subject`` of the subscription."""
        return await self._client.subscribe(
            subject or self._client.new_inbox(),
            cb=call,
            pending_msgs_limit=0,
            pending_bytes_limit=0,
        )

    async def tell(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        """Publish a message that nobody answers.

        Raises:
            NoAnswerError: it cannot be sent at the moment.
        """
        await self._publish(subject, payload, "", headers)

    async def _publish(
        self, subject: str, payload: bytes, reply: str, headers: dict[str, str] | None
    ) -> None:
        try:
            await self._client.publish(subject, payload, reply, headers)
        except errors.MaxPayloadError:
            raise TooLargeError(len(payload), self._client.max_payload) from None
        except (OSError, errors.Error) as error:
            raise NoAnswerError(f"not connected: {error}", sent=False) from None

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        headers: dict[str, str] | None = None,
        timeout: float = _ANSWER,
    ) -> Msg:
        """Send a message once, and return the answer.

        Raises:
            NoAnswerError: nobody answered in time.
            DeniedError: this user may not do it.
            TooLargeError: the servers do not take so much.
        """
        self._count += 1
        inbox = f"{self._inbox}{self._count}"
        answer: asyncio.Future[Msg] = self._loop.create_future()
        self._waiting[inbox] = (subject, answer)
        try:
            await self._publish(subject, payload, inbox, headers)
            async with asyncio.timeout(timeout):
                message = await answer
        except TimeoutError:
            await self.change_server()
            raise NoAnswerError(f"no answer within {timeout:g} seconds", sent=True) from None
        finally:
            del self._waiting[inbox]
        if message.headers and message.headers.get("Status") == "503":
            raise NoAnswerError("no server serves the stream at the moment", sent=False)
        return message

    async def change_server(self) -> None:
        """Leave a server for another one: it stands still, or is cut off from the others.

        Nothing happens right after the last time, so that the next one has time to answer.
        """
        now = self._loop.time()
        if self._client.is_connected and now >= self._connected_at + _STAY:
            self._connected_at = now
            self._abandon()
            await self._client.force_reconnect()

    def _abandon(self) -> None:
        """Close the socket at once: a server that stands still would never take what waits."""
        writer = getattr(self._client._transport, "_io_writer", None)
        if writer is not None:
            with suppress(AttributeError):  # of Python 3.11.2, if a connection with TLS is closed
                writer.transport.abort()

    async def answered(
        self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a request of JetStream once, and return the answer.

        Raises:
            ApiError: the server refused.
            NoAnswerError, DeniedError, TooLargeError: those of ``request``.
        """
        message = await self.request(subject, payload, headers)
        answer: dict[str, Any] = json.loads(message.data)
        error = answer.get("error")
        if error is not None:
            raise ApiError(
                error.get("err_code", 0), error.get("code", 0), error.get("description", "")
            )
        return answer

    async def ask(self, api: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the JetStream API until it answers.

        Args:
            api: the end of the subject, after ``$JS.API.``.
            body: the request.

        Raises:
            ApiError: the server refused.
            NoAnswerError: there was no answer in ``TIMEOUT`` seconds.
            DeniedError: this user may not do it.
        """
        payload = json.dumps(body).encode() if body is not None else b""
        attempts = Attempts()
        while True:
            try:
                return await self.answered(f"$JS.API.{api}", payload)
            except (NoAnswerError, ApiError) as error:
                await attempts.another(error)


def _forget_all() -> None:
    for each in list(_OPEN):
        each.forget()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_forget_all)


class Attempts:
    """Bounds the attempts at one request; make it on the loop, right before the first attempt."""

    def __init__(self) -> None:
        self._end = asyncio.get_running_loop().time() + TIMEOUT
        self.sent = False

    async def another(self, error: NoAnswerError | ApiError) -> None:
        """Pause before the next attempt.

        Raises:
            ApiError: it is an answer that stays.
            NoAnswerError: there is no time left.
        """
        if isinstance(error, ApiError) and not error.passes:
            raise error
        self.sent = self.sent or not isinstance(error, NoAnswerError) or error.sent
        if asyncio.get_running_loop().time() >= self._end:
            raise NoAnswerError(f"gave up after {TIMEOUT:g} seconds: {error}", sent=self.sent)
        await asyncio.sleep(_PAUSE)
