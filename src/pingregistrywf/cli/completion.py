"""What a shell offers for a word: registries, ids, states, commands of a chart, languages.

A registry's name cannot be read from a journal, which keeps ids.  So the names that were typed at a
terminal are kept in ``$XDG_STATE_HOME/pingregistrywf/registries``, and offered.  Where a journal is
named and can be opened, only those are offered that it has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from pingregistrywf.cli.common import JOURNAL_VARIABLE, SERVICE_VARIABLE

if TYPE_CHECKING:
    from pingregistrywf.runtime.journal import Journal

MOST: Final = 100
"""So many names of registries are kept."""
STATE_VARIABLE: Final = "XDG_STATE_HOME"
_ASKED: Final = "_PINGREGISTRYWF_COMPLETE"
"""The variable by which the script for a shell asks for what to offer."""
_WORD: Final = "COMP_CWORD"
"""The variable with the number of the word to complete, of the line of bash."""
_WITH_WORD: Final = "COMP_WORDS"
"""The variable with the line of bash."""
_LINES: Final = (_WITH_WORD, "_TYPER_COMPLETE_ARGS")
"""The variables with the line: that of bash, and that of zsh and fish, which ends at the cursor."""

_QUOTES: Final = frozenset("\"'\\")


def repeat_option(several: Collection[str]) -> None:
    """Let the word to complete follow its option where one or more words of the option go before.

    The parser takes one word after each option, so ``--step Init App`` is changed to ``--step Init
    --step App`` in the variables in which a shell passes the line.  A line with quotes stays.

    Args:
        several: the options that may be followed by several words.
    """
    if _ASKED not in os.environ:
        return
    for name in _LINES:
        line = os.environ.get(name, "")
        between = "\n" if "\n" in line else " "  # bash puts each word on a line
        words = line.split(between)
        at = int(os.environ.get(_WORD, "0")) if name == _WITH_WORD else len(words) - 1
        before, rest = words[:at], words[at:]
        option = next((each for each in reversed(before) if each.startswith("-")), "")
        begins_another = rest[:1] != [] and rest[0].startswith("-")
        if option not in several or before[-1] == option or begins_another or set(line) & _QUOTES:
            continue
        os.environ[name] = between.join([*before, option, *rest])
        if name == _WITH_WORD:
            os.environ[_WORD] = str(at + 1)


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


def histories(context: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of the histories of a journal."""
    with _journal(context) as journal:
        if journal is not None:
            from pingregistrywf.cli.listing import history_ids

            found = sorted(map(str, history_ids(journal)))
            return [each for each in found if each.startswith(incomplete)]
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

    named = context.params.get("journal") or context.params.get("url")
    url = named or os.environ.get(JOURNAL_VARIABLE) or os.environ.get(SERVICE_VARIABLE)
    opened = None
    with suppress(WorkflowError, OSError):
        opened = open_journal(url, create=False) if url else None
    if opened is None:
        yield None
        return
    with opened, suppress(WorkflowError):
        yield opened
