"""Behaviours that TLC prints: states, one after the other, and what leads to each.

A behaviour without end is printed as a lasso: it goes on for ever from its last state to an earlier
one, or it stays in the last one, which is stuttering.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pingregistrywf.formal.values import Value, parse_state

STATE_CODES: Final = (2216, 2217)
STUTTERING: Final = 2218
BACK_TO_STATE: Final = 2122
_ACTION: Final = re.compile(r"<(.+?)(?: line \d+, col.*)?>")
_INITIAL: Final = "Initial predicate"


@dataclass(frozen=True, slots=True)
class State:
    """A state of a behaviour.

    Attributes:
        number: its place in the behaviour, from 1.
        action: the name of the action that leads to it, empty for the initial state.
        variables: the value of each variable of the module.
    """

    number: int
    action: str
    variables: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Lasso:
    """How a behaviour goes on for ever after its last state.

    Attributes:
        number: the state to which it goes back, the last one itself for stuttering.
        action: the name of the action that leads there, empty for stuttering.
    """

    number: int
    action: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A behaviour: its states, and how it goes on if it never ends."""

    states: tuple[State, ...] = ()
    lasso: Lasso | None = None

    def with_message(self, code: int, text: str) -> Trace:
        """Return this behaviour with what a message of TLC adds to it, if it adds something."""
        head, _, body = text.partition("\n")
        if code == STUTTERING:
            return Trace(self.states, Lasso(self.states[-1].number, ""))
        if code == BACK_TO_STATE:
            return Trace(self.states, Lasso(_number(head), _action(head)))
        if code in STATE_CODES:
            return Trace((*self.states, State(_number(head), _action(head), parse_state(body))))
        return self


def initial_trace(text: str) -> Trace:
    """Return the behaviour of one state that a text of TLC shows."""
    return Trace((State(1, "", parse_state(text)),))


def _number(head: str) -> int:
    return int(head.partition(":")[0])


def _action(head: str) -> str:
    found = _ACTION.search(head)
    return "" if found is None or found[1] == _INITIAL else found[1]
