"""Expected failures: what a team knows of, each with a reason and a date.

A file of them is TOML, one table each::

    [[expected_failure]]
    rule = "Commit.2"
    reason = "Commit is not idempotent yet."
    issue = "https://example.org/issues/7"
    expires = 2027-01-31

An entry is about the cases that have all that it names: ``id`` (one, or a list of them), ``rule``,
``title``, ``level``, and ``pattern``, which an id, a rule or a title is like.  Cases that fail only
sometimes are listed with ``flaky = true``.

An entry that has expired, that is about no case, or about one that passes, is a failure of its own:
a list of excuses must not outlive what it excuses.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pingregistrywf.conformance.suite.case import Case
from pingregistrywf.conformance.suite.levels import named_levels

TABLE: Final = "expected_failure"
_MEANT: Final = {
    "expires": "a date, like 2027-01-31",
    "issue": "the URL of an issue",
    "level": "the number of a level",
    "flaky": "true or false",
    "id": "the id of a case, or a list of them",
}


class ExpectedFailuresError(ValueError):
    """The file cannot be used; the text says why and what to write."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text: TypeAlias = Annotated[str, Field(min_length=1)]


class ExpectedFailure(BaseModel):
    """One entry: cases that are expected to fail until the end of a day, and why."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    id: Annotated[list[Text], BeforeValidator(_listed)] = Field(default=[], max_length=10_000)
    rule: Text | None = None
    title: Text | None = None
    level: int | None = None
    pattern: Text | None = None
    reason: Text
    issue: str | None = Field(default=None, pattern="^https?://")
    expires: date
    flaky: bool = False

    def __str__(self) -> str:
        """What it is about."""
        named = {key: getattr(self, key) for key in ("rule", "title", "level", "pattern")}
        ids = self.id[0] if len(self.id) == 1 else f"{len(self.id)} ids" if self.id else ""
        return ", ".join(
            [*([ids] if ids else []), *(f"{key} {value}" for key, value in named.items() if value)]
        )

    @property
    def names_cases(self) -> bool:
        """Whether it is about anything."""
        return bool(self.id or self.rule or self.title or self.level or self.pattern)

    def is_about(self, case: Case) -> bool:
        """Whether a case has all that the entry names."""
        return (
            (not self.id or case.id in self.id)
            and self.rule in (None, case.rule)
            and self.title in (None, case.title)
            and self.level in (None, case.level)
            and (self.pattern is None or is_like(case, self.pattern))
        )


ExpectedFailures: TypeAlias = Sequence[ExpectedFailure]


def is_like(case: Case, pattern: str) -> bool:
    """Whether the id, the rule or the title of a case is like a pattern."""
    return any(fnmatchcase(text, pattern) for text in (case.id, case.rule, case.title))


def is_expected(case: Case, expected: ExpectedFailures) -> bool:
    """Whether an entry is about a case."""
    return any(entry.is_about(case) for entry in expected)


def complaints(
    expected: ExpectedFailures,
    known: Collection[str],
    planned: Iterable[Case],
    passed: Collection[str],
    whole: Collection[int],
    today: date,
) -> list[str]:
    """Return what is wrong with the entries.

    Args:
        expected: the entries.
        known: the ids of the suite's cases.
        planned: the cases of the run.
        passed: the ids of those that passed.
        whole: the levels that the run has whole.
        today: the day.
    """
    found = []
    cases = list(planned)
    for entry in expected:
        about = [case.id for case in cases if entry.is_about(case)]
        pass_now = [case for case in about if case in passed]
        gone = next((case for case in entry.id if case not in known), None)
        if gone is not None:
            found.append(f"{gone} is expected to fail, but the suite has no such case")
        elif entry.expires < today:
            why = entry.issue or entry.reason
            found.append(f"{entry} was expected to fail until {entry.expires}: {why}")
        elif not about and not entry.id and {entry.level} & {None, *whole} and whole:
            found.append(f"{entry} is expected to fail, but no case of the suite is such")
        elif len(about) == len(pass_now) == 1 and not entry.flaky:
            found.append(f"{entry} is expected to fail, but passes: remove it from the list")
        elif pass_now and not entry.flaky:
            found.append(
                f"{entry} is expected to fail, but {len(pass_now)} of its {len(about)} cases pass,"
                f" such as {pass_now[0]}: list what fails"
            )
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
    entries: list[ExpectedFailure] = []
    for number, table in enumerate(tables, start=1):
        try:
            entry = ExpectedFailure.model_validate(table)
        except ValidationError as invalid:
            raise ExpectedFailuresError(f"{path}, entry {number}: {_wrong(invalid)}") from None
        if not entry.names_cases:
            raise ExpectedFailuresError(
                f"{path}, entry {number}: say which cases by id, rule, title, level or pattern"
            )
        for case in entry.id:
            if any(case in each.id for each in entries):
                raise ExpectedFailuresError(f"{path}, entry {number}: {case} is listed twice")
        entries.append(entry)
    return entries


def _wrong(invalid: ValidationError) -> str:
    kinds = {"missing": "missing", "extra_forbidden": "none of them"}
    found = [(str(next(iter(error["loc"]), "")), error["type"]) for error in invalid.errors()]
    keys = "".join(f"; {key} is {kinds[kind]}" for key, kind in found if kind in kinds)
    key, _ = found[0]
    if keys or not key:  # a table of other keys, or no table at all
        return f"its keys are {', '.join(ExpectedFailure.model_fields)}{keys}"
    return f"{key} is {_MEANT.get(key, 'a text that is not empty')}"


def written(
    failed: Collection[Case], passed: Iterable[Case], reasons: dict[str, str], expires: date
) -> str:
    """Return a first file of expected failures, with one entry a rule.

    An entry names the rule alone if every case of the rule failed, else the cases' ids, too.

    Args:
        failed: the cases that failed.
        passed: the cases that passed.
        reasons: why each failed, by its id.
        expires: the last day of all entries.
    """
    fine = {case.rule for case in passed}
    by_rule: dict[str, list[Case]] = {}
    for case in failed:
        by_rule.setdefault(case.rule, []).append(case)
    lines = ["# Expected failures, as a run found them: write down the reason of each.", ""]
    for rule, cases in sorted(by_rule.items()):
        levels = sorted({case.level for case in cases})
        lines += [f"# Cases: {len(cases):,}, of {named_levels(levels)}.", f"[[{TABLE}]]"]
        lines.append(f"rule = {_toml(rule)}")
        if rule in fine:
            lines += ["id = [", *(f"    {_toml(case.id)}," for case in cases), "]"]
        lines += [f"reason = {_toml(reasons[cases[0].id])}", f"expires = {expires}", ""]
    return "\n".join(lines)


def _toml(text: str) -> str:
    """A text as TOML writes it, which is how JSON does, but for one character."""
    return json.dumps(text, ensure_ascii=True).replace("\x7f", "\\u007f")
