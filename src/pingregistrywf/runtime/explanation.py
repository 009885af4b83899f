"""What a command would do in a state, and why, in the words of the chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pingregistrywf.runtime.decisions import Decision
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import BehaviorError, MalformedEventError, NewEventsError
from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.values import Command, DeclaredError, Event, command_name

E = TypeVar("E", bound=Event)

Outcome: TypeAlias = Literal["emit", "noop", "reject", "delete", "rewrite"]
"""Events are appended; nothing happens; the command is refused; the history is deleted; or it is
rewritten as a snapshot."""


@dataclass(frozen=True, slots=True)
class Explanation(Generic[E]):
    """What a command would do in a state, and why.

    Attributes:
        command: the command's name in the chart.
        state: the name of the state; in a keyed chart, of the state of the entry that the command
            names, and empty if it names none.
        outcome: what would happen.
        rule: the id of the chart's rule, such as ``AppendPing.1``; ``otherwise`` if no rule names
            the command in that state.
        events: the events that would be appended.  Their ids and parents are the epoch, because no
            ids are drawn.
        error: the error that the command would raise if it is refused, else None.
        reason: why, in the chart's words; empty if it has none.
        allowed: the commands that the chart allows there instead, or as well; see
            ``State.allowed``.
    """

    command: str
    state: str
    outcome: Outcome
    rule: str
    events: tuple[E, ...]
    error: BehaviorError | None
    reason: str
    allowed: tuple[type[Command], ...]


def explained(
    declaration: Declaration, state: Any, command: Command, decided: Decision | BehaviorError
) -> Explanation[Any]:
    """Explain what was decided about a command of the chart in a state.

    Raises:
        NewEventsError: an event's fields would not be valid.
    """
    kind = type(command)
    code = None if kind in declaration.rewrites else _code(declaration, state, command)
    error = None if isinstance(decided, Decision) else decided
    at = declaration.initial if code is None else code
    ground = declaration.grounds[kind, at, error is not None]
    # The rule of a rewrite tells what it is for, and not what stands against it.
    against = error.prose if code is None and isinstance(error, DeclaredError) else ""
    return Explanation(
        command=command_name(kind),
        state="" if code is None else declaration.state_names[code],
        outcome=_outcome(decided),
        rule=ground.rule,
        events=_events(decided),
        error=error,
        reason=against or ground.reason,
        allowed=tuple(declaration.rewrites) if code is None else declaration.allowed[code],
    )


def _code(declaration: Declaration, state: Any, command: Command) -> Any:
    """The code of the state in which the command is judged."""
    keyed = declaration.keyed
    if keyed is None:
        return state.state_code
    key = getattr(command, keyed.key)
    return (state.entries.get(key) or keyed.entry(key)).state_code


def _outcome(decided: Decision | BehaviorError) -> Outcome:
    match decided:
        case Decision(deletes=True):
            return "delete"
        case Decision(restart=True):
            return "rewrite"
        case Decision(drafts=()):
            return "noop"
        case Decision():
            return "emit"
        case _:
            return "reject"


def _events(decided: Decision | BehaviorError) -> tuple[Any, ...]:
    if not isinstance(decided, Decision):
        return ()
    try:
        return tuple(draft(EPOCH, EPOCH) for draft in decided.drafts)
    except MalformedEventError as error:
        raise NewEventsError(error) from error
