"""Errors of the operating system as one line: what it is about, why, and what to do."""

from __future__ import annotations

import errno
from typing import Final

_REMEDIES: Final = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "name a file",
    errno.EEXIST: "name another place",
    errno.EACCES: "check its mode, or run as a user who has permission",
    errno.EPERM: "check its mode, or run as a user who has permission",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "free some space, or name a place on another disk",
    errno.EDQUOT: "free some space, or name a place on another disk",
    errno.EMFILE: "raise the limit of open files, as with `ulimit -n`",
}


def explained(error: OSError) -> str:
    """Return the text of an error, without its number and with a remedy where one is known.

    An error of the package has a text of its own, which is returned as it is.
    """
    if error.strerror is None:
        return str(error)
    about = "" if error.filename is None else f"{str(error.filename)!r}: "
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{about}{error.strerror.lower()}" + (f"; {remedy}" if remedy else "")
