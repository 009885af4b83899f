"""The installed package shows its types to users, without any setting of this project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = [Path(__file__).with_name(f"public_{name}.py") for name in ("api", "aio")]


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", pytest.param("3.14", marks=pytest.mark.exhaustive)])
def test_users_programs_pass_mypy_strict(tmp_path: Path, python: str) -> None:
    programs = [shutil.copy(program, tmp_path) for program in PROGRAMS]
    cache = tmp_path / "cache"
    # No configuration and no source tree: what mypy finds is the installed package's py.typed.
    options = ["--strict", "--config-file=", f"--cache-dir={cache}", f"--python-version={python}"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, programs)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("Success")


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_package_passes_mypy_for_the_newest_python(tmp_path: Path) -> None:
    """``make lint`` checks it for the oldest."""
    options = [f"--cache-dir={tmp_path}", "--python-version=3.14"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("python", ["3.11", "3.14"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_pyright_finds_what_is_wrong_and_nothing_else(
    tmp_path: Path, program: Path, python: str
) -> None:
    command = ["-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    command += ["--pythonversion", python]
    run = subprocess.run(
        [sys.executable, *command, shutil.copy(program, tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    found = json.loads(run.stdout)["generalDiagnostics"]
    lines = program.read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if "# type: ignore" in line}
    assert wrong
    errors = [each for each in found if each["severity"] == "error"]
    assert {each["range"]["start"]["line"] + 1 for each in errors} == wrong, errors
