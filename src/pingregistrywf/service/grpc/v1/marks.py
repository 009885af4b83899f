"""The marks of commands whose answers may be lost, so that a no of Happened is final.

A command may arrive after its client has given it up: a network that fails without closing the
connection delivers it later.  So whoever is told that a command did not happen is told the truth
only if it is refused from then on.  Happened denies the marks that it looks for, waits for the
commands with these marks that have begun, and looks at the history after that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from pingregistrywf.service.grpc.refusal import CallRefusedError

KEPT: Final = 100_000
"""So many marks are remembered, those that were denied last."""


class Marks:
    """The marks of one server; any thread may call it.

    Args:
        kept: how many denied marks are remembered.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: Final = kept
        self._denied: Final[OrderedDict[bytes, None]] = OrderedDict()
        self._under_way: Final[list[bytes]] = []
        self._changed: Final = threading.Condition()

    @contextmanager
    def under_way(self, mark: bytes) -> Iterator[None]:
        """Do what a mark is for, inside.

        Raises:
            CallRefusedError: the mark was denied; nothing may be done.
        """
        with self._changed:
            if mark in self._denied:
                text = "this command came too late: its client was told that it did not happen"
                raise CallRefusedError("ABORTED", "TooLate", text)
            self._under_way.append(mark)
        try:
            yield
        finally:
            with self._changed:
                self._under_way.remove(mark)
                self._changed.notify_all()

    def deny(self, marks: Iterable[bytes]) -> None:
        """Let nothing begin with these marks, and wait until what has begun with them is over."""
        denied = dict.fromkeys(marks)
        with self._changed:
            for mark in denied:
                self._denied[mark] = None
                self._denied.move_to_end(mark)
            while len(self._denied) > self._kept:
                self._denied.popitem(last=False)
            self._changed.wait_for(lambda: denied.keys().isdisjoint(self._under_way))
