"""Calls of a service, on one channel that threads share and that connects again by itself.

A call that only reads is made again until the service answers, or ``PATIENCE`` has passed.  One
that writes is made again only if it never reached the service, or if the service says that it had
no effect because it stops.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import grpc
import grpc.experimental

from pingregistrywf.runtime.errors import JournalClosedError, JournalOpenError
from pingregistrywf.runtime.remote.address import Address
from pingregistrywf.runtime.remote.failures import details_of, failure, may_pass, was_sent
from pingregistrywf.runtime.remote.messages import SERVICE, Messages, Protobuf

T = TypeVar("T")

PATIENCE: Final = 20.0
"""For so many seconds, a call that may be made again is."""
TIMEOUT: Final = 30.0
"""A call that is not answered within so many seconds has failed."""
CONNECT: Final = 10.0
"""The service must answer within so many seconds when it is opened."""
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5)
"""The pauses between calls in seconds; the last one goes on."""
_LARGEST: Final = 64 * 1024 * 1024
_OPTIONS: Final = (
    # Whoever reads a stream waits for it alone.  Otherwise it wakes ten times a second to look
    # whether another thread of gRPC has read something for it.
    (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.keepalive_time_ms", 40_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", _LARGEST),
    ("grpc.use_local_subchannel_pool", 1),
)
_HEALTH: Final = "/grpc.health.v1.Health/Check"


class Connection:
    """A connection to a service.

    Attributes:
        address: the service.
        messages: the classes of its messages.
    """

    def __init__(self, address: Address) -> None:
        self.address: Final = address
        self.messages: Final = Messages()
        self._closed = threading.Event()
        self._metadata = (("authorization", f"Bearer {address.token}"),) if address.token else ()
        if address.secure:
            credentials = grpc.ssl_channel_credentials(address.ca, address.key, address.cert)
            self._channel = grpc.secure_channel(address.place, credentials, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(address.place, _OPTIONS)

    def check(self) -> None:
        """Check that a service answers.

        Raises:
            JournalOpenError: nothing does.
        """
        try:
            self._channel.unary_unary(_HEALTH)(b"", timeout=CONNECT)
        except grpc.RpcError as error:
            if details_of(error) is None and error.code() in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            ):
                cause = f"no service answers at {self.address.place}: {error.details()}"
                remedy = "start it, or check the address and the certificates"
                raise JournalOpenError(self.address.url, cause, remedy) from None

    def call(
        self,
        method: str,
        request: Protobuf,
        op: str,
        *,
        declared: Iterable[type[Exception]] = (),
        writing: bool = False,
    ) -> Protobuf:
        """Return the reply to a call.

        Args:
            method: the name of the method.
            request: the message to send.
            op: what is being done, for errors.
            declared: the errors of the charts that the call is about.
            writing: whether it may change the journal.

        Raises:
            WorkflowError: what the service raised; those of a journal are not wrapped.
            DBError: no answer came; ``definite`` says whether the call certainly had no effect.
        """
        reply = self.messages[f"{method}Reply"]
        call = self._channel.unary_unary(f"/{SERVICE}/{method}")
        data = request.SerializeToString()

        def made() -> Protobuf:
            answer = call(data, timeout=TIMEOUT, metadata=self._metadata)
            return reply.FromString(answer)

        return self._repeated(made, op, declared, writing=writing)

    def all(self, method: str, request: Protobuf, op: str) -> list[Protobuf]:
        """Return all replies to a call that streams and only reads.

        Raises:
            WorkflowError: what the service raised; those of a journal are not wrapped.
            DBError: no answer came.
        """
        reply = self.messages[f"{method}Reply"]
        call = self._channel.unary_stream(f"/{SERVICE}/{method}")
        data = request.SerializeToString()

        def made() -> list[Protobuf]:
            stream = call(data, timeout=TIMEOUT, metadata=self._metadata)
            return [reply.FromString(each) for each in stream]

        return self._repeated(made, op, (), writing=False)

    def reply(self, path: str, data: bytes) -> bytes:
        """Return the reply to one call of any method, made once.

        Raises:
            grpc.RpcError: the call failed.
        """
        answer: bytes = self._channel.unary_unary(path)(
            data, timeout=TIMEOUT, metadata=self._metadata
        )
        return answer

    def replies(self, path: str, data: bytes) -> list[bytes]:
        """Return all replies to one call of any method that streams and ends, made once.

        Raises:
            grpc.RpcError: the call failed.
        """
        return list(
            self._channel.unary_stream(path)(data, timeout=TIMEOUT, metadata=self._metadata)
        )

    def begun(self, path: str, data: bytes) -> Any:
        """Return a call of any method, made once, that may wait: a future of its reply."""
        return self._channel.unary_unary(path).future(data, metadata=self._metadata)

    def opened(self, path: str, data: bytes) -> Any:
        """Return a call of any method that streams, made once: an iterator of its replies."""
        return self._channel.unary_stream(path)(data, metadata=self._metadata)

    @contextmanager
    def stream(self, method: str, request: Protobuf) -> Iterator[Iterator[Protobuf]]:
        """Make a call that streams without an end, and give its replies; leaving cancels it.

        The replies end without an error when the call is cancelled or broken.
        """
        reply = self.messages[f"{method}Reply"]
        call = self._channel.unary_stream(f"/{SERVICE}/{method}")
        stream = call(request.SerializeToString(), metadata=self._metadata)

        def replies() -> Iterator[Protobuf]:
            try:
                for each in stream:
                    yield reply.FromString(each)
            except grpc.RpcError:
                return

        try:
            yield replies()
        finally:
            stream.cancel()

    @property
    def closed(self) -> bool:
        """Whether no more calls are made."""
        return self._closed.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait; return whether the connection was closed meanwhile."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """End the calls that are under way, and make no more."""
        self._closed.set()
        self._channel.close()

    def _repeated(
        self,
        made: Callable[[], T],
        op: str,
        declared: Iterable[type[Exception]],
        *,
        writing: bool,
    ) -> T:
        end = time.monotonic() + PATIENCE
        for attempt in range(1_000_000):
            if self.closed:
                raise JournalClosedError
            try:
                return made()
            except ValueError:  # the channel was closed by another thread
                raise JournalClosedError from None
            except grpc.RpcError as error:
                if self.closed:
                    raise JournalClosedError from None
                again = may_pass(error) and (
                    not writing or not was_sent(error) or details_of(error) is not None
                )
                if not again or time.monotonic() >= end:
                    raise failure(op, error, declared, writing=writing) from None
            self.pause(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        raise AssertionError("unreachable")
