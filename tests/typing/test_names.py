"""Type checkers know every name that a package exports, and no other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

import pingregistrywf
from pingregistrywf import aio
from pingregistrywf._generated import ping_registry
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate import artefacts

OTHER = Path(__file__).parents[1] / "other_workflow"
PACKAGE = "package_of_another_team"
WRONG = ("NoSuchName", "CmdReopen", "workflows", "_no_such_name")

Messages = Mapping[int, str]
"""What a checker says of each line."""


def mypy(directory: Path) -> Messages:
    """Check ``program.py`` with mypy."""
    options = ["--strict", "--config-file=", "--python-version=3.11", "--output=json"]
    command = [sys.executable, "-m", "mypy", *options, f"--cache-dir={directory / 'cache'}"]
    lines = _output([*command, "program.py"], directory).splitlines()
    found = (json.loads(line) for line in lines if line.startswith("{"))
    return {each["line"]: each["message"] for each in found if each["file"] == "program.py"}


def pyright(directory: Path) -> Messages:
    """Check ``program.py`` with pyright."""
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": ["program.py"]}
    (directory / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson"]
    command += ["--pythonpath", sys.executable]
    found = json.loads(_output(command, directory))["generalDiagnostics"]
    return {each["range"]["start"]["line"] + 1: each["message"] for each in found}


def _output(command: Iterable[str], directory: Path) -> str:
    return subprocess.run([*command], cwd=directory, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that names all names, beside a package that was generated."""
    place = tmp_path_factory.mktemp("names")
    artefacts.write(artefacts.theirs(read_model([OTHER / "split_repo.yaml"])), place / PACKAGE)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("check", [mypy, pyright])
def test_right_names_have_types_and_wrong_ones_are_errors(
    check: Callable[[Path], Messages], directory: Path
) -> None:
    theirs = (directory / PACKAGE / "split_repo" / "__init__.py").read_text(encoding="utf-8")
    exported = {
        "pingregistrywf": pingregistrywf.__all__,
        "pingregistrywf._generated.ping_registry": ping_registry.__all__,
        f"{PACKAGE}.split_repo": [
            line.strip(' ",') for line in theirs.split("__all__ = [")[1].splitlines() if '"' in line
        ],
        "pingregistrywf.aio": aio.__all__,
        f"{PACKAGE}.split_repo.aio": ["AsyncSplitRepos"],
    }
    program = [f"import {module}" for module in exported]
    right: dict[int, str] = {}
    wrong: dict[int, str] = {}
    for module, names in exported.items():
        assert len(names) > 20 or module.endswith(".aio")
        for name in (*names, *WRONG):
            program.append(f"reveal_type({module}.{name})")
            (wrong if name in WRONG else right)[len(program)] = name
    (directory / "program.py").write_text("\n".join(program) + "\n", encoding="utf-8")
    messages = check(directory)
    for line, name in right.items():
        said = messages[line]
        assert re.search('ype (of ".*" )?is "(?!Any|Unknown)', said), (name, said)
    for line, name in wrong.items():
        assert "attribute" in messages[line], (name, messages[line])
