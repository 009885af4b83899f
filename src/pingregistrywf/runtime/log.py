"""Log records: the message names an action, and ``record.fields`` holds its facts.

The loggers are public names:

- ``pingregistrywf.journal``: at DEBUG that a journal was opened or closed; at INFO a wait of more
  than a second, a file that is migrated, and what was collected; at WARNING that files were opened
  again because they had been moved or removed.
- ``pingregistrywf.commands``: at DEBUG each attempt that lost its race.
- ``pingregistrywf.server``, ``pingregistrywf.gatherer``, ``pingregistrywf.collector``: what the
  daemons do.
- ``pingregistrywf.service``: where a server listens, each call that is over, and which failed.

From INFO upwards no record holds the message of a ping: what comes from outside may be private.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

JOURNAL: Final = logging.getLogger("pingregistrywf.journal")
COMMANDS: Final = logging.getLogger("pingregistrywf.commands")

NOTICE_SECONDS: Final = 1.0
"""A wait that is longer is logged."""


def logged(logger: logging.Logger, action: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an action and its fields."""
    plain = (str, int, float, type(None))
    shown = {name: each if isinstance(each, plain) else str(each) for name, each in fields.items()}
    logger.log(level, action, extra={"fields": shown})


class Wait:
    """A wait, which is logged once it has become long, and again when it is over.

    Args:
        action: what is waited for, as in "waiting for the turn to write".
        holder: the words for whoever is waited for; asked when the wait has become long.
    """

    def __init__(self, action: str, holder: Callable[[], str]) -> None:
        self._action = action
        self._holder = holder
        self._begun = time.monotonic()
        self._noticed = False

    def look(self) -> None:
        """Log the wait if it has become long; to be called again and again while waiting."""
        if not self._noticed and time.monotonic() - self._begun >= NOTICE_SECONDS:
            self._noticed = True
            logged(JOURNAL, self._action, holder=self._holder())

    def over(self, *, done: bool) -> None:
        """Log that a long wait is over: in time, or given up."""
        if self._noticed:
            seconds = round(time.monotonic() - self._begun, 3)
            outcome = "done" if done else "gave up"
            logged(JOURNAL, f"{self._action}: {outcome}", seconds=seconds)


def await_noticed(
    wait: Callable[[float], bool], timeout: float, action: str, holder: Callable[[], str]
) -> bool:
    """Call ``wait`` with seconds, at most ``timeout`` in all, and log it as a ``Wait``.

    Return whether it returned True in time.
    """
    noticed = Wait(action, holder)
    done = wait(min(timeout, NOTICE_SECONDS))
    if not done and timeout > NOTICE_SECONDS:
        noticed.look()
        done = wait(timeout - NOTICE_SECONDS)
    noticed.over(done=done)
    return done
