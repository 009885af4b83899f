"""Expected failures: what a team knows of, each with a reason, an issue and a date.

A file of them is TOML, one table each::

    [[expected_failure]]
    id = "1-0123456789abcdef"
    reason = "Commit is not idempotent yet."
    issue = "https://example.org/issues/7"
    expires = 2027-01-31

An entry that has expired, that names no case of the suite, or whose case passes, is a failure of
its own: a list of excuses must not outlive what it excuses.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

TABLE: Final = "expected_failure"
_KEYS: Final = {"id": str, "reason": str, "issue": str, "expires": date}


class ExpectedFailuresError(ValueError):
    """The file cannot be used; the text says why and what to write."""


@dataclass(frozen=True, slots=True)
class ExpectedFailure:
    """One entry.

    Attributes:
        id: the case that is expected to fail.
        reason: why.
        issue: the URL of the issue that will put it right.
        expires: the last day on which it is expected.
    """

    id: str
    reason: str
    issue: str
    expires: date


@dataclass(frozen=True, slots=True)
class ExpectedFailures:
    """The entries, by the id of their case."""

    entries: Mapping[str, ExpectedFailure]

    def complaints(self, known: Collection[str], passed: Collection[str], today: date) -> list[str]:
        """What is wrong with the list itself.

        Args:
            known: the ids of every case of the suite.
            passed: those that passed.
            today: the day.
        """
        complaints = []
        for each in self.entries.values():
            if each.id not in known:
                complaints.append(f"{each.id} is expected to fail, but the suite has no such case")
            elif each.expires < today:
                complaints.append(
                    f"{each.id} was expected to fail until {each.expires}: {each.issue}"
                )
            elif each.id in passed:
                complaints.append(
                    f"{each.id} is expected to fail, but passes: remove it from the list"
                )
        return complaints


NONE: Final = ExpectedFailures({})


def read_expected(path: Path) -> ExpectedFailures:
    """Read a file of expected failures.

    Raises:
        ExpectedFailuresError: it cannot be read, or an entry is not as it should be.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExpectedFailuresError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise ExpectedFailuresError(f"{path} is no TOML: {error}") from None
    tables = given.pop(TABLE, [])
    if given or not isinstance(tables, list):
        raise ExpectedFailuresError(
            f"{path}: write [[{TABLE}]] above each entry, and nothing else"
            + (f"; there is {', '.join(given)}" if given else "")
        )
    entries: dict[str, ExpectedFailure] = {}
    for number, table in enumerate(tables, start=1):
        entry = _entry(f"{path}, entry {number}", table)
        if entry.id in entries:
            raise ExpectedFailuresError(f"{path}, entry {number}: {entry.id} is listed twice")
        entries[entry.id] = entry
    return ExpectedFailures(entries)


def _entry(where: str, table: object) -> ExpectedFailure:
    given = set(table) if isinstance(table, dict) else set()
    if not isinstance(table, dict) or given != set(_KEYS):
        lacking = "".join(f"; {key} is missing" for key in _KEYS if key not in given)
        unknown = "".join(f"; {key} is none of them" for key in sorted(given - set(_KEYS)))
        keys = ", ".join(_KEYS)
        raise ExpectedFailuresError(f"{where}: its keys are {keys}{lacking}{unknown}")
    for key, kind in _KEYS.items():
        value = table[key]
        if not isinstance(value, kind) or isinstance(value, datetime) or value == "":
            meant = "a date, like 2027-01-31" if kind is date else "a text that is not empty"
            raise ExpectedFailuresError(f"{where}: {key} is {meant}")
    if not table["issue"].startswith(("https://", "http://")):
        raise ExpectedFailuresError(f"{where}: issue is the URL of an issue")
    return ExpectedFailure(**table)
