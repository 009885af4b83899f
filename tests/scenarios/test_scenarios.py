"""The scenarios beside this file give the text that stands in them, on every journal.

``pytest tests/scenarios --rewrite-scenarios`` writes the answers anew; read the difference before
you commit it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from pingregistrywf import Journal, open_journal

from .interpreter import Clock, Interpreter

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in HERE.glob("*.txt"))
COMMAND = re.compile(r"^(?!#)(\S.*)\n((?:  .*\n)*)----\n((?:.+\n)*)", re.MULTILINE)
"""A command, what others do meanwhile, and the answer, up to an empty line."""


def played(scenario: str, open_it: Callable[[Clock], Journal]) -> str:
    """The scenario with the answers of this journal."""
    rest = COMMAND.sub("", scenario).splitlines()
    assert not [line for line in rest if line and not line.startswith("#")]
    interpreter = Interpreter(open_it)

    def answered(found: re.Match[str]) -> str:
        command, others, _ = found.groups()
        answer = interpreter.answer(command, [line.strip() for line in others.splitlines()])
        return "\n".join([command + "\n" + others + "----", *answer, ""])

    try:
        return COMMAND.sub(answered, scenario)
    finally:
        interpreter.close()


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
