"""The locks that this process has on a journal's files, as the system lists them."""

from __future__ import annotations

import os
from pathlib import Path

_LOOKS = 10


def locks_of_this_process(path: Path) -> set[str]:
    """The lines of ``/proc/locks`` for this process and each of a journal's files.

    The list is no picture of one moment: while other processes lock and unlock, a line may be there
    twice, or not at all.  So this is what several looks have found, and a lock that was dropped is
    in none of them.
    """
    inodes = [Path(f"{path}{suffix}").stat().st_ino for suffix in ("", "-wal", "-shm")]
    found = set()
    for _ in range(_LOOKS):
        lines = [line.split()[1:] for line in Path("/proc/locks").read_text().splitlines()]
        mine = [line for line in lines if str(os.getpid()) in line]
        found |= {" ".join(line) for line in mine if int(line[4].rpartition(":")[2]) in inodes}
    return found
