"""The engine that the explorer runs passes the conformance suite, as any implementation does."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from .engine import command


def test_levels_1_to_3_at_the_widest_bound(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["--adapter", shlex.join(command()), "--level", "1-3", "--bound", "n+2"]
    done = subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "conform", *words, "--json", str(report)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conforms: levels 1-3 at bound n+2" in done.stdout
    assert json.loads(report.read_text(encoding="utf-8"))
