"""The adapter's process, and what travels on its three streams, none of which blocks.

It looks for lines in what is received, and into nothing else.  Where the system can wait for
several pipes at once, one thread does all; elsewhere, which is Windows, a thread waits for each.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Thread
from typing import IO, Any, Final

LOG_SIZE: Final = 1 << 16
"""So many bytes of the log's end are kept."""
CHUNK: Final = 1 << 18
DRAINED: Final = 64
"""So many chunks of the log are read at once, so that one without end ends nothing."""
AT_ONCE: Final = 4
"""So many requests are written together, while the adapter answers those before."""
LINGERS: Final = 0.5
"""Seconds that the pipes of a child which was killed are given to end."""


class ProtocolError(Exception):
    """The adapter did not answer as the protocol has it; the text says what happened."""


class Child(ABC):
    """A child process.

    Attributes:
        lines: what was received, line by line.
        received: what has come since of a line that has not ended.
    """

    def __init__(
        self, command: list[str], environment: Mapping[str, str], log: bytearray, **options: Any
    ) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(  # noqa: S603
            command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=environment, **options
        )
        self.lines: deque[bytes] = deque()
        self.received = bytearray()
        self._searched = 0
        self._log = log

    @property
    def unended(self) -> int:
        """How many bytes are known to belong to a line that has not ended."""
        return self._searched

    @abstractmethod
    def send(self, line: bytes) -> None:
        """Send a line; it may travel when answers are waited for."""

    @abstractmethod
    def exchange(self, seconds: float) -> bool:
        """Wait until something has come, or is gone; False at the end of the answers."""

    @abstractmethod
    def drain_log(self) -> None:
        """Read what is there of the log."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, if it is still there."""

    def wait(self, seconds: float) -> int | None:
        """Close its standard input and wait for its end, while its log is read.

        Then it is killed.  Returns its exit code; None if it did not end.
        """
        self._hang_up()
        deadline = time.monotonic() + seconds
        while (code := self.process.poll()) is None and time.monotonic() < deadline:
            self.drain_log()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
        self.kill()
        return code

    def _receive(self, chunk: bytes) -> bool:
        """Take what has come of the answers; False for their end."""
        self.received += chunk
        end = self.received.rfind(b"\n", self._searched)
        if end < 0:
            self._searched = len(self.received)
        else:
            self.lines.extend(bytes(self.received[:end]).split(b"\n"))
            del self.received[: end + 1]
            self._searched = 0
        return bool(chunk)

    def _keep(self, chunk: bytes) -> bool:
        """Keep the end of the log; False for its end."""
        self._log += chunk
        del self._log[:-LOG_SIZE]
        return bool(chunk)

    def _hang_up(self) -> None:
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()


class PolledChild(Child):
    """A child process whose pipes are waited for together.

    It leads a process group, so that whatever it starts can be ended with it.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], log: bytearray) -> None:
        super().__init__(command, environment, log, start_new_session=True)
        streams = (self.process.stdin, self.process.stdout, self.process.stderr)
        self._input, self._output, self._errors = (each.fileno() for each in streams if each)
        for descriptor in (self._input, self._output, self._errors):
            os.set_blocking(descriptor, False)
        self._readers = [self._output, self._errors]
        self._outgoing = bytearray()
        self._unsent = 0

    def send(self, line: bytes) -> None:
        self._outgoing += line
        self._unsent += 1
        if self._unsent >= AT_ONCE:
            self._write()

    def exchange(self, seconds: float) -> bool:
        writers = [self._input] if self._outgoing else []
        readable, writable, _ = select.select(self._readers, writers, [], seconds)
        if self._errors in readable and not self._read_log():
            self._readers.remove(self._errors)
        if writable:
            self._write()
        return self._output not in readable or self._receive(os.read(self._output, CHUNK))

    def drain_log(self) -> None:
        for _ in range(DRAINED):
            if not select.select([self._errors], [], [], 0)[0] or not self._read_log():
                return

    def kill(self) -> None:
        """Kill it and all that it started, if they are still there."""
        self.drain_log()
        self._hang_up()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.process.wait()

    def _write(self) -> None:
        self._unsent = 0
        try:
            del self._outgoing[: os.write(self._input, self._outgoing)]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._outgoing.clear()  # its end shows when its answers are read

    def _read_log(self) -> bool:
        try:
            chunk = os.read(self._errors, CHUNK)
        except BlockingIOError:
            return True
        return self._keep(chunk)


class ThreadedChild(Child):
    """A child process with a thread for each of its pipes.

    What it starts is not ended with it.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], log: bytearray) -> None:
        super().__init__(command, environment, log)
        self._outgoing: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._answers: queue.Queue[bytes] = queue.Queue(maxsize=DRAINED)
        self._logged: deque[bytes] = deque(maxlen=DRAINED)
        self._open = True
        works = (self._write, self._read, self._read_log)
        streams = (self.process.stdin, self.process.stdout, self.process.stderr)
        begun = [_begin(*pair) for pair in zip(works, filter(None, streams), strict=True)]
        self._log_reader = begun[-1]

    def send(self, line: bytes) -> None:
        self._outgoing.put(line)

    def exchange(self, seconds: float) -> bool:
        with suppress(queue.Empty):
            self._open = self._receive(self._answers.get(timeout=seconds))
        return self._open

    def drain_log(self) -> None:
        while self._logged:
            self._keep(self._logged.popleft())

    def kill(self) -> None:
        self._hang_up()
        self.process.kill()
        self.process.wait()
        with suppress(queue.Empty):  # what it has started may keep the pipes
            while self._open:
                self._open = bool(self._answers.get(timeout=LINGERS))
        self._log_reader.join(LINGERS)
        self.drain_log()

    def _hang_up(self) -> None:
        self._outgoing.put(b"")  # who may be writing closes it

    def _write(self, stream: IO[bytes]) -> None:
        with suppress(OSError):  # its end shows when its answers are read
            while line := self._outgoing.get():
                while line:
                    line = line[stream.write(line) :]

    def _read(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), CHUNK):
            self._answers.put(chunk)
        self._answers.put(b"")

    def _read_log(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), CHUNK):
            self._logged.append(chunk)


def _begin(work: Callable[[IO[bytes]], None], stream: IO[bytes]) -> Thread:
    """Begin to work on a stream, which is closed in the end."""

    def run() -> None:
        with suppress(OSError), stream:
            work(stream)

    thread = Thread(target=run, daemon=True)
    thread.start()
    return thread


def start_child(command: list[str], environment: Mapping[str, str], log: bytearray) -> Child:
    """Start a child process.

    Args:
        command: the program and its arguments.
        environment: its variables.
        log: takes the end of what it writes to standard error.

    Raises:
        OSError: it cannot be started.
    """
    kind = PolledChild if hasattr(os, "killpg") else ThreadedChild
    return kind(command, environment, log)
