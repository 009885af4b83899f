"""Ids on the command line: whole, or shortened to a beginning that only one of them has.

A whole id is taken as it is, also where nothing has it.  A beginning is looked up among the ids
that exist: those that a registry's index lists, or those of a journal's histories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from pingregistrywf.cli.common import REFUSED, CannotRunError, fail
from pingregistrywf.cli.listing import history_ids

if TYPE_CHECKING:
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.runtime.journal import OperatorJournal

DIGITS: Final = 32
"""How many hexadecimal digits a whole id has."""
_NAMED: Final = 5
"""How many ids are named of those that begin in the same way."""


def workflow(registry: PingRegistry, text: str, option: str = "--workflow") -> UUID:
    """Return the id of a workflow of a registry, of which the text may be the beginning.

    Raises:
        CannotRunError: it is no id, or several ids begin so.
        Exit: no id begins so.
    """
    return _resolved(
        option,
        text,
        lambda: registry.index().entries,
        "workflow",
        f"pingregistrywf list {registry.name}",
    )


def history(journal: OperatorJournal, text: str, option: str = "--history") -> UUID:
    """Return the id of a history of a journal, of which the text may be the beginning.

    Raises:
        CannotRunError: it is no id, or several ids begin so.
        Exit: no id begins so.
    """
    return _resolved(
        option,
        text,
        lambda: history_ids(journal),
        "history",
        "pingregistrywf journal info",
    )


def _resolved(
    option: str, text: str, known: Callable[[], Iterable[UUID]], thing: str, listing: str
) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        beginning = text.replace("-", "").lower()
    if not beginning or len(beginning) >= DIGITS or set(beginning) - set("0123456789abcdef"):
        raise CannotRunError(f"{option} is a UUID or the beginning of one, not {text!r}")
    found = sorted(each for each in known() if each.hex.startswith(beginning))
    if not found:
        fail(
            f"{option}: no {thing} has an id that begins with {text}; `{listing}` shows them",
            REFUSED,
        )
    if len(found) > 1:
        named = [str(each) for each in found[:_NAMED]]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise CannotRunError(
            f"{option}: {len(found)} ids begin with {text}: write more of it;"
            f" they are {', '.join(named)}{more}"
        )
    return found[0]
