"""What is published: how it is built, which checks it has to pass, and what comes with it.

The tests call these functions on what they build, and ``make release`` on what it puts into
``dist/``, so that both judge by the same rules.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["project"]

MOST_BYTES: Final[Mapping[str, int]] = {".whl": 1_500_000, ".gz": 2_500_000}
"""How large a wheel and a source distribution may be: both are downloaded by every CI run."""

ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "EPL-2.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
        "OFL-1.1",
        "PSF-2.0",
        "Python-2.0",
        "Unlicense",
        "Zlib",
    }
)
"""The licences, by their SPDX ids, of what the package may bring along.

All allow use in a closed program.  EPL-2.0 and MPL-2.0 ask for the source of changed files alone,
and OFL-1.1 is for fonts.
"""

SPELLINGS: Final[Mapping[str, str]] = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What classifiers call a licence, and its SPDX id."""

JUDGED: Final[Mapping[str, str]] = {
    "docutils": "public domain and BSD; the one file under GPL, for an editor, is in no wheel",
    "protobuf": "BSD-3-Clause, by the text of its field License",
    "z3-solver": "MIT, by the text of its field License",
}
"""Packages whose metadata names no allowed licence, and what a person found in them."""


def build(source: Path, into: Path, target: str) -> Path:
    """Build the ``wheel`` or the ``sdist`` of a source tree, and return its path.

    Raises:
        RuntimeError: it cannot be built; the message is what the build printed.
    """
    command = ["-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    run = subprocess.run([sys.executable, *command], cwd=source, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stdout + run.stderr)
    (artefact,) = into.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return artefact


def checks(artefacts: Sequence[Path]) -> Iterator[list[str]]:
    """The commands that judge artefacts; each exits with another code than 0 if it objects."""
    python = [sys.executable, "-m"]
    files = [str(each) for each in artefacts]
    yield [*python, "twine", "check", "--strict", *files]
    yield [*python, "check_wheel_contents", *[each for each in files if each.endswith(".whl")]]
    yield [*python, "validate_pyproject", str(ROOT / "pyproject.toml")]


def bill_of_materials(python: str) -> dict[str, Any]:
    """What an environment has installed, as CycloneDX: names, versions, licences.

    Raises:
        RuntimeError: it cannot be listed; the message is what the tool printed.
    """
    command = ["-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--mc-type", "library", "--output-reproducible", "--of", "JSON", python]
    run = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    found: dict[str, Any] = json.loads(run.stdout)
    name = PROJECT["name"]
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    version = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    installed = version.stdout.strip()  # pyproject.toml leaves it to the source
    purl = f"pkg:pypi/{name}@{installed}"
    found["metadata"]["component"] |= {"version": installed, "purl": purl}
    return found


def objections(bill: Mapping[str, Any]) -> list[str]:
    """One line for each component whose licence is not allowed."""
    return [
        f"{each['name']} {each.get('version', '')}: {', '.join(licences(each)) or 'no licence'}"
        for each in bill["components"]
        if each["name"].lower() not in JUDGED and not is_allowed(licences(each))
    ]


def licences(component: Mapping[str, Any]) -> list[str]:
    """The licences that a component declares, each an id, a name or an expression."""
    names = [
        each.get("expression") or each["license"].get("id") or each["license"]["name"]
        for each in component.get("licenses", ())
    ]
    return [name.removeprefix("License :: OSI Approved :: ") for name in names]


def is_allowed(declared: Sequence[str]) -> bool:
    """Whether all that is declared is allowed; of alternatives, one has to be."""
    return bool(declared) and all(_is_allowed(SPELLINGS.get(each, each)) for each in declared)


def _is_allowed(expression: str) -> bool:
    every = re.split(
        r"\s+and\s+", expression.replace("(", "").replace(")", ""), flags=re.IGNORECASE
    )
    return all(
        any(one in ALLOWED for one in re.split(r"\s+or\s+", each, flags=re.IGNORECASE))
        for each in every
    )


def checksums(artefacts: Sequence[Path]) -> str:
    """The SHA-256 of each file, in the form that ``sha256sum --check`` reads."""
    return "".join(
        f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n"
        for each in sorted(artefacts)
    )
