"""What TLC says with its option ``-tool``: messages with a code and a severity, and plain lines.

A message may hold another one, such as the error that made an evaluation fail.  Codes are those of
``tlc2.output.EC`` in the TLA+ tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

PLAIN: Final = -1
"""The code of a line outside of every message: what SANY and the Java machine say."""
ERROR: Final = 1
"""The severity of a message that says what is wrong."""
_MARK: Final = re.compile(r"@!@!@(START|END)MSG (\d+)(?::(\d+))? @!@!@")


@dataclass(slots=True)
class Message:
    """A message of TLC, or a plain line.

    Attributes:
        code: what kind of message it is.
        severity: ``ERROR``, or another number for a message that is no error.
        text: what it says, without the message inside of it.
        cause: the message inside of it, if there is one.
    """

    code: int
    severity: int = 0
    text: str = ""
    cause: Message | None = field(default=None)


def read_messages(lines: Iterable[str]) -> Iterator[Message]:
    """Yield each message and each plain line as soon as it is complete."""
    open_: list[Message] = []
    for line in lines:
        rest = 0
        for mark in _MARK.finditer(line):
            if open_:
                open_[-1].text += line[rest : mark.start()]
            rest = mark.end()
            if mark[1] == "START":
                open_.append(Message(int(mark[2]), int(mark[3])))
            elif open_:
                ended = open_.pop()
                ended.text = ended.text.strip()
                if open_:
                    open_[-1].cause = ended
                else:
                    yield ended
        if open_:
            open_[-1].text += line[rest:]
        elif rest == 0:
            yield Message(PLAIN, text=line.rstrip())


def root_cause(message: Message) -> Message:
    """Return the innermost message, which says what went wrong."""
    while message.cause is not None:
        message = message.cause
    return message


def one_line(text: str) -> str:
    """Return the text with each run of spaces and line ends as one space."""
    return " ".join(text.split())
