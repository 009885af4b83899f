"""What several generated modules have in common: commands as methods, types, zero values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pingregistrywf.chart.vocabulary import Carried, Chart, Type

DESCRIPTOR: Final = "descriptor.binpb"
STANDARD_ERRORS: Final = ("ArgumentNotIdempotentError", "StateConflictError")
SNAPSHOT_EVENTS: Final = ("SnapshotBegin", "SnapshotState", "SnapshotEnd")
CHECKED: Final = {
    Type.INT32: "Int32",
    Type.STRING: "Text",
    Type.UUID: "UUID",
    Type.ULID: "Ulid",
    Type.BOOL: "bool",
}
"""The annotations of a pydantic model's fields."""
PLAIN: Final = {**CHECKED, Type.INT32: "int", Type.STRING: "str"}
"""The annotations of all else."""
ZEROS: Final = {
    Type.INT32: "0",
    Type.STRING: '""',
    Type.UUID: "NIL",
    Type.ULID: "EPOCH",
    Type.BOOL: "False",
}


@dataclass(frozen=True)
class Argument:
    """An argument of a generated method."""

    name: str
    type: Type
    nonzero: bool
    doc: str


@dataclass(frozen=True)
class Method:
    """A command as a generated class and method, whether a rule's or the snapshot's."""

    name: str
    arguments: tuple[Argument, ...]
    doc: str


def methods(chart: Chart) -> list[Method]:
    """The chart's commands, and its snapshot's."""
    made = [
        Method(
            name,
            tuple(
                Argument(arg, each.type, each.nonzero, each.doc)
                for arg, each in command.args.items()
            ),
            command.doc,
        )
        for name, command in chart.commands.items()
    ]
    if chart.snapshot is not None:
        command = chart.snapshot.command
        option = Argument(command.option, Type.BOOL, nonzero=False, doc=command.option_doc)
        made.append(Method(command.name, (option,), command.doc))
    return made


def attribute(name: str, carried: Carried) -> str:
    """The name of a carried value in Python."""
    return carried.attribute or name


def own_errors(chart: Chart) -> list[str]:
    """The errors that the chart alone has."""
    return [name for name in chart.errors if name not in STANDARD_ERRORS]


def key_type(chart: Chart) -> Type:
    """The type of a keyed chart's key."""
    return next(event.fields[chart.keyed_by or ""].type for event in chart.events.values())
