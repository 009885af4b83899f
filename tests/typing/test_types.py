"""The installed package shows its types to users, without any setting of this project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("public_api.py")


@pytest.mark.slow
def test_a_users_program_passes_mypy_strict(tmp_path: Path) -> None:
    program = shutil.copy(PROGRAM, tmp_path / "program.py")
    cache = tmp_path / "cache"
    # No configuration and no source tree: what mypy finds is the installed package's py.typed.
    options = ["--strict", "--config-file=", f"--cache-dir={cache}", "--python-version=3.11"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("Success")
