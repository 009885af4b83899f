"""Cases as files: one format for reports, the bundle, the explorer and people."""

from __future__ import annotations

import json
import re
import shlex
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.case_file import (
    CaseFileError,
    case_of,
    read_cases,
    saved,
    schema,
)

from ..command_line import run

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
PYTHON = shlex.quote(sys.executable)
RIGHT = ("--adapter", f"{PYTHON} -m pingregistrywf adapter")
SUBJECT = ("--adapter", f"{PYTHON} -m tests.conformance.deviating")


def of_the_page() -> str:
    """The case that the documentation shows."""
    found = re.search(r"```json\n(\{\"format\".*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5, 6])
def test_a_case_is_read_as_it_was_written(suite: Suite, level: int) -> None:
    cases = list(islice(suite.cases(frozenset({level})), 40))
    assert cases
    for case in cases:
        jsonschema.validate(json.loads(saved(case)), schema())
        again = case_of(saved(case), suite.compiler, "here")
        assert again.id == case.id
        assert again.document() == case.document()
        assert again.again


def test_a_file_holds_one_case_or_one_a_line(suite: Suite, tmp_path: Path) -> None:
    cases = [case for _, case in zip(range(3), suite.cases(frozenset({3})), strict=False)]
    lines = [json.dumps(each.document()) for each in cases]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [each.id for each in read_cases(file, suite.compiler)] == [each.id for each in cases]
    file.write_text(saved(cases[0]), encoding="utf-8")
    assert [each.id for each in read_cases(file, suite.compiler)] == [cases[0].id]


def test_the_case_of_the_page_is_right(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(of_the_page(), encoding="utf-8")
    done = run("conform", *RIGHT, "--case", str(file))
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[-1] == "incomplete: 1 case run; a replay is not the suite"


def test_a_failing_group_is_saved_and_fails_again(tmp_path: Path) -> None:
    asked = ("conform", *SUBJECT, "--level", "1", "--bound", "n", "--save-cases", str(tmp_path))
    assert run(*asked).returncode == 1
    (file,) = tmp_path.iterdir()
    again = run("conform", *SUBJECT, "--case", str(file))
    assert again.returncode == 1
    assert "Commit" in again.stdout
    whole = json.loads(file.read_text(encoding="utf-8"))
    assert file.stem == whole["id"]
    del whole["scenario"]
    written_out = run("conform", *SUBJECT, "--replay", json.dumps(whole))
    assert written_out.returncode == 1
    assert "A shorter sequence was not tried: the file holds no scenario." in written_out.stdout


def test_what_was_changed_by_hand_is_run_as_it_stands(suite: Suite) -> None:
    case = next(suite.cases(frozenset({1})))
    document = json.loads(saved(case))
    document["steps"][0]["expect"] = {"error": {"code": "StateConflict"}}
    assert not case_of(json.dumps(document), suite.compiler, "here").again


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pingregistrywf-case/9"}, "here is no case at format: "),
        ({"steps": []}, "here is no case at steps: "),
        ({"colour": 1}, "here is no case at colour: "),
        ({"chart": "other"}, "here is about the chart other, there are ping_registry, "),
        ({"steps": [{}]}, "here, step 1: write send or together, one of them"),
        ({"steps": [{"send": {"op": "find"}}]}, "here, step 1: write what to expect"),
        ({"scenario": {"do": []}}, "here: not a scenario to replay"),
    ],
)
def test_what_is_no_case_is_refused(suite: Suite, change: dict[str, Any], message: str) -> None:
    text = json.dumps(json.loads(of_the_page()) | change)
    with pytest.raises(CaseFileError) as raised:
        case_of(text, suite.compiler, "here")
    assert str(raised.value).startswith(message)


def test_a_file_without_a_case_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.json"
    file.write_text("\n", encoding="utf-8")
    done = run("conform", *SUBJECT, "--case", str(file))
    assert done.returncode == 2
    assert f"{file}: there is no case in it" in done.stderr
