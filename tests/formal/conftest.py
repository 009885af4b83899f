"""The TLA+ tools as they are, a module to check, and a Java that says what a test wants."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pingregistrywf.formal.toolchain import Toolchain, find_toolchain
from pingregistrywf.generate.tla.checks import ModelCheck

from ..tools import require_tool

LAMPS = Path(__file__).with_name("Lamps.tla").read_text(encoding="utf-8")
FILES = {"Lamps.tla": LAMPS}
CONSTANTS = "CONSTANTS Lamps = {a, b} Nobody = Nobody\n"
"""The constants of the module ``Lamps``."""


def lamps(size: str, *lines: str, exhaustive: bool = False) -> ModelCheck:
    """A check of the module ``Lamps``, whose properties these lines of its configuration name."""
    return ModelCheck(
        name=size,
        size=size,
        module="Lamps",
        exhaustive=exhaustive,
        settings=f"SPECIFICATION Spec\n{CONSTANTS}",
        properties={line.split()[1]: line for line in lines},
    )


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The TLA+ tools; without Java the test is skipped."""
    require_tool("java")
    return find_toolchain()


@pytest.fixture
def pretended(tmp_path: Path) -> Callable[[str], Toolchain]:
    """Return a toolchain whose Java runs a Python program instead."""

    def pretend(program: str) -> Toolchain:
        script = tmp_path / "java.py"
        script.write_text(program)
        java, jar = tmp_path / "java", tmp_path / "tla2tools.jar"
        java.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(script)])}\n")
        java.chmod(0o755)
        jar.touch()
        return Toolchain(java, jar)

    return pretend
