"""The fast tests with the lowest and with the newest versions that pyproject.toml allows.

    python -m tests.release.lowest [--newest]

The lowest version of each direct dependency is resolved by uv for the Python that runs this.  The
libraries' own deprecations are theirs: an old typer uses what a new click warns of.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from pingregistrywf.extras import EXTRAS

from .artefacts import ROOT

PLACE: Final = ROOT / "build" / "dependencies"
OTHERS: Final = "ignore:'click:DeprecationWarning"


def install(newest: bool) -> Path:
    """Make an environment with these versions, and return its Python."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    versions, python = PLACE / "versions.txt", PLACE / "env" / "bin" / "python"
    resolution = "highest" if newest else "lowest-direct"
    # nkeys, which nats-py asks for, has no wheel; it has one version, so that nothing is lost.
    extras = [word for name in EXTRAS if name != "nats" for word in ("--extra", name)]
    uv = [sys.executable, "-m", "uv", "--quiet"]
    command = [*uv, "pip", "compile", "--resolution", resolution, "--only-binary", ":all:"]
    command += [*extras, "--output-file", str(versions), str(ROOT / "pyproject.toml")]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*uv, "venv", "--python", sys.executable, str(python.parents[1])], check=True)
    # Compiled now: some libraries' escapes in strings are warnings, which are errors in the tests.
    command = [*uv, "pip", "install", "--compile-bytecode", "--python", str(python)]
    command += ["--constraint", str(versions)]
    subprocess.run([*command, f"{ROOT}[dev]"], check=True)
    return python


def main() -> None:
    """Install, run the fast tests, and exit as they do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newest", action="store_true", help="the newest versions, not the lowest")
    parser.add_argument("tests", nargs="*", help="what pytest is told, after --")
    asked = parser.parse_args()
    python = install(asked.newest)
    command = [str(python), "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-W", OTHERS]
    raise SystemExit(
        subprocess.run([*command, "-m", "not slow", *asked.tests], cwd=ROOT).returncode
    )


if __name__ == "__main__":
    main()
