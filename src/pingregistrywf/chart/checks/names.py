"""Names: none that generated Python, or what it is built on, uses for something else.

The same holds for what an adapter answers: what is found of a state has names, too.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from pydantic import BaseModel

from pingregistrywf.chart.ir import DELETED
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.naming import snake, upper
from pingregistrywf.chart.vocabulary import Chart

CLASSES: Final = (
    *("Advancer", "AnyCommand", "AnyEvent", "Behavior", "Command"),
    *("Entry", "Event", "State", "StateCode"),
    *("SnapshotBegin", "SnapshotState", "SnapshotEnd"),
    *("DECLARATION", "OTHERWISE", "TABLE", "Declaration", "Outcome"),
    *("Append", "Argument", "Constant", "Delete", "Emit", "Noop", "Refuse", "Same"),
    *("EventDeclaration", "EventField", "KeyedDeclaration", "SnapshotDeclaration"),
    *("SetRecord", "SetValue"),
    *("BaseAdvancer", "BaseBehavior", "BaseCode", "BaseEvent", "BasePackageError"),
    *("BaseRecord", "BaseState"),
    *("BaseKeyedState", "Charted", "AsyncFacade", "Facade"),
    *("EPOCH", "Int32", "NIL", "NonZero", "Text", "UUID", "Ulid", "Uuid", "Vid"),
    *("CommandUnion", "EventUnion", "PersistentList", "PersistentMap"),
    *("Annotated", "BaseException", "Final", "IntEnum", "Literal", "Mapping", "Path", "TypeAlias"),
    *("PackageError", "TypeIs"),
)
"""The names that generated modules use, beside those from the chart."""

# The members of the run time's classes, from which generated classes derive, and what the bodies
# of generated classes name: a member of that name would hide it.
_TYPES: Final = ("bool", "int", "str")
_MODEL: Final = ("bool", *(name for name in dir(BaseModel) if not name.startswith("_")))
_EVENT: Final = (
    *(*_MODEL, "codec", "event", "forms", "id", "parent", "time"),
    *("marshal_proto", "unmarshal_proto"),
)
_CHARTED: Final = ("allowed", "allowed_in", "state_code")
_ENTRY: Final = (*_TYPES, *_CHARTED, "field", "pmap", "property", "pvector")
_STATE: Final = (*_ENTRY, "id", "vid", "with_vid")
_ARGUMENT: Final = (*_MODEL, "self", "id", "vid", "cmd")
_EXCEPTION: Final = ("args", "add_note", "with_traceback")
_ERROR: Final = (*_TYPES, *_EXCEPTION, "attempted", "definite", "prose", "retry")
_FACADE: Final = (
    *(*_TYPES, "engine", "behavior", "find_id", "events"),
    *("explain", "feed", "follow", "happened", "tell"),
)

_MEMBERS: Final = (
    ("events", "fields", "a field of an event", _EVENT),
    ("commands", "args", "an argument", _ARGUMENT),
    ("records", "fields", "a field of a record", (*_TYPES, "event_id")),
    ("errors", "fields", "a field of an error", _ERROR),
)

Use: TypeAlias = tuple[str, str, Path]
"""A name in generated Python, what has it, and where its name is written in the chart."""


def check_names(chart: Chart, report: Report) -> None:
    """Check that no two names are one in generated Python, and that none is taken."""
    if DELETED in chart.states:
        what = f"{DELETED} is what every chart calls a history that was deleted"
        report.say(("states", DELETED), what, "write another name")
    codes = ((upper(name), f"the state {name}", ("states", name)) for name in chart.states)
    methods = ((snake(name), owner, at) for name, owner, at in _commands(chart))
    _check_scope(report, "state code", codes, ("MRO",))
    _check_scope(report, "class", _classes(chart), CLASSES)
    _check_scope(report, "method", methods, (*_FACADE, *keyword.kwlist))
    _check_scope(report, "attribute", _attributes(chart), _ENTRY if chart.keyed_by else _STATE)
    _check_scope(report, "name", _found(chart), ("vid",), " in what is found")
    for name, what, taken, at in _members(chart):
        if name in taken or ("model_copy" in taken and name.startswith("model_")):
            report.say(at, f"{name} is no possible name for {what}", "write another name")


def _check_scope(
    report: Report, kind: str, uses: Iterable[Use], taken: Iterable[str], where: str = " in Python"
) -> None:
    """Check the names of one scope."""
    seen: dict[str, str] = {}
    for name, owner, at in uses:
        other = seen.setdefault(name, owner)
        if name in taken or other != owner:
            clash = f"{owner} cannot have the" if name in taken else f"{other} and {owner} have one"
            report.say(at, f"{clash} {kind} {name}{where}", "write another name")


def _classes(chart: Chart) -> Iterator[Use]:
    yield chart.facade, "the facade", ("facade",)
    for part, what in (("records", "record"), ("events", "event"), ("errors", "error")):
        for name in getattr(chart, part):
            yield name, f"the {what} {name}", (part, name)
    for name, _, at in _commands(chart):
        yield f"Cmd{name}", f"the command {name}", at


def _commands(chart: Chart) -> Iterator[Use]:
    for name in chart.commands:
        yield name, f"the command {name}", ("commands", name)
    if chart.snapshot:
        name = chart.snapshot.command.name
        yield name, f"the command {name} of the snapshot", ("snapshot", "command", "name")


def _attributes(chart: Chart) -> Iterator[Use]:
    """The attributes of the state, or of the entry of a keyed chart."""
    if chart.keyed_by:
        yield chart.keyed_by, "the key", ("keyed_by",)
    for name, carried in chart.carried.items():
        owner, at = f"the carried value {name}", ("carried", name)
        yield carried.attribute or name, owner, (*at, "attribute")
        if carried.count:
            yield carried.count, f"the count of {name}", (*at, "count")


def _found(chart: Chart) -> Iterator[Use]:
    """What ``find`` answers beside the vid: the state and what it carries, or the keys by state."""
    if chart.keyed_by:
        for name, state in chart.states.items():
            if not state.initial:
                yield name.lower(), f"the state {name}", ("states", name)
    else:
        yield "state", "the state", ("states",)
        for name in chart.carried:
            yield name, f"the carried value {name}", ("carried", name)


def _members(chart: Chart) -> Iterator[tuple[str, str, Sequence[str], Path]]:
    """Fields and arguments: each name, what it is, the names that are taken, and its place."""
    for part, key, what, taken in _MEMBERS:
        for owner, each in getattr(chart, part).items():
            for name in getattr(each, key):
                yield name, what, taken, (part, owner, key, name)
    if chart.snapshot:
        option, entries = chart.snapshot.command.option, chart.snapshot.message.entries
        yield option, "an argument", _ARGUMENT, ("snapshot", "command", "option")
        taken = (*_EVENT, "tuple")
        yield entries, "a field of an event", taken, ("snapshot", "message", "entries")
