"""The fast tests with the lowest and with the newest versions that pyproject.toml allows.

    python -m tests.release.lowest [--newest]

The lowest version of each direct dependency is resolved by uv for the Python that runs this.  A
floor that no resolution reaches is an error: nothing was ever tested with it.  The libraries' own
deprecations are theirs: an old typer uses what a new click warns of.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from pingregistrywf.extras import EXTRAS

from ..tiers import inner
from .artefacts import PROJECT, ROOT

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
    if not newest:
        optional = [PROJECT["optional-dependencies"][name] for name in EXTRAS if name != "nats"]
        asked = [*PROJECT["dependencies"], *chain.from_iterable(optional)]
        check_floors(asked, versions.read_text(encoding="utf-8"))
    subprocess.run([*uv, "venv", "--python", sys.executable, str(python.parents[1])], check=True)
    # Compiled now: some libraries' escapes in strings are warnings, which are errors in the tests.
    command = [*uv, "pip", "install", "--compile-bytecode", "--python", str(python)]
    # uv would take the wheel that it built last if pyproject.toml is the same.
    command += ["--constraint", str(versions), "--refresh-package", PROJECT["name"]]
    subprocess.run([*command, f"{ROOT}[dev]"], check=True)
    return python


def check_floors(requirements: Iterable[str], resolved: str) -> None:
    """Check that the lowest versions, as uv writes them, are the floors of the requirements.

    Raises:
        ValueError: a floor is lower than what is resolved; the message names each.
    """
    found = dict(re.findall(r"^([\w.-]+)==(\S+)", resolved, re.MULTILINE))
    wrong = []
    for requirement in map(Requirement, requirements):
        version = found.get(canonicalize_name(requirement.name))
        here = requirement.marker is None or requirement.marker.evaluate()
        if not here or version is None:
            continue
        floors = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
        if Version(version) not in floors:
            wrong.append(f"{requirement}: the lowest that can be installed is {version}")
    if wrong:
        raise ValueError("raise the floors in pyproject.toml of\n" + "\n".join(wrong))


def main() -> None:
    """Install, run the fast tests, and exit as they do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--newest", action="store_true", help="the newest versions, not the lowest")
    parser.add_argument("tests", nargs="*", help="what pytest is told, after --")
    asked = parser.parse_args()
    python = install(asked.newest)
    command = [str(python), "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-W", OTHERS]
    command += ["-m", "not slow", *asked.tests]
    raise SystemExit(subprocess.run(command, cwd=ROOT, env=inner()).returncode)


if __name__ == "__main__":
    main()
