"""Who holds a lock on a file, as far as the operating system says.

Linux lists every lock in ``/proc/locks``, with the process that took it and the file's device and
inode.  Where there is no such list, or the process is in another container, nobody is named.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_LOCK: Final = re.compile(
    r"\d+: \w+ +\w+ +(?P<kind>READ|WRITE) +(?P<pid>\d+)"
    r" (?P<major>[0-9a-f]+):(?P<minor>[0-9a-f]+):(?P<inode>\d+) (?P<first>\d+) (?P<last>\d+|EOF)"
)
_LONGEST_COMMAND: Final = 200
PROC: Final = Path("/proc")
"""Where the operating system tells."""


def lock_holder(path: Path, *, proc: Path = PROC) -> int | None:
    """Return the process that holds a file locked exclusively, None if it is not known."""
    return next((pid for kind, pid, _ in _locks(path, proc) if kind == "WRITE"), None)


def lock_holders(path: Path, within: range | None = None) -> list[int]:
    """Return the processes that have a lock of any kind on a file, as far as they are known.

    Args:
        path: the file.
        within: the bytes to look at; all of them unless given.
    """
    return sorted(
        {
            pid
            for _, pid, locked in _locks(path)
            if within is None or (locked.start < within.stop and within.start < locked.stop)
        }
    )


def _locks(path: Path, proc: Path = PROC) -> Iterator[tuple[str, int, range]]:
    """Yield kind, process and bytes of each lock that is held on a file."""
    try:
        file = path.stat()
        lines = (proc / "locks").read_text("ascii").splitlines()
    except (OSError, ValueError):
        return
    wanted = (os.major(file.st_dev), os.minor(file.st_dev), file.st_ino)
    for found in filter(None, map(_LOCK.match, lines)):
        locked = (int(found["major"], 16), int(found["minor"], 16), int(found["inode"]))
        if locked == wanted and int(found["pid"]):
            last = sys.maxsize - 1 if found["last"] == "EOF" else int(found["last"])
            yield found["kind"], int(found["pid"]), range(int(found["first"]), last + 1)


def describe_process(pid: int | None, *, proc: Path = PROC) -> str:
    """Return the words for a process in a message: its number, its command, whether it is stopped.

    The number is None for a process that is not known.
    """
    if pid is None:
        return "another process"
    if pid == os.getpid():
        return "another thread of this process"
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        state = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return f"process {pid}"
    command = _printable(b" ".join(words).decode(errors="backslashreplace"))
    named = f"process {pid} ({command})" if command else f"process {pid}"
    return f"{named}, which is stopped," if state in (b"T", b"t") else named


def describe_processes(pids: Sequence[int]) -> str:
    """Return the words for processes in a message; for one that is not known if there is none."""
    return " and ".join(map(describe_process, pids)) or describe_process(None)


def _printable(text: str) -> str:
    """The text without what a terminal would act on, and not too long for a message."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return shown if len(shown) <= _LONGEST_COMMAND else f"{shown[:_LONGEST_COMMAND]}…"
