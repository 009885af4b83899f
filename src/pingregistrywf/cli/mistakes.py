"""Mistakes in charts as compilers show them: the line quoted, and a caret under what is wrong."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import typer

from pingregistrywf.cli.terminal import for_person
from pingregistrywf.runtime.counts import counted

if TYPE_CHECKING:
    from pingregistrywf.chart.mistakes import ChartError, Mistake

_CUT = "…"
_NARROWEST = 40


def print_mistakes(error: ChartError) -> str:
    """Print mistakes on standard error, and return in words how many there are and where."""
    for each in error.mistakes:
        _print(each)
    files = sorted({each.file for each in error.mistakes})
    return f"{counted(len(error.mistakes), 'mistake')} in {', '.join(files)}"


def fields(mistake: Mistake) -> Mapping[str, Any]:
    """Return a mistake as JSON."""
    return {name: getattr(mistake, name) for name in ("file", "line", "column", "what", "remedy")}


def lines(mistake: Mistake, width: int) -> Iterator[tuple[str, str]]:
    """Yield the lines that show a mistake, each with what it is: head, place, quote, caret, help.

    No line is longer than the width, but for words that are.
    """
    number = str(mistake.line)
    gutter = " " * len(number)
    yield from (("head", each) for each in _filled(f"error: {mistake.what}", width, ""))
    yield "place", f"{gutter}--> {mistake.file}:{mistake.line}:{mistake.column}"
    if mistake.quoted:
        quoted, column = _window(mistake.quoted, mistake.column - 1, width - len(number) - 3)
        caret = "^" * max(1, min(mistake.length, len(quoted) - column))
        yield "place", f"{gutter} |"
        yield "quote", f"{number} | {quoted}"
        yield "caret", f"{gutter} | {' ' * column}{caret}"
        yield "place", f"{gutter} |"
    filled = _filled(f"{gutter} = help: {mistake.remedy}", width, " " * (len(gutter) + 9))
    yield from (("help", each) for each in filled)


def _window(line: str, column: int, room: int) -> tuple[str, int]:
    """Return the part of a line around a column that fits, and where the column is in it."""
    shown = line.expandtabs(1)
    if len(shown) <= room:
        return shown, column
    start = max(0, min(column - room // 3, len(shown) - room))
    cut = shown[start : start + room]
    if start:
        cut = _CUT + cut[1:]
    if start + room < len(shown):
        cut = cut[:-1] + _CUT
    return cut, column - start


def _filled(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def _print(mistake: Mistake) -> None:
    if not for_person(sys.stderr):
        for _, line in lines(mistake, 10_000):
            typer.echo(line, err=True)
        typer.echo(err=True)
        return
    from rich.console import Console
    from rich.text import Text

    from pingregistrywf.coordination.palette import BLUE, CYAN, RED

    styles = {
        "head": f"bold {RED}",
        "place": BLUE,
        "quote": "",
        "caret": f"bold {RED}",
        "help": CYAN,
    }
    console = Console(stderr=True, highlight=False)
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    for kind, line in lines(mistake, width):
        console.print(Text(line, styles[kind]), soft_wrap=True)
    console.print()
