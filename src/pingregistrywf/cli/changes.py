"""Waits until files change, for commands that run again when they do."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

POLL: Final = 0.3
"""So many seconds pass between two looks at the files."""


BYTECODE: Final = "__pycache__"
"""Python writes into directories of this name when a program starts."""


def changed_files(paths: Sequence[Path], written: Collection[Path] = ()) -> Iterator[None]:
    """Yield each time that a file has changed, come or gone since the call, and all is quiet.

    Args:
        paths: files, and directories of which all files below are looked at, but for hidden ones
            and Python's bytecode.
        written: files and directories that the command itself writes: they are not looked at.
    """
    own = {path.absolute() for path in written}
    return _changes(paths, own, _look(paths, own))


def _changes(
    paths: Sequence[Path], own: AbstractSet[Path], seen: dict[Path, tuple[int, int]]
) -> Iterator[None]:
    while True:
        now = _look(paths, own)
        if now == seen:
            time.sleep(POLL)
            continue
        while True:  # an editor or a compiler may still be at it
            time.sleep(POLL)
            later = _look(paths, own)
            if later == now:
                break
            now = later
        seen = now
        yield


def _look(paths: Iterable[Path], own: AbstractSet[Path]) -> dict[Path, tuple[int, int]]:
    """The time and size of each file, of directories those of the files below."""
    found = {}
    for path in paths:
        below = (each for each in path.rglob("*") if not _is_made(each.relative_to(path)))
        for file in below if path.is_dir() else (path,):
            place = file.absolute()
            if not own.isdisjoint((place, *place.parents)):
                continue
            try:
                status = file.stat()
            except OSError:
                continue  # it has just gone
            if not file.is_dir():
                found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _is_made(path: Path) -> bool:
    """Whether a file below a directory is hidden, or Python's bytecode."""
    return any(part.startswith(".") or part == BYTECODE for part in path.parts)
