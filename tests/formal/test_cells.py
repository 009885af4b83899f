"""Every cell of the charts' tables is reached by the model, or the model says why it cannot be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import yaml

from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.formal.faults import changed_model

from ..command_line import run
from ..tools import require_tool

FILES = sorted(model_directory().glob("*.yaml"))
THEIRS = sorted((Path(__file__).parent.parent / "other_workflow").glob("*.yaml"))
RECORDED = Path(__file__).parents[2] / "docs" / "recorded" / "cells.txt"
"""What the page about the model shows."""
SIZES = "ping_registry_system.sizes"
SMALL = {f"{SIZES}.{name}.checks": ["safety"] for name in ("reuse", "reuse_with_a_server")}
"""Only the smallest size checks cells, at which no id is used again."""


def words(files: Iterable[Path]) -> Sequence[str]:
    return [word for file in files for word in ("--model", str(file))]


def in_table(text: str, row: str) -> Sequence[str]:
    """What the cells of a row say."""
    (found,) = (line for line in text.splitlines() if line.startswith(f"{row} "))
    return found.removeprefix(row).split()


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.usefixtures("toolchain")
def test_every_cell_is_reached_or_explained() -> None:
    done = run("verify", "--cells")
    assert done.returncode == 0, done.stderr
    assert done.stdout == RECORDED.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
def test_missed_and_wrongly_explained(tmp_path: Path) -> None:
    said = {"chart": "ping_registry", "command": "End", "in": ["Terminated"], "doc": "Too late."}
    changed_model(FILES, SMALL, tmp_path)
    properties = tmp_path / "ping_registry_properties.yaml"
    read = yaml.safe_load(properties.read_text(encoding="utf-8"))
    read["unreached"].append(said)
    properties.write_text(yaml.safe_dump(read, sort_keys=False), encoding="utf-8")
    done = run("verify", "--cells", *words(tmp_path.glob("*.yaml")))
    assert done.returncode == 1
    # No mark of deletion expires here, so that no server pings where nothing has begun.
    assert in_table(done.stdout, "AppendPing")[0] == "missed"
    # A commit and an expiry both come to the end of one history.
    number = next(line for line in done.stdout.splitlines() if line.endswith("Too late.")).split()[
        0
    ]
    assert in_table(done.stdout, "End")[-3:-1] == ["reached", number]
    assert done.stdout.rstrip().endswith("missed or explained wrongly")


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.usefixtures("toolchain")
def test_those_of_another_team() -> None:
    done = run("verify", "--cells", "--json", *words(THEIRS))
    assert done.returncode == 0, done.stdout + done.stderr
    cells = [json.loads(line) for line in done.stdout.splitlines()]
    charts = load_model(THEIRS).charts
    assert len(cells) == sum(len(charts[name].table) for name in {each["chart"] for each in cells})
    assert all(each["holds"] for each in cells)
    told = {(each["command"], each["state"]): (each["reached"], each["why"]) for each in cells}
    assert told["BreakLease", "Held"] == ("small", None)
    assert told["End", "Failed"] == (None, "Nobody runs this command.")


def test_alone() -> None:
    done = run("verify", "--cells", "--size", "reuse")
    assert done.returncode == 2
    assert "--cells goes with --jar, --model and --json only" in done.stderr


def test_no_size_checks_cells(tmp_path: Path) -> None:
    require_tool("java")
    changed_model(FILES, {**SMALL, f"{SIZES}.every_edge.checks": []}, tmp_path)
    done = run("verify", "--cells", *words(tmp_path.glob("*.yaml")))
    assert done.returncode == 2
    assert "no size of a system checks cells" in done.stderr
