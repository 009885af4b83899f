"""Several implementations in one table."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.conformance.starters import STARTERS
from pingregistrywf.conformance.suite import VERSION

from ..command_line import on_terminal, run
from ..tools import require_tool

PYTHON = shlex.quote(sys.executable)
TWO = f"""
[[implementation]]
name = "right"
command = "{PYTHON} -m pingregistrywf adapter"

[[implementation]]
name = "wrong"
command = "{PYTHON} -m tests.conformance.deviating"
"""
SCOPE = ("--level", "1-2", "--bound", "n")


def test_the_table_has_each_implementation_and_level(tmp_path: Path) -> None:
    file, page = tmp_path / "matrix.toml", tmp_path / "matrix.html"
    file.write_text(TWO, encoding="utf-8")
    written = tmp_path / "matrix.json"
    outputs = ("--html", str(page), "--json-report", str(written))
    done = run("conform", "matrix", str(file), *SCOPE, *outputs)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["level", "1", "level", "2"]
    assert [line.split() for line in lines[1:3]] == [
        ["right", "conforms", "conforms"],
        ["wrong", "deviates", "deviates"],
    ]
    cause = "from Completed, Commit answers StateConflict, should append nothing"
    assert f"  {cause}" in lines
    document = json.loads(written.read_text(encoding="utf-8"))
    assert (document["suite"], document["chart"]) == (VERSION, "ping_registry")
    assert document["chart_sha256"] == DECLARATION.sha256
    assert document["scope"] == {"levels": [1, 2], "bound": "n", "only": []}
    right, wrong = document["implementations"]
    assert (right["exit"], wrong["exit"]) == (0, 1)
    assert right["verdict"].startswith("conforms: levels 1-2 at bound n")
    assert right["differences"] == []
    assert wrong["differences"] == [cause]
    html = page.read_text(encoding="utf-8")
    assert html.count("data:image/svg+xml;base64,") == 2
    assert cause in html


def test_an_implementation_that_does_not_start_has_no_verdict(tmp_path: Path) -> None:
    file = tmp_path / "matrix.toml"
    file.write_text('[[implementation]]\nname = "gone"\ncommand = "./gone"\n', encoding="utf-8")
    done = run("conform", "matrix", str(file), *SCOPE)
    assert done.returncode == 2
    assert "gone: no verdict: " in done.stdout


@pytest.mark.slow
def test_each_run_shows_how_far_it_is(tmp_path: Path) -> None:
    file = tmp_path / "matrix.toml"
    file.write_text(TWO, encoding="utf-8")
    shown = on_terminal("conform", "matrix", str(file), "--level", "1", "--bound", "n")
    of_right, of_wrong = shown.split("… wrong")
    assert "57/57 0 failed" in of_right
    assert re.search("57/57 [1-9]", of_wrong)
    assert "failed: " not in shown  # the table has what is wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "implementation: Field required; write [[implementation]] with name and command"),
        ("[[implementation]]\nname = 'a'", "implementation.1.command: Field required"),
        ("[[", "Invalid initial character"),
        ("[[implementation]]\nname='a'\ncommand='b'\n" * 2, "two implementations are named a"),
    ],
)
def test_a_file_that_names_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "matrix.toml"
    file.write_text(text, encoding="utf-8")
    done = run("conform", "matrix", str(file))
    assert done.returncode == 2
    assert f"{file}: " in done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--level 9", "levels are written as 1-3 or 1,4, of 1 to 6, not as '9'"),
        ("--html {place}", "is a directory, name a file"),
        ("--json-report {place}/missing/matrix.json", "--json-report: there is no directory"),
    ],
)
def test_what_is_refused_before_a_run(tmp_path: Path, words: str, message: str) -> None:
    file = tmp_path / "matrix.toml"
    file.write_text(TWO, encoding="utf-8")
    done = run("conform", "matrix", str(file), *words.format(place=tmp_path).split())
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert message in line


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    done = run("conform", "matrix", str(tmp_path / "missing.toml"))
    assert done.returncode == 2
    assert done.stderr.count("missing.toml") == 1


@pytest.fixture(scope="module")
def recorder() -> ModuleType:
    """The program that records the run which the site shows."""
    path = Path(__file__).parents[2] / "docs" / "recorded" / "matrix.py"
    spec = importlib.util.spec_from_file_location("recorded_matrix", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_recorded_run_is_of_this_suite_and_this_chart(recorder: ModuleType) -> None:
    recorded = json.loads(recorder.RECORDED.read_text(encoding="utf-8"))
    again = "it is stale: run python docs/recorded/matrix.py"
    assert recorded["suite"] == VERSION, again
    assert recorded["chart_sha256"] == DECLARATION.sha256, again
    made = recorded["implementations"]
    starters = [f"{each.title} starter" for each in STARTERS.values()]
    assert [each["name"] for each in made] == ["reference", "explorer's engine", *starters]
    assert [(each["exit"], each["differences"]) for each in made] == [(0, [])] * len(made)


def test_the_page_shows_the_recorded_run(recorder: ModuleType) -> None:
    page = recorder.PAGE.read_text(encoding="utf-8")
    recorded = json.loads(recorder.RECORDED.read_text(encoding="utf-8"))
    assert recorder.with_tables(page, recorded) == page
    for starter in STARTERS.values():
        assert f"\n| {starter.title} starter | " in page


@pytest.mark.soak(only=True)
def test_the_recorded_run_is_what_a_run_gives(recorder: ModuleType) -> None:
    for tool in ("node", "java", "javac", "go", "cargo"):
        require_tool(tool)
    recorded = json.loads(recorder.RECORDED.read_text(encoding="utf-8"))
    assert recorder.results(recorder.run()) == recorder.results(recorded)
