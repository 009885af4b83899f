"""Another team's charts, operations and system are a formal model that checks, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.formal.faults import faulty_files
from pingregistrywf.formal.sany import parse
from pingregistrywf.formal.tlc import check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.checks import check_at

from ..command_line import run

FILES = sorted((Path(__file__).parent.parent / "other_workflow").glob("*.yaml"))
MODEL = load_model(FILES)
(SYSTEM,) = MODEL.systems
PROPERTIES = MODEL.properties[SYSTEM]


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
def test_it_has_its_properties() -> None:
    words = [word for file in FILES for word in ("--model", str(file))]
    done = run("verify", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split()[:3] for line in done.stdout.splitlines()[1:]]
    assert rows == [
        ["held_by_a_split", "holds", "2,441"],
        ["leases_change_hands_when_free", "holds", "2,441"],
        ["a_split_goes_on", "holds", "2,441"],
    ]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", PROPERTIES.properties)
def test_its_faults_are_caught(toolchain: Toolchain, tmp_path: Path, name: str) -> None:
    (fault,) = PROPERTIES.properties[name].faults
    asked = check_at(MODEL.systems[SYSTEM], PROPERTIES, name, fault.size)
    files = faulty_files(FILES, SYSTEM, fault, tmp_path)
    assert check(toolchain, files, asked.module, asked.configuration).violation is not None


@pytest.mark.slow
@pytest.mark.parametrize("files", [FILES, None], ids=["theirs", "ours"])
def test_every_module_parses(toolchain: Toolchain, files: list[Path] | None) -> None:
    model = load_model(files or [])
    for system in model.systems:
        parse(toolchain, formal_model(model, system))


def test_nothing_of_this_projects_workflow_is_in_it() -> None:
    made = formal_model(MODEL, SYSTEM)
    assert {"Leases.tla", "SplitRepo.tla", "SplitRepoSystem.tla"} < made.keys()
    for name in ("PingRegistry", "ping_registry", "Servers", "Gatherers", "Collectors"):
        assert all(name not in text for text in made.values()), name
