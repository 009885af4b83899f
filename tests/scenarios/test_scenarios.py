"""The scenarios beside this file give the text that stands in them, on every journal.

``pytest tests/scenarios --rewrite-scenarios`` writes the answers anew; read the difference before
you commit it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from pingregistrywf import open_journal

from .interpreter import played

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in HERE.glob("*.txt"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    file = HERE / f"{name}.txt"
    written = file.read_text(encoding="utf-8")
    in_memory = played(written, cache(lambda clock: open_journal("memory:", clock=clock)))
    in_a_file = played(
        written, lambda clock: open_journal(f"sqlite:{tmp_path / 'pings.db'}", clock=clock)
    )
    assert in_a_file == in_memory
    if pytestconfig.getoption("--rewrite-scenarios"):
        file.write_text(in_memory, encoding="utf-8")
    else:
        assert in_memory == written
