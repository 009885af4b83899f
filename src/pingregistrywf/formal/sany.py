"""SANY, the parser of the TLA+ tools: whether modules are TLA+, without a look at their states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pingregistrywf.formal.jvm import running, workspace
from pingregistrywf.formal.messages import one_line
from pingregistrywf.formal.toolchain import Toolchain

_SANY: Final = "tla2sany.SANY"
_NOISE: Final = re.compile(
    r"\*{6} SANY2|Parsing file |Semantic processing of module |Semantic errors:"
    r"|\*\*\* (?:Errors|Abort messages): |Residual stack trace|.* starting at line \d"
    r"|Fatal errors while parsing|tla2sany\.|In module |Could not parse module |\s+at |Picked up "
)
"""How lines begin that do not say what is wrong."""


class ParseError(Exception):
    """A module is not TLA+; the text has SANY's reason in one line."""


def parse(toolchain: Toolchain, files: Mapping[str, str]) -> None:
    """See that each module is TLA+, with all that it names defined.

    Args:
        toolchain: the TLA+ tools.
        files: the modules, by the names of their files; other files are left alone.

    Raises:
        ParseError: one of them is not.
    """
    names = sorted(name for name in files if name.endswith(".tla"))
    with workspace(files) as work:
        with running(toolchain, _SANY, names, work) as process:
            said, _ = process.communicate()
        # Its exit code is 0 also where a name is not defined.
        if reason := complaint(said.splitlines()):
            raise ParseError(reason)
        if process.returncode:
            raise ParseError(f"Java ended with exit code {process.returncode}")


def complaint(lines: Iterable[str]) -> str:
    """Return in one line what is wrong, from the lines of SANY or of Java; empty if nothing is."""
    return one_line(" ".join(line for line in lines if not _NOISE.match(line)))
