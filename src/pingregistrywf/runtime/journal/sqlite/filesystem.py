"""Which file systems cannot hold a journal.

SQLite's write-ahead log needs memory that all processes share, and locks that all of them see.  A
file system that several machines have in common, or a machine and its virtual machines, does not
give that: a journal there would lose acknowledged commits without an error.  Linux names the file
system of a path in ``/proc/self/mountinfo``; elsewhere none is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.journal.sqlite.address import Address

MOUNTS: Final = Path("/proc/self/mountinfo")

_NAMES: Final = """
9p afs beegfs ceph cifs coda davfs drvfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs
prl_fs pvfs2 smb3 smbfs vboxsf virtiofs vmhgfs
ceph-fuse davfs2 gcsfuse goofys grpcfuse juicefs mfs moosefs osxfs rclone s3fs seaweedfs smbnetfs
sshfs vmhgfs-fuse
"""
_UNFIT: Final = frozenset(_NAMES.split())
"""Types of file systems, without the ``fuse.`` of those that a program serves."""


def check_file_system(address: Address) -> str | None:
    """Refuse a journal on a file system that would lose what is committed.

    Return the type of its file system, None if it is not known.

    Raises:
        JournalOpenError: it is on one, and the URL does not say ``filesystem=any``.
    """
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    kind = file_system(address.path, mounts)
    unfit = kind is not None and kind.removeprefix("fuse.") in _UNFIT
    if unfit and address.filesystem != "any":
        raise address.refusal(
            f"it is on a file system of type {kind}, on which SQLite's write-ahead log may lose"
            " what is committed",
            "choose a path on a local disk, or add ?filesystem=any if only one machine uses it and"
            " you know that its locks and shared memory work",
        )
    return kind


def file_system(path: Path, mounts: str) -> str | None:
    """Return the type of the file system that holds a path, None if it is not known.

    The path is absolute and followed through symbolic links; it need not exist.  ``mounts`` is the
    text of ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)).
    """
    inside, longest, kind = f"{path}/", 0, None
    for line in mounts.splitlines():
        place, separator, described = line.partition(" - ")
        fields = place.split(" ")
        if not separator or len(fields) < 5:
            continue
        mounted = f"{_unescaped(fields[4]).rstrip('/')}/"
        # Of two mounts at one place, the later one hides the earlier one.
        if inside.startswith(mounted) and len(mounted) >= longest:
            longest, kind = len(mounted), described.split(" ")[0]
    return kind


def _unescaped(text: str) -> str:
    # The kernel writes blanks and backslashes in octal digits.
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), text)
