"""Names: none that generated Python, or what it is built on, uses for something else."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic import BaseModel

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.naming import snake, upper
from pingregistrywf.chart.vocabulary import Chart

CLASSES: Final = (
    *("Advancer", "Behavior", "Command", "Entry", "Event", "State", "StateCode"),
    *("SnapshotBegin", "SnapshotState", "SnapshotEnd"),
    *("DECLARATION", "OTHERWISE", "TABLE", "Declaration", "Outcome"),
    *("Append", "Argument", "Constant", "Delete", "Emit", "Noop", "Refuse", "Same"),
    *("EventDeclaration", "EventField", "KeyedDeclaration", "SnapshotDeclaration"),
    *("SetRecord", "SetValue"),
    *("BaseAdvancer", "BaseBehavior", "BaseEvent", "BaseState", "Facade", "KeyedState"),
    *("EPOCH", "Int32", "NIL", "NonZero", "Text", "UUID", "Ulid", "Vid"),
    *("Annotated", "BaseException", "Final", "IntEnum", "Mapping", "PVector", "Path"),
)
"""The names that generated modules use, beside those from the chart."""

# What the run time's classes have, which generated classes derive from.
_MODEL: Final = tuple(name for name in dir(BaseModel) if not name.startswith("_"))
_EVENT: Final = ("codec", "id", "parent", "marshal_proto", "unmarshal_proto")
_STATE: Final = ("id", "vid", "state_code", "with_vid")
_KEYED: Final = ("entries", "events_since_snapshot", "in_state", "rewritten")
_METHOD: Final = ("self", "id", "vid", "cmd")
_ERROR: Final = ("args", "add_note", "with_traceback", "definite", "prose")
_FACADE: Final = ("find_id", "events", "engine", "behavior")
_DELETED: Final = "Deleted"


def check_names(chart: Chart, report: Report) -> None:
    """Check that no two names are one in generated Python, and that none is taken."""
    _check_states(chart, report)
    _check_classes(chart, report)
    _check_methods(chart, report)
    _check_errors(chart, report)
    _check_fields(chart, report)
    _check_carried(chart, report)


def _refuse(
    report: Report, at: Path, name: str, what: str, by: Iterable[str], *, model: bool = False
) -> None:
    """Report a name that is used for something else already.

    Args:
        report: where the mistake goes.
        at: where it is.
        name: the name.
        what: what it is meant for.
        by: the names that are used.
        model: True if those of a pydantic model are, too.
    """
    if name in by or (model and (name in _MODEL or name.startswith("model_"))):
        report.say(at, f"{name} is no possible name for {what}", "write another name")


def _check_states(chart: Chart, report: Report) -> None:
    seen: dict[str, str] = {}
    for name in chart.states:
        at = ("states", name)
        if name == _DELETED:
            what = f"{name} is what every chart calls a history that was deleted"
            report.say(at, what, "write another name")
        code = upper(name)
        other = seen.setdefault(code, name)
        if other != name:
            what = f"the states {other} and {name} have one state code {code} in Python"
            report.say(at, what, "write another name")
        elif code == "MRO":
            _refuse(report, at, name, "a state", (name,))


def _classes(chart: Chart) -> Iterator[tuple[str, str, Path]]:
    yield chart.facade, "the facade", ("facade",)
    for name in chart.records:
        yield name, f"the record {name}", ("records", name)
    for name in chart.events:
        yield name, f"the event {name}", ("events", name)
    for name in chart.commands:
        yield f"Cmd{name}", f"the command {name}", ("commands", name)
    if chart.snapshot:
        name = chart.snapshot.command.name
        yield f"Cmd{name}", f"the command {name}", ("snapshot", "command", "name")
    for name in chart.errors:
        yield name, f"the error {name}", ("errors", name)


def _check_classes(chart: Chart, report: Report) -> None:
    seen: dict[str, str] = {}
    for name, what, at in _classes(chart):
        if name in CLASSES:
            wrong = f"{name} is the name of something else in generated Python"
            report.say(at, wrong, "write another name")
        other = seen.setdefault(name, what)
        if other != what:
            wrong = f"{other} and {what} have one name {name} in generated Python"
            report.say(at, wrong, "write another name")
        elif at[0] == "snapshot" and name.removeprefix("Cmd") in chart.commands:
            wrong = f"{what} is declared among the commands, too"
            report.say(at, wrong, "write another name in one of the two")


def _check_methods(chart: Chart, report: Report) -> None:
    commands: list[tuple[str, Path]] = [(name, ("commands", name)) for name in chart.commands]
    if chart.snapshot:
        commands.append((chart.snapshot.command.name, ("snapshot", "command", "name")))
    seen: dict[str, str] = {}
    for name, at in commands:
        method = snake(name)
        other = seen.setdefault(method, name)
        if method in _FACADE or keyword.iskeyword(method):
            what = f"the command {name} cannot have the method {method} in Python"
            report.say(at, what, "write another name")
        elif other != name:
            what = f"the commands {other} and {name} have one method {method} in Python"
            report.say(at, what, "write another name")


def _check_errors(chart: Chart, report: Report) -> None:
    for name, error in chart.errors.items():
        for field in error.fields:
            at = ("errors", name, "fields", field)
            _refuse(report, at, field, "a field of an error", _ERROR)


def _check_fields(chart: Chart, report: Report) -> None:
    at: Path
    for name, event in chart.events.items():
        for field in event.fields:
            at = ("events", name, "fields", field)
            _refuse(report, at, field, "a field of an event", _EVENT, model=True)
    for name, command in chart.commands.items():
        for argument in command.args:
            at = ("commands", name, "args", argument)
            _refuse(report, at, argument, "an argument", _METHOD, model=True)
    if chart.snapshot:
        at = ("snapshot", "command", "option")
        _refuse(report, at, chart.snapshot.command.option, "an argument", _METHOD, model=True)
    for name, record in chart.records.items():
        for field in record.fields:
            at = ("records", name, "fields", field)
            _refuse(report, at, field, "a field of a record, which has its own", ("event_id",))


def _check_carried(chart: Chart, report: Report) -> None:
    """Check the attributes of the state, or of the entry of a keyed chart."""
    seen: dict[str, str] = {chart.keyed_by: "the key"} if chart.keyed_by else {}
    for name, carried in chart.carried.items():
        at = ("carried", name)
        attribute = carried.attribute or name
        places: list[tuple[str, Path]] = [
            (attribute, (*at, "attribute") if carried.attribute else at)
        ]
        if carried.count:
            places.append((carried.count, (*at, "count")))
        for each, place in places:
            _refuse(report, place, each, "a carried value", (*_STATE, *_KEYED))
            owner = f"the carried value {name}"
            other = seen.setdefault(each, owner)
            if other != owner:
                what = f"{other} and {owner} have one attribute {each} in Python"
                report.say(place, what, "write another name")
