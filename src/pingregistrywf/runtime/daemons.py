"""What daemons post, sum up and collect, as declared data beside the operations that they run.

The loops, the clock and the pauses stay with whoever is the daemon (documentation: Behaviour,
section 7).  Nothing here reads or writes a history.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from string import Formatter
from typing import Final

_PARTS: Final = {"name": ".*", "number": r"[1-9][0-9]*"}
"""What stands in a message in the places of a name and a number."""


@dataclass(frozen=True)
class Posting:
    """What a daemon posts to a history, one after the other, until it has posted all.

    Attributes:
        operation: the operation that posts one.
        code: the code of each, if the daemon is well.
        message: the message, with ``{name}`` for the daemon's name and ``{number}`` for the number
            of the one that is posted, from 1.
        held: the state's attribute that holds what was posted.
    """

    operation: str
    code: int
    message: str
    held: str

    def text(self, name: str, number: int) -> str:
        """Return the message that a daemon of that name posts as that number."""
        return self.message.format(name=name, number=number)

    def posted_as(self, message: str) -> tuple[str, int] | None:
        """Return whose message it is, and the number of it; None if no daemon posts such a text."""
        if (found := self._pattern.fullmatch(message)) is None:
            return None
        return found["name"], int(found["number"])

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pattern, seen = "", set[str]()
        for literal, name, _, _ in Formatter().parse(self.message):
            pattern += re.escape(literal)
            if name:
                pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{_PARTS[name]})"
                seen.add(name)
        return re.compile(pattern, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Summing:
    """What a daemon posts of all that was posted, once it is time.

    Attributes:
        operation: the operation that posts it.
        code: the code if every code in the list is zero.
        code_of_errors: the code if any is not.
        message: the message, with ``{count}`` for the length of the list, and ``{errors}`` for how
            many of its codes are not zero.
    """

    operation: str
    code: int
    code_of_errors: int
    message: str

    def summary(self, codes: Iterable[int]) -> tuple[int, str]:
        """Return the code and the message that sum up a list of such codes."""
        listed = list(codes)
        errors = sum(code != 0 for code in listed)
        message = self.message.format(count=len(listed), errors=errors)
        return self.code_of_errors if errors else self.code, message


@dataclass(frozen=True, slots=True)
class Ageing:
    """What a collector does to each history that has been listed in a state for long enough.

    Attributes:
        operation: the operation that does it.
        history: the operation's argument that names the history that lists.
        entry: the operation's argument that is the id of what is listed.
        state: the name of the state in which it is listed.
        since: the entry's attribute that is the id of an event, from whose time the age counts.
        after: it is done to what is older than this, and not to what is exactly as old.
        told: the name under which a run tells which histories it did it to.
    """

    operation: str
    history: str
    entry: str
    state: str
    since: str
    after: timedelta
    told: str


@dataclass(frozen=True, slots=True)
class Daemons:
    """What those who run on their own do.

    Attributes:
        posting: what a server posts, and a gatherer before it is time for the summary.
        summing: what a gatherer posts from then on.
        ages: what a run of a collector does to histories by their age, by operation, in this order.
        then: the operations that it runs next, whatever the age.
    """

    posting: Posting
    summing: Summing
    ages: dict[str, Ageing]
    then: tuple[str, ...]
