"""Processes whose system calls on a journal's files fail, or that die at a change of them.

``faults.c`` does it; the fixture ``faults`` builds it.  The journal's file must be called ``j.db``;
what stands beside it is found by that beginning.  A *change* is any call that may write a file, cut
it, flush it, make it, rename it or remove it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from .tools import require_tool

_LONGEST: Final = 600


class Faults:
    """The library that is preloaded."""

    def __init__(self, library: Path) -> None:
        self._library = library

    @classmethod
    def build(cls, place: Path) -> Self:
        """Compile it; without a compiler the test is skipped, but in CI it fails."""
        library, source = place / "faults.so", Path(__file__).with_name("faults.c")
        compile_ = [require_tool("cc"), "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
        subprocess.run(compile_, check=True)
        return cls(library)

    def run(
        self, program: Sequence[object], *, kill_at: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a Python program to its end, or until it is killed.

        A caller that lets it die at each change in turn stops when the exit code is 0.

        Args:
            program: what follows ``python`` on the command line.
            kill_at: the change, counted from 1, at which SIGKILL ends the process before the change
                is made; 0: none.

        Raises:
            CalledProcessError: the program failed by itself.
        """
        done = subprocess.run(
            [sys.executable, *map(str, program)],
            env={
                **os.environ,
                "LD_PRELOAD": str(self._library),
                "KILL_AT_CHANGE": str(kill_at),
            },
            stdout=subprocess.PIPE,
            text=True,
            timeout=_LONGEST,
        )
        if not kill_at or done.returncode != -signal.SIGKILL:
            done.check_returncode()
        return done
