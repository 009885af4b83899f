"""Standard streams: all three are there, and the program ends once nobody reads its output.

typer, rich and the interpreter each have an exit code of their own for a closed pipe.  Here it is
always that of a program that SIGPIPE has ended.  A terminal that Ctrl-S has stopped takes nothing,
and whoever writes to it waits; a signal ends the program all the same.

Any text can be printed.  For a person, a letter that the encoding of standard output lacks becomes
an escape, as it does on standard error.  What a program reads is always in UTF-8.
"""

from __future__ import annotations

import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import typer

CLOSED_PIPE = 128 + 13
"""The exit code: 13 is SIGPIPE, a name that Windows does not have."""
STOPPED: Final = 1.0
"""A terminal that takes nothing for so many seconds is stopped."""
_OUTPUTS: Final = (1, 2)
"""The descriptors of standard output and standard error."""


class _Descriptor(io.FileIO):
    """A file descriptor to which nothing more is written after the first error."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # for what is still buffered
            if isinstance(error, BrokenPipeError):
                raise SystemExit(CLOSED_PIPE) from None
            raise


def open_missing_streams() -> None:
    """Give the program an empty stream for each standard stream that it was started without.

    A file that is opened later would take the stream's number, and with it what others write there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (stays open)
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


@contextmanager
def ending_with_the_reader() -> Iterator[None]:
    """End the program with 141 inside if whoever reads standard output has gone."""
    before = sys.stdout
    # A console of Windows has no descriptor that takes its letters, and no reader who goes away.
    if not isinstance(before, io.TextIOWrapper) or not _is_file(before):
        yield
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(before.fileno(), "wb", closefd=False)),
        encoding=before.encoding,
        errors="backslashreplace" if before.errors == "strict" else before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )
    try:
        yield
    finally:
        sys.stdout.flush()


def _is_file(stream: io.TextIOWrapper) -> bool:
    """Return whether a stream writes to a file, a pipe or a terminal by its descriptor."""
    return isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO)


def print_for_program(text: str) -> None:
    """Print JSON, or the text of a file: in UTF-8, whatever a person's terminal takes."""
    exact = isinstance(sys.stdout, io.TextIOWrapper)  # else it is a test's, which keeps text
    typer.echo(text.encode(errors="backslashreplace") if exact else text, nl=False)


def abandon_stopped_terminals() -> None:
    """Throw away from now on what is written to a terminal that takes nothing.

    A handler of a signal that asks the program to end calls this in the main thread, so that no
    thread that writes keeps the program from its end.  What a thread is writing is thrown away too.
    """
    if not hasattr(signal, "pthread_kill"):  # no such terminals either
        return
    terminals = [each for each in _OUTPUTS if os.isatty(each)]
    if not terminals or select.select([], terminals, [], 0)[1] == terminals:
        return
    for each in terminals:
        if not select.select([], [each], [], STOPPED)[1]:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, each)
            os.close(null)
    # A thread inside of write waits for the terminal still; it writes anew once a signal came.
    signal.signal(signal.SIGURG, lambda _number, _frame: None)
    for thread in threading.enumerate():
        if thread.ident is not None and thread is not threading.main_thread():
            signal.pthread_kill(thread.ident, signal.SIGURG)
