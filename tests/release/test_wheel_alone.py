"""The wheel by itself: in an environment and a directory of its own, with no checkout in reach."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .artefacts import ROOT, build

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("release")]

ALL_HELP = """
import sys
from typer.main import get_command
from typer.testing import CliRunner
import pingregistrywf
from pingregistrywf.cli import app

assert pingregistrywf.__file__.startswith(sys.prefix), pingregistrywf.__file__


def commands(command, words):
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, [*words, name])


for words in commands(get_command(app), []):
    answer = CliRunner().invoke(app, [*words, "--help"])
    assert answer.exit_code == 0, (words, answer.output)
    print(*words)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; its libraries are those of the tests' environment."""
    place = tmp_path_factory.mktemp("alone")
    wheel = build(ROOT, place, "wheel")
    python = place / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "env"], check=True)
    command = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    command += ["--no-index", "--no-deps", "--quiet", str(wheel)]
    subprocess.run(command, check=True)
    # A line in a .pth file adds the place, but does not run the .pth files there: what may be an
    # editable installation of the checkout stays out of reach.
    (packages,) = (place / "env").glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


def run(installed: Path, place: Path, *words: str) -> str:
    """Run a command of the environment in an empty directory, and return what it prints."""
    kept = {name: each for name, each in os.environ.items() if "PINGREGISTRYWF" not in name}
    kept["PATH"] = f"{installed.parent}:{kept['PATH']}"
    done = subprocess.run(
        [installed.parent / words[0], *words[1:]],
        cwd=place,
        env=kept,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_has_help(installed: Path, tmp_path: Path) -> None:
    lines = run(installed, tmp_path, "python", "-c", ALL_HELP).splitlines()
    assert {"demo", "conform init", "journal verify", "generate"} <= set(lines)


def test_the_demo_runs(installed: Path, tmp_path: Path) -> None:
    assert "Terminated" in run(installed, tmp_path, "pingregistrywf", "demo")


def test_somebodys_chart_is_generated(installed: Path, tmp_path: Path) -> None:
    chart = tmp_path / "leases.yaml"
    text = (ROOT / "tests" / "other_workflow" / "leases.yaml").read_text(encoding="utf-8")
    chart.write_text(text, encoding="utf-8")
    words = ["--model", chart.name, "--package", "ours"]
    run(installed, tmp_path, "pingregistrywf", "generate", *words)
    program = "from ours.leases import Leases; print(Leases.__name__)"
    assert run(installed, tmp_path, "python", "-c", program) == "Leases\n"


@pytest.mark.exhaustive
def test_a_starter_conforms(installed: Path, tmp_path: Path) -> None:
    run(installed, tmp_path, "pingregistrywf", "conform", "init", "--language", "python", "mine")
    words = ["--adapter", "python3 mine/adapter.py", "--level", "1"]
    assert "conforms" in run(installed, tmp_path, "pingregistrywf", "conform", *words)
