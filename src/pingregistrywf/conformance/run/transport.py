"""Transports to an adapter: a child process on its standard streams, or an object in this process.

A transport sends requests and receives answers, and does not look into them.  Anything that is no
answer raises ``ProtocolError``, which says what was received; the transport must then be started
again.  Standard error is read all the time, and its end is kept.
"""

from __future__ import annotations

import os
import shlex
import tempfile
import time
import traceback
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pingregistrywf.conformance.run.child import Child, ProtocolError, start_child
from pingregistrywf.runtime.jsonlines import read_line, written_line

Json: TypeAlias = Any
Request: TypeAlias = dict[str, Json]
Reply: TypeAlias = dict[str, Json]

STORE_VARIABLE: Final = "PINGREGISTRYWF_ADAPTER_STORE"
SHOWN: Final = 400
"""So many characters of a line that is no answer are shown."""
LONGEST: Final = 1 << 27
"""So many bytes of a line are read: a line without end must not fill the memory."""
GRACE: Final = 2.0
"""Seconds that an adapter which has closed its standard output is given to end by itself."""


class AdapterEndedError(ProtocolError):
    """The adapter ended."""


class AdapterHangsError(ProtocolError):
    """No answer came in time: an error of the infrastructure, never a verdict."""


class CannotStartError(Exception):
    """The adapter cannot be started; the text says why and what to do."""


class ChildTransport:
    """A transport to a child process, over its restarts.

    Args:
        command: the adapter's command line, split as a shell would; no shell runs it.
        timeout: after so many seconds without an answer the adapter hangs.

    Attributes:
        stored: whether it was last started with a directory in which it may keep its journal over
            restarts.

    Raises:
        CannotStartError: the command line is empty or unbalanced.
    """

    def __init__(self, command: str, timeout: float) -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise CannotStartError(f"--adapter: {error} in {command!r}: check its quotes") from None
        if not self._command:
            raise CannotStartError("--adapter is empty: give the command that starts the adapter")
        self._timeout = timeout
        self._store: tempfile.TemporaryDirectory[str] | None = None
        self.stored = False
        self._child: Child | None = None
        self._log = bytearray()

    @property
    def running(self) -> bool:
        """True from ``start`` to ``stop``, or until the adapter has ended."""
        return self._child is not None

    def start(self, *, store: bool = False) -> None:
        """Start the adapter, which is not running; raise ``CannotStartError`` if it cannot be.

        With a store it is given a directory, the same each time, in which to keep its journal.
        """
        self.stored = store
        environment = {name: each for name, each in os.environ.items() if name != STORE_VARIABLE}
        if store:
            self._store = self._store or tempfile.TemporaryDirectory(
                prefix="pingregistrywf-adapter-"
            )
            environment[STORE_VARIABLE] = self._store.name
        try:
            self._child = start_child(self._command, environment, self._log)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise CannotStartError(
                f"the adapter {self._command[0]} cannot be started: {why}; "
                "check the command of --adapter"
            ) from None

    def send(self, request: Request) -> None:
        """Send a request, which has its id."""
        if self._child is not None:
            self._child.send(written_line(request))

    def receive(self) -> Reply:
        """Return the next answer; raise ``ProtocolError`` for anything else, or for none."""
        child = self._child
        if child is None:
            raise AdapterEndedError("the adapter is not running")
        if not child.lines:
            self._await_line(child)
        return _answer(child.lines.popleft())

    def stop(self) -> None:
        """End the adapter, if it is running, without asking it."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def bye(self) -> None:
        """Wait for an adapter that has answered ``bye`` to end.

        Raises:
            ProtocolError: it does not end, or not with exit code 0.
        """
        child, self._child = self._child, None
        if child is None:
            return
        code = child.wait(self._timeout)
        if code != 0:
            how = f"did not end within {self._timeout:g} s" if code is None else _ended(code)
            raise ProtocolError(f"after bye the adapter {how}; it must end with exit code 0")

    def close(self) -> None:
        """End the adapter, and remove what was kept for it."""
        self.stop()
        if self._store:
            self._store.cleanup()

    def log(self) -> str:
        """Return the end of what was written to standard error since this was last asked."""
        if self._child is not None:
            self._child.drain_log()
        text = self._log.decode(errors="replace")
        self._log.clear()
        return text

    def _await_line(self, child: Child) -> None:
        deadline = time.monotonic() + self._timeout
        while not child.lines:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AdapterHangsError(
                    f"no answer within {self._timeout:g} s{_partial(child)}; the usual cause is "
                    "output that is not flushed after each answer"
                )
            if not child.exchange(left):
                self._child = None
                code = child.wait(GRACE)
                how = "closed its standard output" if code is None else _ended(code)
                raise AdapterEndedError(f"the adapter {how}{_partial(child)}")
            if child.unended > LONGEST:
                raise ProtocolError(f"a line is longer than {LONGEST >> 20} MiB{_partial(child)}")


class ObjectTransport:
    """A transport, with the same methods, to a function in this process from request to reply.

    Each start makes the function afresh.
    """

    def __init__(self, make: Callable[[], Callable[[Request], Reply]]) -> None:
        self._make = make
        self.stored = False
        self._answer: Callable[[Request], Reply] | None = None
        self._requests: deque[Request] = deque()
        self._log = ""

    @property
    def running(self) -> bool:
        return self._answer is not None

    def start(self, *, store: bool = False) -> None:
        self.stored = store
        self._requests.clear()
        try:
            made = self._make()
        # Were its exit ours, an adapter could end the run with the code of conformance.
        except (Exception, SystemExit) as error:
            raise CannotStartError(f"--python: the factory raised {error!r}") from error
        if not callable(made):
            raise CannotStartError(
                f"--python: the factory gave {made!r:.{SHOWN}}, which cannot be called: "
                "let it give a function from request to reply"
            )
        self._answer = made

    def send(self, request: Request) -> None:
        self._requests.append(request)

    def receive(self) -> Reply:
        if self._answer is None:
            raise AdapterEndedError("the adapter is not running")
        try:
            reply = self._answer(self._requests.popleft())
        except (Exception, SystemExit) as error:
            self._answer = None
            self._log = traceback.format_exc()
            raise AdapterEndedError(f"the adapter raised {error!r}") from None
        try:
            # As JSON, like any adapter's: what it changes later is not what it answered.
            line = written_line(reply)
        except (TypeError, ValueError, RecursionError) as error:
            raise ProtocolError(f"an answer is no JSON: {error}") from None
        return _answer(line)

    def stop(self) -> None:
        self._answer = None

    bye = close = stop

    def log(self) -> str:
        log, self._log = self._log, ""
        return log


Transport: TypeAlias = ChildTransport | ObjectTransport


def _answer(line: bytes) -> Reply:
    if line.startswith(BOM_UTF8):
        raise ProtocolError(
            f"a line begins with a byte-order mark: write UTF-8 without one, not {_shown(line)}"
        )
    reply = read_line(line)
    if reply is None:
        raise ProtocolError(
            f"a line is no JSON object: {_shown(line)}; "
            "standard output is for answers, standard error for a log"
        )
    return reply


def _partial(child: Child) -> str:
    """What has come of a line that did not end, for a message."""
    return f", after half a line: {_shown(bytes(child.received))}" if child.received else ""


def _shown(line: bytes) -> str:
    text = line[: 4 * SHOWN].decode(errors="replace")
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
