"""Each property fails with the faults that it names, and mistakes in the model are caught."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.chart.system import Fault
from pingregistrywf.formal.faults import FaultError, changed_model, faulty_files
from pingregistrywf.formal.tlc import check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.checks import check_at

from ..command_line import run
from ..tiers import EXHAUSTIVE, SOAK

FILES = sorted(model_directory().glob("*.yaml"))
MODEL = load_model()
SYSTEM = "ping_registry_system"
PROPERTIES = MODEL.properties[SYSTEM]
OPERATIONS = "ping_registry_operations.operations"
ALWAYS = "begun_is_listed"
"""The property whose first fault is tried every time."""


def faults() -> Iterator[Any]:
    for name, declared in PROPERTIES.properties.items():
        for number, fault in enumerate(declared.faults, start=1):
            if EXHAUSTIVE or (name == ALWAYS and number == 1):
                yield pytest.param(name, fault, id=f"{name}-{number}")


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault"), list(faults()))
def test_a_property_fails_with_its_fault(
    toolchain: Toolchain, tmp_path: Path, name: str, fault: Fault
) -> None:
    run = check_at(MODEL.systems[SYSTEM], PROPERTIES, name, fault.size)
    files = faulty_files(FILES, SYSTEM, fault, tmp_path)
    assert check(toolchain, files, run.module, run.configuration).violation is not None
    if SOAK:  # the sizes of the model, of which CI checks the most, show the same
        sound = formal_model(MODEL, SYSTEM)
        assert check(toolchain, sound, run.module, run.configuration).violation is None


def scratch_copy(changes: Mapping[str, Any], directory: Path) -> list[str]:
    """The options for a copy of the model's files with changes."""
    changed_model(FILES, changes, directory)
    return [word for file in sorted(directory.glob("*.yaml")) for word in ("--model", str(file))]


WITHOUT_VID: Mapping[str, Any] = {
    f"{OPERATIONS}.commit.steps.3.vid": "retry",
    f"{OPERATIONS}.expire.steps.3.vid": "retry",
}
COMMIT = yaml.safe_load((model_directory() / "ping_registry_operations.yaml").read_text())[
    "operations"
]["commit"]["steps"]
SWAPPED: Mapping[str, Any] = {
    f"{OPERATIONS}.commit.steps": [COMMIT[0], COMMIT[2], COMMIT[1]],
}


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize(
    ("changes", "size"),
    [
        pytest.param(WITHOUT_VID, "reuse", id="End without its vid"),
        pytest.param(
            SWAPPED,
            "one_workflow",
            id="steps 2 and 3 of commit swapped",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_verify_catches_a_wrong_change(
    tmp_path: Path, changes: Mapping[str, Any], size: str
) -> None:
    words = scratch_copy(changes, tmp_path)
    found = run("verify", "--size", size, "--property", "terminated_is_listed_as_completed", *words)
    assert found.returncode == 1, found.stdout + found.stderr
    assert re.search(r"terminated_is_listed_as_completed +violated", found.stdout)
    assert "PingRegistryCommitted" in found.stdout


def test_a_change_of_the_model_changes_the_formal_model(tmp_path: Path) -> None:
    def module(model: Model, name: str) -> str:
        return formal_model(model, SYSTEM)[f"{name}.tla"]

    late = {"ping_registry.commands.AppendPing.rules.1.in": ["Appending", "Summarized"]}
    assert 'state \\in {"Appending", "Summarized"}' in module(
        changed_model(FILES, late, tmp_path), "PingRegistry"
    )
    unversioned = changed_model(FILES, WITHOUT_VID, tmp_path)
    assert "Expects(history, run.vid1" in module(MODEL, "PingRegistrySystem")
    assert "Expects(history, run.vid1" not in module(unversioned, "PingRegistrySystem")


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"model": {"nothing.states": 1}}, "nothing is no file of the model"),
        ({"model": {f"{OPERATIONS}.commit.steps.9.vid": "none"}}, "there is no .*steps.9.vid"),
        ({"model": {f"{OPERATIONS}.delete.abuot": None}}, "there is no .*delete.abuot"),
        ({"operators": {"Expect": "(history) == history"}}, "Expect is defined in 0 modules"),
    ],
)
def test_a_fault_that_cannot_be_put_into_the_model(
    tmp_path: Path, fault: Mapping[str, Any], text: str
) -> None:
    with pytest.raises(FaultError, match=text):
        faulty_files(FILES, SYSTEM, Fault(size="reuse", **fault), tmp_path)
