"""Python code blocks of Markdown pages, run as one program a page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def python_snippets(text: str) -> list[str]:
    """The blocks that begin with three backticks and ``python``."""
    return _BLOCK.findall(text)


def run_snippets(snippets: Sequence[str], directory: Path) -> None:
    """Run the blocks one after another in one process, warnings being errors."""
    program = directory / "page.py"
    program.write_text("\n".join(snippets), encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
