"""Adapter protocol 1: a service on standard input and output, one JSON object a line.

Each request gets exactly one reply with the same ``id``.  Each server answers its requests in
order, and several servers work side by side.  The adapter promises nothing about time.
"""

from __future__ import annotations

import os
import signal
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import BinaryIO, Final, Protocol

from pingregistrywf.runtime.errors import InvalidCommandError
from pingregistrywf.runtime.jsonlines import read_line, written_line
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.service.requests import Reply, Request, Service, error_json, server_of

PROTOCOL: Final = 1
CAPABILITIES: Final = ("versions", "retry", "delete", "multi_server", "wire", "concurrent")
"""The capabilities of every service."""


class CrashPoint:
    """An observer that kills this process right after one step of the next run of an operation."""

    def __init__(self) -> None:
        self._armed: tuple[str, int] | None = None

    def arm(self, operation: str, after_step: int) -> None:
        """Name the operation and the step; step 0 is before the first."""
        self._armed = (operation, after_step)

    def before(self, operation: Operation, number: int) -> None:
        """Kill before the first step if armed for step 0."""
        if number == 1:
            self.after(operation, 0)

    def after(self, operation: Operation, number: int) -> None:
        """Kill after the step that it is armed for."""
        if self._armed == (operation.name, number):
            os.kill(os.getpid(), signal.SIGKILL)


class Answering(Protocol):
    """What answers the requests of the adapter protocol."""

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request, its id included."""


class Adapter:
    """A service as the adapter protocol presents it.

    A crash point that observes the service's operations is given if the journal outlives this
    process.
    """

    def __init__(self, service: Service, version: str, crash: CrashPoint | None = None) -> None:
        self._service = service
        self._version = version
        self._crash = crash if service.operations else None

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request, its id included."""
        match request.get("op"):
            case "hello":
                reply: Reply = {"hello": self._hello(request)}
            case "bye":
                reply = {"bye": {}}
            case "crash" if self._crash is not None:
                reply = self._arm(self._crash, request)
            case _:
                reply = self._service.answer(request)
        return {"id": request.get("id")} | reply

    def _hello(self, request: Request) -> Reply:
        declaration = self._service.declaration(request)
        claimed = {
            "gc": self._service.collects,
            "index": len(self._service.declarations) > 1,
            "operations": bool(self._service.operations),
            "crash": self._crash is not None,
            "daemons": self._service.daemons,
        }
        hello = {
            "implementation": "pingregistrywf",
            "version": self._version,
            "language": "python",
            "protocol": PROTOCOL,
            "capabilities": [*CAPABILITIES, *(name for name, can in claimed.items() if can)],
        }
        return hello | ({"chart_sha256": declaration.sha256} if declaration else {})

    def _arm(self, crash: CrashPoint, request: Request) -> Reply:
        try:
            self._service.operation(request.get("operation"))
            step = request.get("after_step")
            if type(step) is not int or step < 0:
                raise InvalidCommandError("after_step is the number of a step, or 0")
        except InvalidCommandError as error:
            return {"error": error_json(error)}
        crash.arm(request["operation"], step)
        return {"ok": {}}


def serve(adapter: Answering, requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until ``bye`` or the end of input."""
    writing = threading.Lock()

    def safely(request: Request | None) -> None:
        try:
            if request is None:
                error = InvalidCommandError("a request is one JSON object a line")
                reply = {"id": None, "error": error_json(error)}
            else:
                reply = adapter.answer(request)
            line = written_line(reply)
            with writing:
                replies.write(line)
                replies.flush()
        except Exception:  # a defect, or a runner that no longer reads: there is no reply
            traceback.print_exc()

    last = None
    servers: set[str] = set()
    with ExitStack() as stack:
        lanes: dict[str, ThreadPoolExecutor] = {}
        for line in requests:
            request = read_line(line)
            if request is not None and request.get("op") == "bye":
                last = request
                break
            server = server_of(request or {})
            servers.add(server)
            if len(servers) == 1:
                safely(request)  # there is nothing to be side by side with yet
                continue
            if server not in lanes:
                lanes[server] = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            lanes[server].submit(safely, request)
    if last is not None:
        safely(last)  # after all that was asked before it
