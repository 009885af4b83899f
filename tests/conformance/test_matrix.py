"""Several implementations in one table."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from ..command_line import run

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
    right, wrong = json.loads(written.read_text(encoding="utf-8"))["implementations"]
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
