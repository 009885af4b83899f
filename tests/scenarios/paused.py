"""A call that can be paused: it runs in a thread of its own, and one of the two threads waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Semaphore, Thread
from typing import Generic, TypeVar

Result = TypeVar("Result")


class EndedError(Exception):
    """The call ends where it is paused."""


class Pausable(Generic[Result]):
    """A call that begins when it is first asked to go on."""

    def __init__(self, call: Callable[[], Result]) -> None:
        self._result: Future[Result] = Future()
        self._may_go_on, self._has_stopped = Semaphore(0), Semaphore(0)
        self._ended = False
        self._thread = Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        return self._result.done()

    def go_on(self) -> Result | None:
        """Go on until the call is paused again, which gives None, or returns or raises."""
        self._may_go_on.release()
        self._has_stopped.acquire()
        return self._result.result() if self.is_over else None

    def pause(self) -> None:
        """Wait, in the thread of the call, until it is asked to go on."""
        self._has_stopped.release()
        self._may_go_on.acquire()
        if self._ended:
            raise EndedError

    def end(self) -> None:
        """End the call where it is paused."""
        if not self.is_over:
            self._ended = True
            self._may_go_on.release()
        self._thread.join()

    def _run(self, call: Callable[[], Result]) -> None:
        self._may_go_on.acquire()
        try:
            self._result.set_result(call())
        except BaseException as error:
            self._result.set_exception(error)
        finally:
            self._has_stopped.release()
