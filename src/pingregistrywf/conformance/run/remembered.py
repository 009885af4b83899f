"""The cases that failed in the last run, remembered in a directory, so that they can go first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from pingregistrywf.conformance.run.result import CaseResult, Status
from pingregistrywf.conformance.suite.scenario import Scenario, from_text, to_text

DIRECTORY: Final = Path(".pingregistrywf")
"""Where they are remembered, unless another directory is named."""
_FILE: Final = "failed.json"


def remember(directory: Path, results: Iterable[CaseResult]) -> None:
    """Remember which cases failed; the directory is made if it is not there.

    Raises:
        OSError: it cannot be written.
    """
    failed = [
        {
            "title": each.case.title,
            "rule": each.case.rule,
            "bound": each.case.bound,
            "scenario": to_text(each.case.scenario),
        }
        for each in results
        if each.status is Status.FAILED
    ]
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(failed, indent=1, ensure_ascii=True)
    (directory / _FILE).write_text(f"{text}\n", encoding="utf-8")


def recall(directory: Path) -> Sequence[Scenario]:
    """Return what failed in the last run; nothing if none is remembered, or nothing usable."""
    found = []
    with suppress(OSError, ValueError, TypeError, KeyError):
        for each in json.loads((directory / _FILE).read_text(encoding="utf-8")):
            title, rule, bound = (str(each[key]) for key in ("title", "rule", "bound"))
            scenario = from_text(each["scenario"])
            found.append(replace(scenario, title=title, rule=rule, bound=bound))
    return found
