"""Standard output that ends the program once nobody reads it any more.

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
