"""What commands do: a declaration's table, compiled when it is first used.

Each command gets one function, its rule, which needs no dispatch but the state's code.  Rules are
pure, and raise nothing: they return a decision, or a refusal, which makes the error to raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import IntEnum
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias

from pingregistrywf.runtime.declaration import (
    Declaration,
    Delete,
    Emit,
    EventDeclaration,
    Guard,
    Guarded,
    Noop,
    Outcome,
    Refuse,
    Rewrite,
    Sources,
)
from pingregistrywf.runtime.errors import ArgumentNotIdempotentError, StateConflictError
from pingregistrywf.runtime.field_types import is_zero
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.values import (
    PLAINLY_VALID,
    Command,
    Event,
    KeyedState,
    command_name,
    defaults_of,
    made_of,
)

Draft: TypeAlias = Callable[[Ulid, Ulid], Event]
"""Makes an event of its id and its parent's.

Raises:
    MalformedEventError: a field is not as the chart declares it.
"""


class Decision(NamedTuple):
    """What a command does: the events to append, all or none; or the history is deleted.

    A reader may start at the first of the events if ``restart`` is true.
    """

    drafts: tuple[Draft, ...] = ()
    deletes: bool = False
    restart: bool = False


Refusal: TypeAlias = Callable[[], Exception]
"""Makes the error with which the chart refuses a command."""
Verdict: TypeAlias = Decision | Refusal
Rule: TypeAlias = Callable[[Any, Any], Verdict]
"""Judges a command, the second argument, in a state, or on an entry of one."""

Observer: TypeAlias = Callable[[Any, Command, Verdict], None]
"""Is told of a command that was decided: the state, the command and the verdict."""

_NOTHING: Final = Decision()
_DELETION: Final = Decision(deletes=True)


@cache
def rules_of(declaration: Declaration) -> dict[type[Command], Rule]:
    """Return what each command of a chart does to a state."""
    return {kind: _rule(declaration, kind, row) for kind, row in declaration.table.items()}


@contextmanager
def observed(declaration: Declaration, observer: Observer) -> Iterator[None]:
    """Tell an observer of every command of a chart that is decided in this process meanwhile."""
    rules = rules_of(declaration)
    before = rules.copy()
    rules.update((kind, _observed(rule, observer)) for kind, rule in before.items())
    try:
        yield
    finally:
        rules.update(before)


def _observed(rule: Rule, observer: Observer) -> Rule:
    def told(state: Any, command: Any) -> Verdict:
        verdict = rule(state, command)
        observer(state, command, verdict)
        return verdict

    return told


def _rule(declaration: Declaration, kind: type[Command], row: Mapping[IntEnum, Outcome]) -> Rule:
    rewrite, keyed = declaration.rewrites.get(kind), declaration.keyed
    if rewrite is not None:
        return partial(_rewrite, rewrite)
    cells = {code: _cell(declaration, kind, code, outcome) for code, outcome in row.items()}

    def rule(state: Any, command: Any) -> Verdict:
        return cells[state.state_code](state, command)

    if keyed is None:
        return rule
    take_key, entry = attrgetter(keyed.key), keyed.entry

    def keyed_rule(state: Any, command: Any) -> Verdict:
        key = take_key(command)
        return rule(state.entries.get(key) or entry(key), command)

    return keyed_rule


def _cell(declaration: Declaration, kind: type[Command], code: IntEnum, outcome: Outcome) -> Rule:
    refusal = partial(_refusal, declaration, kind, code)
    match outcome:
        case Emit(event, sources):
            return _emission(declaration.by_event[event], sources)
        case Noop():
            return lambda _state, _command: _NOTHING
        case Delete():
            return lambda _state, _command: _DELETION
        case Guarded(guard, arguments, error):
            holds = [_holds(guard, declaration, name) for name in arguments]
            refusals = [refusal(error, name, {}) for name in arguments]
            return _guarded(tuple(zip(holds, refusals, strict=True)))
        case Refuse(error, sources):
            return refusal(error, "", sources)
    raise AssertionError("unreachable")


# --- Events to append -----------------------------------------------------------------------------


def _emission(known: EventDeclaration, sources: Sources) -> Rule:
    event, defaults, given = known.event, defaults_of(known.event), {"id", "parent", *sources}
    taken = [(name, take, _plainly_valid(known, name)) for name, take in sources.items()]

    def make(command: Command, id: Ulid, parent: Ulid) -> Event:
        fields = defaults.copy()
        fields["id"], fields["parent"] = id, parent
        valid = type(id) is type(parent) is Ulid
        for name, take, plainly_valid in taken:
            fields[name] = value = take(command)
            valid = valid and plainly_valid(value)
        if valid:
            return made_of(event, fields, given.copy())
        return event(**{name: fields[name] for name in given})

    return lambda _, command: Decision((partial(make, command),))


def _plainly_valid(known: EventDeclaration, name: str) -> Callable[[Any], bool]:
    valid = PLAINLY_VALID[known.fields[name].type]
    if name not in known.when:
        return valid
    nonzero = known.when[name]
    return lambda value: valid(value) and is_zero(value) is not nonzero


def _rewrite(rewrite: Rewrite, state: KeyedState[Any, Any], command: Command) -> Verdict:
    since, listed = state.events_since_snapshot, len(state.entries)
    if since == 0:
        return _NOTHING
    if listed > rewrite.limit:
        return rewrite.limit_error
    cost = rewrite.saving_base + rewrite.saving_per_entry * listed
    if getattr(command, rewrite.option) and (since < rewrite.saving_events or cost >= since):
        return rewrite.saving_error
    # By key where the order is the same, so that the bytes do not depend on how a map is walked.
    in_order = sorted(
        state.entries.items(), key=lambda item: (getattr(item[1], rewrite.order_by), item[0])
    )
    entries = tuple(entry for _, entry in in_order)
    listing = (_draft(rewrite.list, **{rewrite.entries: entries}),) if entries else ()
    return Decision((_draft(rewrite.begin), *listing, _draft(rewrite.end)), restart=True)


def _draft(event: type[Event], **fields: Any) -> Draft:
    def make(id: Ulid, parent: Ulid) -> Event:
        return event(id=id, parent=parent, **fields)

    return make


# --- Guards and refusals --------------------------------------------------------------------------


def _holds(guard: Guard, declaration: Declaration, name: str) -> Callable[[Any, Any], bool]:
    argument = attrgetter(name)
    match guard:
        case "same":
            carried = attrgetter(declaration.carried[name])
            return lambda state, command: bool(argument(command) == carried(state))


def _guarded(guards: tuple[tuple[Callable[[Any, Any], bool], Rule], ...]) -> Rule:
    def rule(state: Any, command: Any) -> Verdict:
        for holds, refuse in guards:
            if not holds(state, command):
                return refuse(state, command)
        return _NOTHING

    return rule


def _refusal(
    declaration: Declaration,
    kind: type[Command],
    code: IntEnum,
    error: type[Exception],
    argument: str,
    sources: Sources,
) -> Rule:
    if issubclass(error, StateConflictError):
        return _constant(error, command_name(kind), declaration.state_names[code])
    if issubclass(error, ArgumentNotIdempotentError):
        return _constant(error, "".join(word.capitalize() for word in argument.split("_")))

    def rule(_: Any, command: Any) -> Verdict:
        return partial(error, **{name: take(command) for name, take in sources.items()})

    return rule


def _constant(error: type[Exception], *facts: str) -> Rule:
    refusal = partial(error, *facts)
    return lambda _state, _command: refusal
