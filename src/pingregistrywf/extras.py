"""The extras of the package: what each makes possible, what is missing, and how to install it.

The line that installs an extra names the place where this installation came from, which the
installer recorded: no index need have the package.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

PACKAGE: Final = "pingregistrywf"
EXTRAS: Final[Mapping[str, str]] = {
    "model": "explore, and diagrams as SVG",
    "formal": "verify and prove",
    "conformance": "conform, its reports, and adapter",
    "nats": "journals on NATS servers",
    "otel": "spans and metrics for OpenTelemetry",
    "testing": "pytest and Hypothesis for tests of your own",
    "service": "serve and token, and journals behind a service",
}
"""What each extra makes possible."""

_PYTHON: Final = re.compile(r"python_version (<|>=) ['\"](\d+)\.(\d+)['\"]")
_REQUIREMENT: Final = re.compile(r"(?P<name>[\w.-]+)[^;]*")


def missing(extra: str, *distributions: str) -> tuple[str, ...]:
    """Return which distributions of an extra, or of those that are named, are not installed."""
    wanted = distributions or tuple(sorted(requirements(extra)))
    return tuple(each for each in wanted if not _is_installed(each))


def absence(extra: str, absent: tuple[str, ...]) -> str:
    """Return in words that distributions are not installed, and what installs them."""
    *others, last = absent
    names = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return f"{names} not installed: {remedy(extra)}"


def remedy(extra: str) -> str:
    """Return the command that installs an extra into this environment."""
    pip = shutil.which("pip")
    here = pip is not None and Path(pip).parent == Path(sys.executable).parent
    command = "pip" if here else f"{shlex.quote(sys.executable)} -m pip"
    return f"{command} install {_source(extra)}"


def _source(extra: str) -> str:
    """What pip is to install: this package with the extra from where it came, if that is known."""
    recorded = json.loads(metadata.distribution(PACKAGE).read_text("direct_url.json") or "{}")
    url: str = recorded.get("url", "")
    if url.startswith("file:") and Path(path := unquote(urlsplit(url).path)).exists():
        editable = "-e " if recorded.get("dir_info", {}).get("editable") else ""
        return editable + shlex.quote(f"{path}[{extra}]")
    if "://" in url and not url.startswith("file:"):
        return shlex.quote(f"{PACKAGE}[{extra}] @ {_pinned(url, recorded)}")
    return " ".join(map(shlex.quote, sorted(requirements(extra).values())))


def _pinned(url: str, recorded: Mapping[str, Any]) -> str:
    repository = recorded.get("vcs_info")
    return f"{repository['vcs']}+{url}@{repository['commit_id']}" if repository else url


def requirements(extra: str) -> dict[str, str]:
    """Return the distributions that an extra brings to this Python, each with its versions."""
    marker = re.compile(rf"extra == ['\"]{extra}['\"]")
    found = (
        _REQUIREMENT.match(each)
        for each in metadata.requires(PACKAGE) or ()
        if marker.search(each) and _is_for_this_python(each)
    )
    return {each["name"]: each[0].strip() for each in found if each}


def _is_for_this_python(requirement: str) -> bool:
    for relation, major, minor in _PYTHON.findall(requirement):
        if ((int(major), int(minor)) <= sys.version_info[:2]) != (relation == ">="):
            return False
    return True


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
