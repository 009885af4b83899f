"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def new_file(destination: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give a path to write to; leaving without an exception puts the file in its place, durably.

    The path lies in a directory of its own beside the destination, ``.NAME.…``, which is removed
    with all that is in it.  Only a killed process leaves it behind.

    Args:
        destination: the file's place.
        replace: whether it may replace another file; the new file then never has two names.

    Raises:
        FileExistsError: there is something at the destination that it may not replace, now or by
            the time of leaving.
        FileNotFoundError: its directory does not exist.
    """
    if not replace:
        _refuse_existing(destination)
    if not destination.parent.is_dir():
        raise FileNotFoundError(f"there is no directory {str(destination.parent)!r}: make it first")
    try:
        beside = tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent)
    except OSError as error:
        error.filename = str(destination.parent)  # which is what refuses, whatever was to be in it
        raise
    with beside as directory:
        path = Path(directory) / destination.name
        yield path
        sync(path)
        if replace:
            path.replace(destination)
        else:
            _link(path, destination)
        sync(destination.parent)


def sync(path: Path) -> None:
    """Flush a file or a directory to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _link(path: Path, destination: Path) -> None:
    try:
        os.link(path, destination)  # which never replaces anything
    except OSError as error:
        _refuse_existing(destination)
        if error.errno not in _NO_LINKS:
            raise
        path.rename(destination)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(f"{str(path)!r} exists, and is not overwritten: name another")
