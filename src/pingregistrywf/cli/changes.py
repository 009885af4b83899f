"""Waits until files change, for commands that run again when they do."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

POLL: Final = 0.3
"""So many seconds pass between two looks at the files."""


def changed_files(paths: Sequence[Path]) -> Iterator[None]:
    """Yield each time that a file has changed, come or gone since the call, and all is quiet."""
    return _changes(paths, _look(paths))


def _changes(paths: Sequence[Path], seen: dict[Path, tuple[int, int]]) -> Iterator[None]:
    while True:
        now = _look(paths)
        if now == seen:
            time.sleep(POLL)
            continue
        while True:  # an editor or a compiler may still be at it
            time.sleep(POLL)
            later = _look(paths)
            if later == now:
                break
            now = later
        seen = now
        yield


def _look(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """The time and size of each file, of directories those of the files below."""
    found = {}
    for path in paths:
        for file in (path, *path.rglob("*")) if path.is_dir() else (path,):
            try:
                status = file.stat()
            except OSError:
                continue  # it has just gone
            if not file.is_dir():
                found[file] = (status.st_mtime_ns, status.st_size)
    return found
