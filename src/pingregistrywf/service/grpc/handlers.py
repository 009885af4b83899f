"""From a call to its end: who calls, may they, do it, answer, count it and log it.

Requests are decoded by the methods, not here.  Each call leaves one log record: who made it, what
it was about, its code and its time.  No record holds a token, or a message of a ping.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NoReturn, Protocol

import grpc

from pingregistrywf.runtime.log import logged
from pingregistrywf.runtime.remote.details import DETAILS
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import ErrorStatus, Method
from pingregistrywf.service.grpc.auth.authenticator import Authenticator
from pingregistrywf.service.grpc.auth.caller import ANYBODY, Caller
from pingregistrywf.service.grpc.auth.tokens import unauthenticated
from pingregistrywf.service.grpc.calls import Calls
from pingregistrywf.service.grpc.limits import Admission, Limits, over_limit
from pingregistrywf.service.grpc.metrics import Metrics
from pingregistrywf.service.grpc.refusal import CallRefusedError
from pingregistrywf.service.grpc.statuses import Answered, answered

ABORT: Final = 1.0
"""A status may wait so many seconds behind what the client does not read; then the call is cut."""

_LOGGER: Final = logging.getLogger("pingregistrywf.service")


class Answering(Protocol):
    """The methods of some services.

    Attributes:
        methods: the methods.
        errors: how errors are answered that are not answered like others of their kind.
    """

    @property
    def methods(self) -> Sequence[Method]: ...

    @property
    def errors(self) -> Mapping[str, ErrorStatus]: ...

    def about(self, method: Method, data: bytes) -> str | None:
        """Return the history or name that a request is about, for logs."""

    async def answer(self, method: Method, data: bytes, caller: Caller) -> Protobuf:
        """Return the reply to a call of a method that does not stream."""

    async def stream(self, method: Method, data: bytes, caller: Caller) -> AsyncIterator[Protobuf]:
        """Return the replies to a call of a method that streams."""


class Handlers:
    """Hands calls to the methods of some services.

    Args:
        calls: the methods.
        authenticator: finds who calls; without one, anybody may do everything.
        limits: what one client may use.
        admission: counts what clients use.
        metrics: counts calls, if anything does.
    """

    def __init__(
        self,
        calls: Answering,
        authenticator: Authenticator | None,
        limits: Limits,
        admission: Admission,
        metrics: Metrics | None,
    ) -> None:
        self._calls: Final = calls
        self._authenticator: Final = authenticator
        self._limits: Final = limits
        self._admission: Final = admission
        self._metrics: Final = metrics

    def generic(self) -> Iterator[grpc.GenericRpcHandler]:
        """Yield the handlers of each service."""
        handlers: dict[str, dict[str, grpc.RpcMethodHandler]] = {}
        for each in self._calls.methods:
            handlers.setdefault(each.service, {})[each.name] = self._handler(each)
        for name, methods in handlers.items():
            yield grpc.method_handlers_generic_handler(name, methods)

    def _handler(self, method: Method) -> grpc.RpcMethodHandler:
        async def answer(data: bytes, context: grpc.aio.ServicerContext) -> bytes:
            reply = b""

            async def answered(caller: Caller) -> None:
                nonlocal reply
                made = await self._calls.answer(method, data, caller)
                reply = made.SerializeToString()

            await self._over(method, data, context, answered, self._limits.seconds)
            return reply

        async def stream(data: bytes, context: grpc.aio.ServicerContext) -> None:
            async def streamed(caller: Caller) -> None:
                replies = await self._calls.stream(method, data, caller)
                await context.send_initial_metadata(())
                async for reply in replies:
                    await self._write(reply, context)

            await self._over(method, data, context, streamed, None)

        if method.streams:
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(answer)

    async def _over(
        self,
        method: Method,
        data: bytes,
        context: grpc.aio.ServicerContext,
        act: Callable[[Caller], Awaitable[None]],
        seconds: float | None,
    ) -> None:
        """Do what a call asks for if it may, answer an error, and tell how it was."""
        begun, who = time.perf_counter(), _address(context)
        code = grpc.StatusCode.CANCELLED
        if method.streams and self._metrics is not None:
            self._metrics.stream_begins(_full(method))
        try:
            caller = ANYBODY
            if self._authenticator is not None:
                caller = self._authenticator.caller(context)
                who = caller.name
            with self._admission.admitted(who, streams=method.streams):
                caller.check(method.roles)
                async with self._bounded(caller, seconds):
                    await act(caller)
            code = grpc.StatusCode.OK
        except Exception as error:
            told = self._answered(method, data, error)
            code = told.code
            await _abort(told, context)
        finally:
            if code is grpc.StatusCode.CANCELLED and context.time_remaining() == 0:
                code = grpc.StatusCode.DEADLINE_EXCEEDED
            self._note(method, data, who, code, time.perf_counter() - begun)

    @asynccontextmanager
    async def _bounded(self, caller: Caller, seconds: float | None) -> AsyncIterator[None]:
        """End what is done inside after some seconds, and when the caller is no longer known.

        Raises:
            CallRefusedError: it was not over by then.
        """
        known = None
        if self._authenticator is not None and caller.until is not None:
            known = caller.until - self._authenticator.clock()
        bounds = [each for each in (known, seconds) if each is not None]
        try:
            async with asyncio.timeout(min(bounds, default=None)) as bound:
                yield
        except TimeoutError:
            if not bound.expired():
                raise
            # A thread that has begun a command goes on with it.  Streams write nothing.
            definite = seconds is None
            if known in bounds and known == min(bounds):
                text = "what the caller has shown has expired"
                raise unauthenticated(text, definite=definite) from None
            text = f"the call took longer than {seconds:g} seconds"
            raise CallRefusedError(
                "DEADLINE_EXCEEDED", "TooLong", text, definite=definite
            ) from None

    async def _write(self, reply: Protobuf, context: grpc.aio.ServicerContext) -> None:
        """Send a message of a stream, if the client reads.

        Raises:
            CallRefusedError: the client does not read what was sent before.
        """
        try:
            async with asyncio.timeout(self._limits.read) as bound:
                await context.write(reply.SerializeToString())
        except TimeoutError:
            if bound.expired():
                raise over_limit("the stream is not read: open it again, and read on") from None
            raise

    def _answered(self, method: Method, data: bytes, error: Exception) -> Answered:
        """Return how an error is answered; log one that says that something is broken."""
        scope, is_refusal = None, isinstance(error, CallRefusedError)
        is_unknown = isinstance(error, CallRefusedError) and error.status == "UNAUTHENTICATED"
        if is_unknown and isinstance(self._calls, Calls):
            scope = self._calls.required_scope(method, data)
        told = answered(error, self._calls.errors, scope)
        is_failure = told.code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS)
        if is_failure and not is_refusal:
            cause = f"{type(error).__name__}: {error}"
            logged(_LOGGER, "failed", logging.ERROR, method=method.name, error=cause)
        return told

    def _note(
        self, method: Method, data: bytes, who: str, code: grpc.StatusCode, seconds: float
    ) -> None:
        """Count a call that is over, and log it."""
        if self._metrics is not None:
            self._metrics.call_over(_full(method), code.name, seconds, streams=method.streams)
        if _LOGGER.isEnabledFor(logging.INFO):
            logged(
                _LOGGER,
                "call",
                method=_full(method),
                caller=who,
                about=self._calls.about(method, data),
                code=code.name,
                seconds=round(seconds, 6),
            )


def _full(method: Method) -> str:
    """Return the full name of a method."""
    return f"{method.service}/{method.name}"


async def _abort(told: Answered, context: grpc.aio.ServicerContext) -> NoReturn:
    """End a call with a status; cut it if the status cannot be sent in time."""
    try:
        async with asyncio.timeout(ABORT):
            await context.abort(told.code, told.text, ((DETAILS, told.details),))
    except TimeoutError:
        raise asyncio.CancelledError from None
    raise AssertionError("unreachable")


def _address(context: grpc.aio.ServicerContext) -> str:
    """Return the address that a client connects from, without the port."""
    peer: str = context.peer()
    return peer.rpartition(":")[0]
