"""Another file in the place of a journal's: a kill leaves the old journal or the new one.

Renames alone cannot do that, because a journal is a file and its log: whoever opens it between two
renames finds half of it, and loses the other half.  So there are four steps:

1. The new file is written in a directory of its own beside the journal, ``.NAME-restore.…``, and
   verified there.  A kill leaves the old journal, and the directory, which may be removed.
2. The new file is named ``PATH-restore``.  From now on nobody opens the journal:
   ``refuse_unfinished`` raises an error that names the command which goes on from here.
3. The old file, its log and what else SQLite keeps beside it move to ``PATH-before-TIME``.  The
   time is the one at which the new file was modified, so that whoever goes on finds the directory.
4. The new file is named ``PATH``.  This one rename ends the refusal and makes the new journal.

Each step is on the disk before the next begins.  All the while this process holds the lock file
``PATH-open`` exclusively, and the turn to write.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pingregistrywf.runtime.errors import DBError
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.filesystem import check_file_system
from pingregistrywf.runtime.journal.sqlite.lock_holder import describe_processes, lock_holders
from pingregistrywf.runtime.journal.sqlite.process_lock import ProcessLock, open_lock_file, try_lock
from pingregistrywf.runtime.newfile import sync

_SUFFIXES: Final = ("", "-wal", "-shm", "-journal")
"""What ends the names of the files that belong to the old journal."""
_OP: Final = "replacing the journal's file"


def refuse_unfinished(address: Address) -> None:
    """Raise a ``JournalOpenError`` if the file is being replaced, or a replacement was killed."""
    new = _new_file(address)
    if os.path.exists(new):  # noqa: PTH110 (opening tells what keeps this user from looking)
        command = shlex.join(
            ("pingregistrywf", "journal", "restore", "--journal", f"sqlite:{address.path}")
        )
        raise address.refusal(
            f"its restoration is not finished: {str(new)!r} is not in its place yet",
            f"finish it with `{command}`",
        )


class Replacement:
    """The right to replace a journal's file; ``replacing`` gives it.

    Attributes:
        new: the name that step 2 gives to the new file.
        begun: whether a file has that name, so that only steps 3 and 4 are left.
    """

    def __init__(self, address: Address) -> None:
        self._path: Final = address.path
        self.new: Final = _new_file(address)
        self.begun: Final = self.new.exists()

    def prepare(self, written: Path, like: Path) -> None:
        """End step 1: give a new file the time of the replacement, and the old file's owner.

        Args:
            written: the new file.
            like: the file whose owner and mode are right where there is no old file.
        """
        models = (each for each in (self._path, self.new) if each.exists())
        _own(written, next(models, like))
        moment = self.new.stat().st_mtime if self.begun else int(time.time())
        while not self.begun and _aside(self._path, moment).exists():
            moment += 1
        os.utime(written, (moment, moment))

    def finish(self) -> Path | None:
        """Do steps 3 and 4; return the directory of the old files, None if there were none.

        Raises:
            OSError: a file cannot be moved; finish it later.
        """
        parent = self._path.parent
        aside = _aside(self._path, self.new.stat().st_mtime)
        for name in (Path(f"{self._path}{suffix}") for suffix in _SUFFIXES):
            if os.path.lexists(name):
                _move(name, aside)
        if aside.exists():
            sync(aside)
        sync(parent)
        self.new.replace(self._path)
        sync(parent)
        return aside if aside.exists() else None


@contextmanager
def replacing(address: Address) -> Iterator[Replacement]:
    """Keep everybody away from a journal while its file is replaced.

    Raises:
        DBError: somebody uses the journal; names the process where the system tells.
        JournalOpenError: no journal can be there.
    """
    path = address.path
    if path.is_dir():
        raise address.refusal("it is a directory", "name a file in it")
    check_file_system(address)
    try:
        opened = open_lock_file(f"{path}-open")
    except OSError as error:
        raise address.refusal(error.strerror or str(error), f"check {error.filename!r}") from error
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, opened)
        if not try_lock(opened, fcntl.LOCK_EX):
            raise _used(describe_processes(lock_holders(Path(f"{path}-open"))))
        turn = stack.enter_context(contextlib.closing(ProcessLock(path)))
        if not turn.try_acquire():
            raise _used(turn.holder())
        if others := lock_holders(path):  # other programs, which have SQLite's locks alone
            raise _used(describe_processes(others))
        yield Replacement(address)


def _used(user: str) -> DBError:
    return DBError(_OP, RuntimeError(f"the journal is in use by {user}: end that, and run again"))


def _new_file(address: Address) -> Path:
    return Path(f"{address.path}-restore")


def _aside(path: Path, moment: float) -> Path:
    return Path(f"{path}-before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(moment))}")


def _move(name: Path, directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    target = directory / name.name
    if os.path.lexists(target):
        raise FileExistsError(f"there are {str(name)!r} and {str(target)!r}: move one away")
    name.rename(target)


def _own(file: Path, like: Path) -> None:
    """Give a file the owner, the group and the mode of another, as far as this user may."""
    model = like.stat()
    for owner in (model.st_uid, -1):
        with contextlib.suppress(PermissionError):
            os.chown(file, owner, model.st_gid)
            break
    shutil.copymode(like, file)
