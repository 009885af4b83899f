"""Standard streams: all three are there, and the program ends once nobody reads its output.

typer, rich and the interpreter each have an exit code of their own for a closed pipe.  Here it is
always that of a program that SIGPIPE has ended.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CLOSED_PIPE = 128 + signal.SIGPIPE
"""The exit code."""


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
    if not isinstance(before, io.TextIOWrapper):  # there is none, or a test's
        yield
        return
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(before.fileno(), "wb", closefd=False)),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering,
        write_through=before.write_through,
    )
    try:
        yield
    finally:
        sys.stdout.flush()
