"""What some tests need beside the development's packages: tools of the system, and peers."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

NODE_MODULES = Path(__file__).parents[1] / ".venv" / "node" / "node_modules"


def require_tool(name: str) -> str:
    """The path of a command; without it the test is skipped, but in CI it fails."""
    path = shutil.which(name)
    if path is None:
        _missing(f"{name} is not installed", "let .ci/run install it")
    return path


def node_modules() -> Path:
    """Where the packages of tests/browser/package.json are; without them as without a tool."""
    require_tool("node")
    if not NODE_MODULES.is_dir():
        _missing("the packages of tests/browser/package.json are not installed", "run make setup")
    return NODE_MODULES


def require_package(name: str) -> None:
    """See that a package of the extra ``bench`` is installed; without it as without a tool."""
    if importlib.util.find_spec(name) is None:
        _missing(f"{name} is not installed", "let make bench install it")


def require_release(*modules: str) -> None:
    """See that modules of the extra ``release`` are installed; without them as without a tool."""
    for name in modules:
        if importlib.util.find_spec(name) is None:
            _missing(f"{name} is not installed", "let make release-tools install it")


def _missing(reason: str, remedy: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: {remedy}")
    pytest.skip(reason)
