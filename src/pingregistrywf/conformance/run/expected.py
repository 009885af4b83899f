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
from datetime import date
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

TABLE: Final = "expected_failure"
_MEANT: Final = {"expires": "a date, like 2027-01-31", "issue": "the URL of an issue"}


class ExpectedFailuresError(ValueError):
    """The file cannot be used; the text says why and what to write."""


class ExpectedFailure(BaseModel):
    """One entry: a case that is expected to fail until the end of a day, and why."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    issue: str = Field(pattern="^https?://")
    expires: date


ExpectedFailures: TypeAlias = Mapping[str, ExpectedFailure]
"""The entries, by the id of their case."""


def complaints(
    expected: ExpectedFailures, known: Collection[str], passed: Collection[str], today: date
) -> list[str]:
    """Return what is wrong with the entries, given the ids of the suite and of what passed."""
    found = []
    for case, entry in expected.items():
        if case not in known:
            found.append(f"{case} is expected to fail, but the suite has no such case")
        elif entry.expires < today:
            found.append(f"{case} was expected to fail until {entry.expires}: {entry.issue}")
        elif case in passed:
            found.append(f"{case} is expected to fail, but passes: remove it from the list")
    return found


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
        try:
            entry = ExpectedFailure.model_validate(table)
        except ValidationError as invalid:
            raise ExpectedFailuresError(f"{path}, entry {number}: {_wrong(invalid)}") from None
        if entry.id in entries:
            raise ExpectedFailuresError(f"{path}, entry {number}: {entry.id} is listed twice")
        entries[entry.id] = entry
    return entries


def _wrong(invalid: ValidationError) -> str:
    kinds = {"missing": "missing", "extra_forbidden": "none of them"}
    found = [("".join(map(str, error["loc"])), error["type"]) for error in invalid.errors()]
    keys = "".join(f"; {key} is {kinds[kind]}" for key, kind in found if kind in kinds)
    key, _ = found[0]
    if keys or not key:  # a table of other keys, or no table at all
        return f"its keys are {', '.join(ExpectedFailure.model_fields)}{keys}"
    return f"{key} is {_MEANT.get(key, 'a text that is not empty')}"
