"""The guards of a journal's file, and how a process does without one of them."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pingregistrywf.runtime.errors import DBError
from pingregistrywf.runtime.journal.sqlite import group_commit, guard, pool, schema
from pingregistrywf.runtime.journal.sqlite.guard import FileGuard
from pingregistrywf.runtime.journal.sqlite.process_lock import try_lock

_look: Final = FileGuard.look
_close_both: Final = guard._close_both


def _looks_but(*left_out: tuple[float, ...]) -> Callable[..., None]:
    """Look, but not where the product calls ``look`` with one of these arguments."""

    def look(self: FileGuard, *age: float) -> None:
        if age not in left_out:
            _look(self, *age)

    return look


@contextmanager
def _claim_to_be_alone(self: FileGuard) -> Iterator[bool]:
    yield True


def _close_the_writer_last(writer: Any, reader: Any, *, alone: bool) -> None:
    _close_both(writer, reader, alone=True)


def _share_at_once(self: FileGuard, timeout: float) -> bool:
    assert self._lock is not None
    alone = try_lock(self._lock)
    if not alone:
        fcntl.flock(self._lock, fcntl.LOCK_SH)
    return alone


def _accept_any_path(address: Any, *, read_only: bool) -> Any:
    return address.path.stat() if address.path.exists() else None


def _never_reopen(self: FileGuard, *, doubt: bool) -> None:
    raise DBError("opening again", RuntimeError("healing was taken out"))


GUARDS: Final[dict[str, tuple[object, str, object]]] = {
    "looks before a commit": (
        FileGuard,
        "look",
        _looks_but((0.0,), (group_commit._TURN_SECONDS,)),
    ),
    "look after a commit": (FileGuard, "look", _looks_but(())),
    "looks of reads": (FileGuard, "look", _looks_but((pool.LOOK_SECONDS,))),
    "lock of the last close": (FileGuard, "_alone", _claim_to_be_alone),
    "order of closing": (guard, "_close_both", _close_the_writer_last),
    "log and index at opening": (FileGuard, "_share", _share_at_once),
    "checks of the path": (schema, "_look_at_path", _accept_any_path),
    "healing": (FileGuard, "_reopen", _never_reopen),
    "copy of the old log": (guard, "_checkpoint", lambda _: True),
    "search for removed files": (guard, "_refuse_removed", lambda _: None),
}
"""By name: an attribute, and what takes its place when the guard is taken out."""


def take_out(name: str, set_: Callable[[Any, str, object], None] = setattr) -> None:
    """Let this process do without a guard."""
    set_(*GUARDS[name])
