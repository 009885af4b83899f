"""The engine that the explorer runs passes the conformance suite, as any implementation does."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ..tiers import EXHAUSTIVE
from .engine import command

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

BOUND = "n+2" if EXHAUSTIVE else "n"


def test_levels_1_to_3(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["--adapter", shlex.join(command()), "--level", "1-3", "--bound", BOUND]
    done = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "conform", *words, "--json-report", str(report)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"conforms: levels 1-3 at bound {BOUND}" in done.stdout
    assert json.loads(report.read_text(encoding="utf-8"))
