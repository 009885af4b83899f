"""Decide and evolve: the pure core that runs a declaration.

``decide`` returns what a command does to a state, ``evolve`` the state after an event, and
``check`` refuses a stored event that may not follow a state.  They are pure functions.
``Behavior`` and ``Advancer`` are the same under the names of the published documentation; a
generated package derives its own from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from pingregistrywf.runtime.decisions import Decision, rules_of
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.errors import (
    BehaviorError,
    EventTypeError,
    InvalidCommandError,
    MalformedEventError,
    NewEventsError,
    StateConflictError,
)
from pingregistrywf.runtime.evolution import check_id, evolution_of
from pingregistrywf.runtime.ids import EPOCH, IdSource, Ulid, UlidSource
from pingregistrywf.runtime.values import Command, Event, KeyedState

if TYPE_CHECKING:
    from pingregistrywf.runtime.explanation import Explanation

S = TypeVar("S")
E = TypeVar("E", bound=Event)
C = TypeVar("C", bound=Command)


def decide(declaration: Declaration, state: Any, command: Command) -> Decision:
    """Return what the command does in the state.

    Raises:
        InvalidCommandError: it is no command of this chart.
        StateConflictError, ArgumentNotIdempotentError, DeclaredError: the chart refuses it.
    """
    kind = type(command)
    rule = rules_of(declaration).get(kind)
    if rule is None:
        raise InvalidCommandError(f"{kind.__name__} is not a command of {declaration.name}")
    verdict = rule(state, command)
    if isinstance(verdict, Decision):
        return verdict
    raise verdict()


def evolve(declaration: Declaration, state: Any, event: Event) -> Any:
    """Return the state after the event, at the event's vid; ``check`` judges if it may follow.

    Raises:
        EventTypeError: it is no event of this chart.
    """
    evolution = evolution_of(declaration)
    step = evolution.steps.get(type(event))
    if step is None:
        raise EventTypeError
    values, vid = evolution.opened(state), event.id
    step.apply(values, event, vid)
    return evolution.closed(values, vid)


def check(declaration: Declaration, state: Any, event: Event) -> None:
    """Check that a stored event may follow the state.

    Replay takes only chains that the chart allows (documentation: Behaviour, section 8, point 5).

    Raises:
        EventTypeError: it is no event of this chart.
        MalformedEventError: it has no id, or a field that must not be zero is.
        StateConflictError: the chart does not allow it here.
    """
    check_id(event.id)
    evolution = evolution_of(declaration)
    step = evolution.steps.get(type(event))
    if step is None:
        raise EventTypeError
    step.check(evolution.opened(state), event)


def check_end(state: Any) -> None:
    """Check that a history may end in the state: not amid a snapshot, which is written whole.

    Raises:
        StateConflictError: it may not.
    """
    if isinstance(state, KeyedState) and state.rewritten is not None:
        raise StateConflictError("the end of a history", "an unfinished snapshot")


# --- Under the names of the published documentation ---------------------------------------------


class Advancer(Generic[S, E]):
    """Applies events to states."""

    declaration: ClassVar[Declaration]

    def advance(self, state: S, event: E) -> S:
        """Return the state after the event, without judging whether the event may follow."""
        new: S = evolve(self.declaration, state, event)
        return new


class Behavior(Generic[S, E, C]):
    """What the chart's commands and events do.

    New events get their ids from ``ids``; from the system's clock and randomness unless given.
    """

    declaration: ClassVar[Declaration]

    def __init__(self, ids: IdSource | None = None) -> None:
        self._ids = ids if ids is not None else UlidSource()

    def new_state(self, id: UUID) -> S:
        """Return the state of an empty history of that id."""
        new: S = self.declaration.state(id)
        return new

    def tell(self, state: S, command: C) -> tuple[E, ...]:
        """Return the events that the command appends: none for a noop and for a delete.

        Raises:
            InvalidCommandError: it is no command of this chart.
            StateConflictError, ArgumentNotIdempotentError, DeclaredError: the chart refuses it.
            NewEventsError: an event could not be made.
        """
        return self.draw(state, decide(self.declaration, state, command))

    def explain(self, state: S, command: C) -> Explanation[E]:
        """Return what the command would do in the state, and why.  Nothing is written.

        A history whose id is not free yet reads as empty: only the journal knows that it cannot
        begin again.

        Raises:
            InvalidCommandError: it is no command of this chart.
            NewEventsError: an event's fields would not be valid.
        """
        from pingregistrywf.runtime.explanation import explained  # seldom needed, slow to import

        decided: Decision | BehaviorError
        try:
            decided = decide(self.declaration, state, command)
        except BehaviorError as refusal:
            decided = refusal.with_traceback(None)
        return explained(self.declaration, state, command, decided)

    def draw(self, state: S, decision: Decision) -> tuple[E, ...]:
        """Give a decision's events their ids and parents, as links after the state's vid.

        Raises:
            NewEventsError: there are no more ids, or an event's fields are not valid.
        """
        events: list[Any] = []
        parent: Ulid = getattr(state, "vid", EPOCH)
        try:
            for draft in decision.drafts:
                vid = self._ids.next(parent)
                events.append(draft(vid, parent))
                parent = vid
        except (OverflowError, MalformedEventError) as error:
            raise NewEventsError(error) from error
        return tuple(events)
