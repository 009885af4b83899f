"""A network that fails without closing connections: a proxy that holds what clients send.

The server's side of a connection stays open when the client's side is lost, and what was held
arrives later, as it does after a firewall or a proxy has lost one of its sides.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self

_CHUNK = 65_536
PATIENCE = 60.0
"""No test waits so many seconds, unless something is wrong."""


class HoldingProxy:
    """A proxy on the loopback.

    Args:
        target: the server's address, ``HOST:PORT``.

    Attributes:
        address: where clients connect to.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._changed = threading.Condition()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._held: dict[socket.socket, bytes] = {}
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def hold(self) -> None:
        """Hold, from now on, what is sent to the server on the connections that are open."""
        with self._changed:
            self._held = dict.fromkeys((far for _, far in self._pairs), b"")

    def wait_for(self, text: bytes) -> None:
        """Wait until a text is held."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(text in each for each in self._held.values()), PATIENCE
            )

    def lose(self) -> None:
        """Close the clients' sides of the connections that are held; the server is not told."""
        with self._changed:
            lost = [near for near, far in self._pairs if far in self._held]
        for near in lost:
            _shut(near)

    def release(self) -> None:
        """Send what was held."""
        with self._changed:
            for far, data in self._held.items():
                far.sendall(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _shut(self._listener)
        for pair in self._pairs:
            for each in pair:
                _shut(each)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *(each for pair in self._pairs for each in pair)):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                with self._changed:
                    self._pairs.append((near, far))
                for work in (self._send, self._answer):
                    thread = threading.Thread(target=work, args=(near, far))
                    self._threads.append(thread)
                    thread.start()

    def _send(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on to the server what a client sends, or hold it."""
        with suppress(OSError):
            while data := near.recv(_CHUNK):
                with self._changed:
                    if far not in self._held:
                        far.sendall(data)
                        continue
                    self._held[far] += data
                    self._changed.notify_all()
        with self._changed:
            if far not in self._held:
                _shut(far)

    def _answer(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on to a client what the server sends; if the client is gone, nobody gets it."""
        with suppress(OSError):
            while data := far.recv(_CHUNK):
                with suppress(OSError):
                    near.sendall(data)
        _shut(near)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
