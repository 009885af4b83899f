"""What a shell offers for a word: registries, workflows, states, commands of a chart, languages.

A registry's name cannot be read from a journal, which keeps ids.  So the names that were typed at a
terminal are kept in ``$XDG_STATE_HOME/pingregistrywf/registries``, and offered.  Where a journal is
named and can be opened, only those are offered that it has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from pingregistrywf.cli.common import JOURNAL_VARIABLE

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal import Journal

MOST: Final = 100
"""So many names of registries are kept."""
STATE_VARIABLE: Final = "XDG_STATE_HOME"


def registries(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of registries that were used before."""
    names = [name for name in _remembered() if name.startswith(incomplete)]
    with _journal(context) as journal:
        if journal is not None:
            from pingregistrywf.coordination.registry import PingRegistry

            return [name for name in names if PingRegistry(journal, name).index().vid]
    return names


def workflows(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the ids of the workflows that the registry lists, each with its state."""
    # An option that waits for its word keeps the parser from giving the arguments their names.
    name = context.params.get("registry_name") or next(iter(context.args), None)
    with _journal(context) as journal:
        if journal is not None and name:
            from pingregistrywf.coordination.overview import each_row
            from pingregistrywf.coordination.registry import PingRegistry

            found = each_row(PingRegistry(journal, name))
            return [
                (text, row.state)
                for row in found
                if (text := str(row.workflow)).startswith(incomplete)
            ]
    return []


def states(incomplete: str) -> list[str]:
    """Return the states that a listed workflow can be in."""
    from pingregistrywf.coordination.overview import STATES

    return [each for each in STATES if each.casefold().startswith(incomplete.casefold())]


def commands(context: typer.Context, incomplete: str) -> list[str]:
    """Return the commands of the chart that the other options name."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError

    with suppress(ChartError, OSError):
        chart = load_model(context.params.get("model") or []).main
        return [each for each in chart.commands if each.startswith(incomplete)]
    return []


def languages(incomplete: str) -> list[str]:
    """Return the languages that have a starter."""
    from pingregistrywf.conformance.starters import LANGUAGES

    return [each for each in LANGUAGES if each.startswith(incomplete)]


def remember(name: str) -> None:
    """Keep a registry's name for completion, if it was typed at a terminal.

    A directory that takes no files is no reason for a command to fail.
    """
    if not (sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()):
        return
    known = _remembered()
    if name in known[:1]:
        return
    with suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        names = [name, *(each for each in known if each != name)]
        file.write_text("".join(f"{each}\n" for each in names[:MOST]), encoding="utf-8")


def _remembered() -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return _file().read_text(encoding="utf-8").split()
    return []


def _file() -> Path:
    state = os.environ.get(STATE_VARIABLE)
    base = Path(state) if state else Path.home() / ".local" / "state"
    return base / "pingregistrywf" / "registries"


@contextmanager
def _journal(context: typer.Context) -> Iterator[Journal | None]:
    """Open the journal that is named so far; None if there is none, or if it cannot be read."""
    from pingregistrywf.runtime.errors import WorkflowError
    from pingregistrywf.runtime.journal import open_journal

    url = context.params.get("journal") or os.environ.get(JOURNAL_VARIABLE)
    opened = None
    with suppress(WorkflowError, OSError):
        opened = open_journal(url, create=False) if url else None
    if opened is None:
        yield None
        return
    with opened, suppress(WorkflowError):
        yield opened
