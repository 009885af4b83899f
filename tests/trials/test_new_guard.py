"""A trial: what it takes to teach the language of charts another guard.

A guard says how a rule judges arguments.  There is one, ``same``.  The trial adds ``zero`` ("a noop
if these arguments are zero, else the error") to a copy of the checkout, by the changes in
``new_guard.yaml``.  A chart that uses it must then be read, lowered, generated, run, conform, and
agree with the second engine and with the explorer.  CONTRIBUTING lists the files; this test holds
it to that.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ..tools import require_tool

ROOT = Path(__file__).parents[2]
MOST_FILES = 9

CHANGES: dict[str, list[dict[str, str]]] = yaml.safe_load(
    Path(__file__).with_name("new_guard.yaml").read_text(encoding="utf-8")
)

CHART = """
chart: counters
version: "1.0.0"
title: Counters
facade: Counters
states: {New: {code: 0, initial: true}, Open: {code: 1}, Shut: {code: 2}}
events:
  Opened: {wire: {name: EV_OPENED, number: 1}, to: Open}
  Counted: {wire: {name: EV_COUNTED, number: 2}, to: Open, fields: {count: {type: int32, wire: 10}}}
  Closed: {wire: {name: EV_CLOSED, number: 3}, to: Shut}
commands:
  Start: {rules: [{in: [New], emit: Opened}]}
  Count: {args: {count: {type: int32}}, rules: [{in: [Open], emit: Counted}]}
  Settle:
    args: {rest: {type: int32}}
    rules:
      - {in: [Open], zero: [rest], noop: Nothing is left., else: RestError}
  Close: {rules: [{in: [Open], emit: Closed}]}
errors:
  RestError: {doc: Something is left.}
"""

AGREES = """
import sys
from pathlib import Path
from pingregistrywf.chart.lower import read_model
from pingregistrywf.chart.machine import machines

model = read_model([Path(sys.argv[1])])
(chart,), (machine,) = model.charts.values(), machines(model).values()
for (row, state), cell in chart.cells.items():
    machine.reset(state)
    answer = machine.tell(row[0], same=row[1] != "other")
    assert (answer.outcome, answer.event, answer.error) == (cell.outcome, cell.event, cell.error)
assert chart.cell("Settle", "Open").outcome == "noop"
assert chart.cell("Settle", "Open", same=False).error == "RestError"
"""

EXPLORES = """
import { readFileSync } from "node:fs";
import { Chart } from "%(source)s/chart.mjs";
import { decide, emptyState, evolve } from "%(source)s/engine.mjs";

const chart = new Chart(JSON.parse(readFileSync("%(document)s", "utf8")));
const event = { event: "Opened", id: "0".repeat(25) + "1", parent: "0".repeat(26), fields: {} };
const open = evolve(chart, emptyState(chart), event);
const said = (rest) => decide(chart, open, "Settle", { rest });
console.log(said(0).outcome, said(7).error.name);
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of a checkout that knows the new guard."""
    place = tmp_path_factory.mktemp("trial")
    for part in ("src", "model"):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in CHANGES.items():
        file = place / "src" / "pingregistrywf" / name
        text = file.read_text(encoding="utf-8")
        for change in changes:
            count = text.count(change["old"])
            assert count == 1, f"{name} has {count} places for the change of {change['old']}"
            text = text.replace(change["old"], change["new"])
        file.write_text(text, encoding="utf-8")
    (place / "counters.yaml").write_text(CHART, encoding="utf-8")
    return place


def run(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src")}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_guard_touches_few_files() -> None:
    assert len(CHANGES) <= MOST_FILES


def test_the_recipe_names_them() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipe = text.split("### A new kind of guard")[1].split("###")[0]
    assert set(re.findall(r"`([a-z_/]+\.(?:py|mjs))`", recipe)) == set(CHANGES)


@pytest.mark.slow
def test_the_second_engine_agrees(copy: Path) -> None:
    run(copy, "-c", AGREES, "counters.yaml")


@pytest.mark.slow
def test_the_reference_conforms(copy: Path) -> None:
    adapter = f"{sys.executable} -m pingregistrywf adapter --model counters.yaml"
    report = run(
        copy,
        *("-m", "pingregistrywf", "conform", "--model", "counters.yaml"),
        *("--adapter", adapter, "--level", "1-4"),
    )
    assert "conforms: levels 1-4 at bound n+2" in report


@pytest.mark.slow
def test_the_explorer_does_the_same(copy: Path) -> None:
    node = require_tool("node")
    run(
        copy, *("-m", "pingregistrywf", "generate", "--model", "counters.yaml", "--package", "made")
    )
    script = copy / "explores.mjs"
    place = {
        "source": (copy / "src" / "pingregistrywf" / "explorer").as_uri(),
        "document": copy / "made" / "counters" / "chart.json",
    }
    script.write_text(EXPLORES % place, encoding="utf-8")
    done = subprocess.run([node, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout == "noop RestError\n"
