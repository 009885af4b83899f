"""What the pages show of the model checker is what it finds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.formal.faults import faulty_files
from pingregistrywf.formal.plan import plan_of
from pingregistrywf.formal.tlc import check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.formal.verification import run_plan

from ..command_line import run

DOCS = Path(__file__).parents[2] / "docs"
RECORDED = DOCS / "recorded"
DISTINCT = {
    (each["size"], each["property"]): each["distinct"]
    for each in map(json.loads, (RECORDED / "sizes.jsonl").read_text().splitlines())
}
PLAN = plan_of(load_model())


def test_each_size_is_recorded_with_each_property() -> None:
    assert DISTINCT.keys() == {(run.size, name) for run in PLAN.checks for name in run.properties}


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_smallest_size_has_as_many_states_as_recorded(toolchain: Toolchain) -> None:
    found = list(run_plan(toolchain, PLAN.select("one_server")))
    assert found
    for result in found:
        assert result.outcome.distinct == DISTINCT[result.size, result.property]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.usefixtures("toolchain")
def test_the_counterexamples_are_found() -> None:
    checked = [sys.executable, str(RECORDED / "record.py"), "--check"]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_example_of_a_system_is_checked(toolchain: Toolchain, tmp_path: Path) -> None:
    text = (DOCS / "how-to" / "chart.md").read_text(encoding="utf-8")
    files = []
    for start, name in {
        "chart: parcel\n": "parcel",
        "operations_of: ": "operations",
        "system: ": "system",
        "properties_of: ": "properties",
    }.items():
        (example,) = re.findall(rf"^```yaml\n({start}.*?)^```$", text, re.MULTILINE | re.DOTALL)
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(example, encoding="utf-8")
    (command,) = re.findall(r"^pingregistrywf (verify .*)$", text, re.MULTILINE)
    words = [str(tmp_path / word) if word.endswith(".yaml") else word for word in command.split()]
    found = run(*words)
    assert found.returncode == 0, found.stdout + found.stderr
    assert re.search(r"^sent_once +holds", found.stdout, re.MULTILINE)

    (fault,) = load_model(files).properties["parcel_system"].properties["sent_once"].faults
    (faulty,) = plan_of(load_model(files)).checks
    (tmp_path / "faulty").mkdir()
    modules = faulty_files(files, "parcel_system", fault, tmp_path / "faulty")
    assert check(toolchain, modules, faulty.module, faulty.configuration).violation is not None
