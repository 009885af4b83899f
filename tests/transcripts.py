"""Pages that are transcripts: what their lines for the shell print stands below them.

Two kinds of blocks of a page count, in their order.  In a ``console`` block a line after ``$`` is
a command, and what it prints follows.  A ``diff`` block changes ``adapter.py``: its lines with a
minus become those with a plus.  Times differ from run to run, and are not compared.

    python -m tests.transcripts docs/how-to/three-bugs.md

writes what the lines print now into the page.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .command_line import environment

EDITED = "adapter.py"
_BLOCK = re.compile(r"^```(console|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_TIME = re.compile(r"\b\d+\.\d s\b")


def timeless(text: str) -> str:
    """The text with all times alike."""
    return _TIME.sub("0.0 s", text)


class Player:
    """Runs the blocks of a page, one after the other, in a directory that it is given."""

    def __init__(self, directory: Path) -> None:
        self._place = directory
        self._variables = environment()
        self._variables["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def play(self, page: str) -> str:
        """Return the page with what its commands print now."""
        return _BLOCK.sub(self._played, page)

    def _played(self, block: re.Match[str]) -> str:
        kind, text = block.groups()
        if kind == "diff":
            self._change(text)
            return block[0]
        return f"```{kind}\n{_COMMAND.sub(self._ran, text)}```"

    def _ran(self, shown: re.Match[str]) -> str:
        command, before = shown.groups()
        # What a line does to the shell holds for the next one: its directory.
        script = f'{command}\ncode=$?\npwd >&3\nexit "$code"'
        with tempfile.TemporaryFile("w+", encoding="utf-8") as place:
            done = subprocess.run(
                ["bash", "-c", f"exec 3>&{place.fileno()}\n{script}"],
                cwd=self._place,
                env=self._variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                pass_fds=[place.fileno()],
                timeout=300,
            )
            place.seek(0)
            self._place = Path(place.read().strip())
        printed = before if timeless(before) == timeless(done.stdout) else done.stdout
        return f"$ {command}\n{printed}"

    def _change(self, change: str) -> None:
        lines = change.splitlines()
        before, after = (
            "".join(f"{line[1:]}\n" for line in lines if line[0] in (sign, " ")) for sign in "-+"
        )
        file = self._place / EDITED
        text = file.read_text(encoding="utf-8")
        if text.count(before) != 1:
            raise ValueError(f"{file} has these lines {text.count(before)} times:\n{before}")
        file.write_text(text.replace(before, after), encoding="utf-8")


def main(page: Path) -> None:
    """Write a page anew."""
    with tempfile.TemporaryDirectory() as directory:
        played = Player(Path(directory)).play(page.read_text(encoding="utf-8"))
    page.write_text(played, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
