"""The TLA+ tools as they are, a module to check, and a Java that says what a test wants."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pingregistrywf.formal.toolchain import Toolchain, find_toolchain

from ..tools import require_tool

MODULES = Path(__file__).with_name("modules")
CONSTANTS = "CONSTANTS Lamps = {a, b} Nobody = Nobody\n"
"""The constants of the module ``Lamps``."""


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
