"""Output for a person: it goes to a terminal, or ``FORCE_COLOR`` says so.

rich asks the same for its colours, and leaves them out where ``NO_COLOR`` is set.  Text for a
person is wrapped between words, never inside of one; text for a program is left as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from typing import Final, TextIO

_COMMAND: Final = re.compile("`[^`\n]*`")
_KEPT: Final = "\ue000"
"""Stands for a space at which no line may end; Unicode keeps it for private use."""
FORCE_COLOR: Final = "FORCE_COLOR"
"""Set to anything but nothing, it makes output look as on a terminal."""


def for_person(stream: TextIO | None = None) -> bool:
    """Return whether a stream is a terminal, or to be treated as one; standard output if none."""
    if os.environ.get(FORCE_COLOR):
        return True
    return (sys.stdout if stream is None else stream).isatty()


def wrapped(text: str, stream: TextIO | None = None) -> str:
    """Return a text with its lines wrapped between words, if the stream is for a person."""
    return filled(text, shutil.get_terminal_size().columns) if for_person(stream) else text


def filled(text: str, width: int) -> str:
    """Return a text with its lines wrapped between words, at that many columns.

    What goes on in the next line is indented as its first one.  A word that is longer than a line
    is left whole, and so is a command in backquotes: both can be copied.
    """
    text = _COMMAND.sub(lambda found: found[0].replace(" ", _KEPT), text)
    return "\n".join(
        textwrap.fill(
            line,
            width,
            subsequent_indent=line[: len(line) - len(line.lstrip())],
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
            replace_whitespace=False,
        )
        if len(line) > width
        else line
        for line in text.split("\n")
    ).replace(_KEPT, " ")
