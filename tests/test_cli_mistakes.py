"""Mistakes in a chart as the command line shows them: line, column, quote, caret, suggestion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command_line import run

CHART = """\
chart: lamp
version: "1.0.0"
title: Lamp
states: {Dark: {code: 0, initial: true}, Lit: {code: 1}}
events:
  Switched:
    wire: {name: EV_SWITCHED, number: 1}
    to: Lit
commands:
  Switch:
    doc: A very long sentence stands before what is wrong, and another one stands behind it, too.
    rules: [{in: [Dark], emit: Switched}, {in: [Lit], noop: It shines.}]
"""


@pytest.mark.parametrize(
    ("right", "wrong", "place", "word", "help"),
    [
        ("    to: Lit", "    to: Lti", (8, 9), "Lti", "did you mean Lit? There are Dark, Lit"),
        ("rules: [", "ruls: [", (12, 5), "ruls", "did you mean rules? The keys are "),
        ("emit: Switched", "emit: Swiched", (12, 32), "Swiched", "did you mean Switched? There"),
        ("{code: 1}", "{code: one}", (4, 54), "one", "write a whole number from 0"),
        ("{code: 1}", "{code: -1}", (4, 54), "-1", "write a whole number from 0"),
    ],
)
def test_a_mistake_is_quoted_with_a_caret_below(
    tmp_path: Path, right: str, wrong: str, place: tuple[int, int], word: str, help: str
) -> None:
    assert right in CHART
    file = tmp_path / "lamp.yaml"
    file.write_text(CHART.replace(right, wrong, 1))
    done = run("chart", "--model", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    head, where, _, quote, caret, _, remedy, _, last = done.stderr.splitlines()
    number, column = place
    assert head.startswith("error: ")
    assert where.strip() == f"--> {file}:{number}:{column}"
    assert quote == f"{number} | {file.read_text().splitlines()[number - 1]}"
    start = caret.index("^")
    assert quote[start : start + caret.count("^")] == word
    assert start == len(f"{number} | ") + column - 1
    assert remedy.strip().startswith(f"= help: {help}")
    assert last == f"pingregistrywf: 1 mistake in {file}"
    done = run("chart", "--model", str(file), "--json")
    (mistake,) = json.loads(done.stdout)["mistakes"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == (str(file), *place)
    assert mistake["remedy"].startswith(help)


def test_all_mistakes_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "lamp.yaml"
    file.write_text(CHART.replace("version", "verson").replace("title", "titel"))
    done = run("generate", "--model", str(file), "--package", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"pingregistrywf: 2 mistakes in {file}"
    assert done.stderr.count(" = help: did you mean ") == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    done = run("chart", "--model", str(tmp_path / "none.yaml"))
    assert done.returncode == 2
    assert "error: the file cannot be read: no such file or directory" in done.stderr
    assert "^" not in done.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]"])
def test_what_is_no_chart_json_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "chart.json"
    file.write_bytes(content)
    done = run("chart", "diff", str(file), str(file))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "holds no chart that this version can read (at its beginning)" in line
