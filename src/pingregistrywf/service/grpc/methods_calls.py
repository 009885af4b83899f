"""Calls of the methods that a service declares, to any server that answers them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc

from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.runtime.remote.messages import Protobuf
from pingregistrywf.runtime.services import Method, Service
from pingregistrywf.service.grpc.messages import Messages, message_class


class Calling:
    """Calls of the methods of one server.

    Args:
        service: what the methods are about.
        connection: leads to the server.
    """

    def __init__(self, service: Service, connection: Connection) -> None:
        self._pool: Final = Messages(service).pool
        self._package: Final = service.package
        self._connection: Final = connection

    def message(self, method: Method) -> Protobuf:
        """Return an empty request of a method."""
        return self.kind(f"{method.name}I")()

    def reply(self, method: Method, message: Protobuf) -> Protobuf:
        """Return the reply to a call.

        Raises:
            grpc.RpcError: the call failed.
        """
        data = self._connection.reply(_path(method), message.SerializeToString())
        return self.kind(f"{method.name}O").FromString(data)

    def replies(self, method: Method, message: Protobuf) -> list[Protobuf]:
        """Return the replies to a call that streams and ends.

        Raises:
            grpc.RpcError: the call failed.
        """
        replies = self._connection.replies(_path(method), message.SerializeToString())
        return [self.kind(f"{method.name}O").FromString(each) for each in replies]

    def begun(self, method: Method, message: Protobuf) -> Any:
        """Return a call whose reply comes later, as a future."""
        return self._connection.begun(_path(method), message.SerializeToString())

    def opened(self, method: Method, message: Protobuf) -> OpenStream:
        """Return a call that streams without an end."""
        call = self._connection.opened(_path(method), message.SerializeToString())
        return OpenStream(call, self.kind(f"{method.name}O"))

    def kind(self, name: str) -> type[Protobuf]:
        """Return the class of a message."""
        return message_class(self._pool, f"{self._package}.{name}")


class OpenStream:
    """The replies of a call that streams without an end, as a thread of its own reads them."""

    def __init__(self, call: Any, kind: type[Protobuf]) -> None:
        self._call: Final = call
        self._kind: Final = kind
        self._replies: Final[list[Protobuf]] = []
        self._ended = ""
        self._changed: Final = threading.Condition()
        threading.Thread(target=self._read, name="open stream", daemon=True).start()

    def wait(self, there: Callable[[Sequence[Protobuf]], bool], seconds: float) -> str:
        """Wait until certain replies are there; return why not, in words, if they do not come."""
        end = time.monotonic() + seconds
        with self._changed:
            while not there(self._replies):
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    return self._ended or f"has given no more within {seconds:g} seconds"
                self._changed.wait(left)
        return ""

    @property
    def replies(self) -> Sequence[Protobuf]:
        """The replies until now."""
        with self._changed:
            return tuple(self._replies)

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()

    def _read(self) -> None:
        ended = "ended"
        try:
            for each in self._call:
                with self._changed:
                    self._replies.append(self._kind.FromString(each))
                    self._changed.notify_all()
        except grpc.RpcError as error:
            ended = f"ended with {error.code().name}: {error.details()}"
        with self._changed:
            self._ended = ended
            self._changed.notify_all()


def _path(method: Method) -> str:
    return f"/{method.service}/{method.name}"
