"""How far a command is: a line on standard error that is gone at the end, and nothing in a pipe.

What is printed meanwhile on the same terminal goes above the line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeAlias

Advance: TypeAlias = Callable[[float], None]


def shows_progress() -> bool:
    """Return whether somebody sees how far a command is: standard error is a terminal."""
    return sys.stderr.isatty()


@contextmanager
def progress(what: str, total: float | None = None, unit: str = "") -> Iterator[Advance]:
    """Show what is done, how much of the total, and for how long; yield what adds to the done.

    Args:
        what: what the command does, in a word or two.
        total: how much there is to do; without it, only the time passes.
        unit: what is counted; ``bytes`` are shown as kB and MB.
    """
    if not shows_progress():
        yield lambda _count: None
        return
    with _shown(unit, counted=total is not None) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, advance=count)


@contextmanager
def passes(total: float | None, unit: str) -> Iterator[Callable[[str], Advance]]:
    """Show several passes over the same things; yield what begins a pass by its name.

    What begins a pass returns what adds to the done of this pass.

    Args:
        total: how much there is to do in each pass; without it, only the time passes.
        unit: what is counted.
    """
    if not shows_progress():
        yield lambda _name: lambda _count: None
        return
    with _shown(unit, counted=total is not None) as bar:
        task = bar.add_task("", total=total, visible=False)

        def begin(name: str) -> Advance:
            bar.update(task, description=name, completed=0, visible=True)
            return lambda count: bar.update(task, advance=count)

        yield begin


@contextmanager
def waiting(what: str, seconds: float | None = None) -> Iterator[None]:
    """Show that the command waits, for how long already, and for how long at most."""
    limit = f" of {seconds:g} s" if seconds is not None else ""
    with progress(f"{what}{limit},"):
        yield


@contextmanager
def steps(what: str, total: int, unit: str = "steps") -> Iterator[Callable[[str], None]]:
    """Show the steps of a command; yield what begins the next one by its name."""
    if not shows_progress():
        yield lambda _name: None
        return
    with _shown(unit, counted=True) as bar:
        task = bar.add_task(what, total=total)
        begun = 0

        def begin(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, completed=begun)
            begun += 1

        yield begin


class CountedReader:
    """A seekable file that tells how many bytes are read from it."""

    def __init__(self, file: BinaryIO, advance: Advance) -> None:
        self._file = file
        self._advance = advance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def readline(self, size: int = -1) -> bytes:
        """Read a line."""
        line = self._file.readline(size)
        self._advance(len(line))
        return line


def _shown(unit: str, *, counted: bool) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    from pingregistrywf.cli.columns import WIDE, CountColumn
    from pingregistrywf.coordination.palette import BLUE, GREEN

    console = Console(stderr=True)
    columns: list[ProgressColumn] = [SpinnerColumn(style=BLUE)]
    columns.append(TextColumn("{task.description}", markup=False))
    if counted:
        width = 20 if console.width >= WIDE else 8
        columns.append(BarColumn(bar_width=width, complete_style=BLUE, finished_style=GREEN))
        columns.append(DownloadColumn() if unit == "bytes" else CountColumn())
        if unit != "bytes":
            columns.append(TextColumn(unit))
    columns.append(TimeElapsedColumn())
    return Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # what goes into a pipe must not turn up here
    )
