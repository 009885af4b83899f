"""The language of charts and operations: a closed vocabulary without expressions or code.

Every key that a file in ``model/`` may use is a field here, and nothing else is.  The JSON Schemas
beside the models are made from these classes, and so is the reference of the language.  What no
class can see alone, such as names that must exist and numbers that are used twice, is checked by
``chart.checks``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import BeforeValidator, Field, StrictBool, Tag
from pydantic_core import PydanticCustomError

from pingregistrywf.chart import parts
from pingregistrywf.chart.parts import Constant, Incarnation, Limit, Saving, VidOfStep, Wire, Word
from pingregistrywf.chart.spelling import (
    EnumNumber,
    ErrorName,
    FieldNumber,
    PascalName,
    Prose,
    Scalar,
    SnakeName,
    StateNumber,
    UpperName,
    UuidText,
    Version,
    by_shape,
)
from pingregistrywf.chart.types import Type

EarlierName: TypeAlias = Annotated[
    str | None,
    Field(
        min_length=1,
        description="The name in an earlier version of the chart, if that was another one.",
    ),
]


class Renamable(Protocol):
    """A part of a chart that may have had another name."""

    @property
    def was(self) -> str | None:
        """The name in an earlier version."""


class State(Word):
    """A state of the chart."""

    code: StateNumber
    """The state's number, used once."""
    initial: StrictBool = False
    """True for the one state in which every history (or entry) begins."""
    was: EarlierName = None
    doc: Prose


class EventWire(Word):
    """An event's name and number on the wire."""

    name: UpperName
    """The enum value's name."""
    number: EnumNumber
    """The enum value's number.  Events may share it if ``when`` tells them apart."""


class PlainField(Word):
    """A field of a record or of an error."""

    type: Type
    """The type: int32, string, uuid, ulid or bool."""
    doc: Prose


class EventField(PlainField):
    """A field of an event."""

    wire: FieldNumber
    """The protobuf field number; fields of one name share one number and type."""
    nonzero: StrictBool = False
    """True if replay refuses the event when the field is zero, empty or nil."""
    required: StrictBool = False
    """True if bytes without the field are malformed (ids only; else a missing id reads as nil)."""
    default: Scalar | None = None
    """For a field that was added later: its value in older events, whose bytes lack it.

    A field with a default is always written, also when it is zero."""
    was: EarlierName = None


class OtherFormField(Word):
    """A field that the event's wire number has in another chart's form of it."""

    type: Literal[Type.UUID, Type.ULID]
    """uuid or ulid."""
    wire: FieldNumber
    """The protobuf field number."""
    doc: Prose


Sign: TypeAlias = Literal["zero", "nonzero"]
"""What tells events of one wire number apart: whether an int32 field is zero."""

FieldSource: TypeAlias = SnakeName
RecordSources: TypeAlias = dict[SnakeName, FieldSource]
CarriedSource: TypeAlias = Annotated[
    Annotated[FieldSource, Tag("[name]")] | Annotated[RecordSources, Tag("[mapping]")],
    by_shape("a name, or {FIELD OF THE RECORD: FIELD OF THE EVENT}"),
]


class Event(Word):
    """An event: what happened, and the one state that it leads to."""

    wire: EventWire
    """The event's name and number on the wire."""
    to: PascalName
    """The state that the event leads to."""
    fields: dict[SnakeName, EventField] = {}
    """The event's fields, beside its id and parent."""
    when: dict[SnakeName, Sign] = {}
    """For events that share a wire number: the int32 field that tells them apart, and how."""
    other_forms: dict[SnakeName, OtherFormField] = {}
    """Ids that other charts' forms of the same wire number carry: checked for length, not kept."""
    set: dict[SnakeName, CarriedSource] = {}
    """Carried values that the event sets: from a field, or a record from several."""
    append: dict[SnakeName, RecordSources] = {}
    """Carried lists that the event appends a record to."""
    was: EarlierName = None
    doc: Prose


class Argument(PlainField):
    """An argument of a command or of an operation."""

    nonzero: StrictBool = False
    """True if zero, an empty text or a nil id is not a valid argument."""


class CommandArgument(Argument):
    """An argument of a command."""

    was: EarlierName = None


ArgumentSource: TypeAlias = Annotated[
    Annotated[SnakeName, Tag("[name]")] | Annotated[Constant, Tag("[mapping]")],
    by_shape("the name of an argument, or {constant: …}"),
]
Sources: TypeAlias = dict[SnakeName, ArgumentSource]


def _name_alone(value: Any) -> Any:
    """A name alone, read as that name without sources."""
    if isinstance(value, str):
        return {value: {}}
    if not isinstance(value, dict):
        raise PydanticCustomError("wanted", "a name, or {NAME: {FIELD: SOURCE}}")
    if len(value) != 1:
        raise ValueError(f"it names {len(value)}: write exactly one name")
    return value


def _one(name: Any) -> BeforeValidator:
    """Allows a name alone where a mapping from one name to sources is expected."""
    mapping = Annotated[dict[name, Sources], Field(min_length=1, max_length=1)]
    return BeforeValidator(_name_alone, json_schema_input_type=name | mapping)


Emission: TypeAlias = Annotated[dict[PascalName, Sources], _one(PascalName)]
Refusal: TypeAlias = Annotated[dict[ErrorName, Sources], _one(ErrorName)]


def _only_true(value: Any) -> Any:
    if value is not True:
        raise PydanticCustomError("wanted", "true")
    return value


class Rule(Word):
    """The states that a rule holds in, and its one outcome.

    The outcome is one of ``emit``, ``noop``, ``same`` (with ``noop`` and ``else``), ``error`` and
    ``delete``.
    """

    states: list[PascalName] = Field(alias="in", min_length=1)
    """The states in which the rule holds."""
    emit: Emission | None = None
    """Append an event: its name, or its name with where its fields come from.

    A field that is not named takes the argument of the same name."""
    noop: str | None = Field(default=None, min_length=1)
    """Succeed and append nothing; the reason, for people."""
    same: list[SnakeName] = Field(default=[], min_length=1)
    """With ``noop`` and ``else``: a noop if these arguments are those carried, else the error."""
    otherwise: ErrorName | None = Field(default=None, alias="else")
    """With ``same``: the error for other arguments."""
    error: Refusal | None = None
    """Reject with an error: its name, or its name with where its fields come from."""
    delete: Annotated[Literal[True], BeforeValidator(_only_true)] | None = None
    """Delete the history."""
    retired: StrictBool = False
    """With ``emit``: true for a rule that held in an earlier version of the chart.

    Commands are answered as if the rule were not there.  Replay still accepts the event in these
    states, because stored histories may have it there; another rule may hold in them now."""
    doc: Prose

    @property
    def guard(self) -> tuple[Literal["same"], list[str]] | None:
        """How the rule judges which arguments, if it does."""
        return ("same", self.same) if self.same else None


class Command(Word):
    """A command: what somebody asks for.  Where no rule holds, ``otherwise`` of the chart does."""

    args: dict[SnakeName, CommandArgument] = {}
    """The arguments, in the order of the generated method."""
    rules: list[Rule] = Field(min_length=1)
    """What the command does, and where."""
    was: EarlierName = None
    doc: Prose


class Record(Word):
    """Several values carried as one, and ``event_id``, the id of the event that set them."""

    fields: dict[SnakeName, PlainField] = Field(min_length=1)
    """The record's fields."""
    was: EarlierName = None
    doc: Prose


class Carried(Word):
    """A value that events carry into the state: of one type, one record, or a list of records."""

    type: Type | None = None
    """A single value of this type; zero, empty or nil until an event sets it."""
    record: PascalName | None = None
    """A single record; empty (its event_id the epoch) until an event sets it."""
    list: PascalName | None = None
    """A list of records, in the order of their events."""
    attribute: SnakeName | None = None
    """The name in the generated Python, where it differs."""
    count: SnakeName | None = None
    """For a list: the name of a property that gives its length."""
    was: EarlierName = None
    doc: Prose


class Error(Word):
    """An error that the chart's rules name."""

    fields: dict[SnakeName, PlainField] = {}
    """The error's fields.  Each takes the argument of its name, unless a rule names another."""
    was: EarlierName = None
    doc: Prose


class SnapshotCommand(Word):
    """The command that asks for a snapshot."""

    name: PascalName = "Snapshot"
    """The command's name."""
    option: SnakeName = "if_storage_reduction"
    """The name of its one argument: true to snapshot only if that saves storage."""
    option_doc: Prose
    doc: Prose


class SnapshotMessage(Word):
    """The field that holds a snapshot's entries, and the shape of an entry."""

    field: SnakeName
    """The field's name in the event's message."""
    wire: FieldNumber
    """Its field number."""
    message: PascalName
    """The name of its message."""
    entries: SnakeName
    """The name, in that message, of the repeated field of entries."""
    entries_wire: FieldNumber
    """Its field number."""
    entries_message: PascalName
    """The name of the message of one entry."""
    fields: dict[SnakeName, FieldNumber]
    """The field numbers of the key and of the carried values in an entry."""


class Snapshot(Word):
    """How a keyed chart's map is rewritten as one group of events that replay may start at.

    The events are named SnapshotBegin, SnapshotState (left out when nothing is listed) and
    SnapshotEnd.
    """

    command: SnapshotCommand = SnapshotCommand(option_doc="", doc="")
    """The command that asks for it."""
    begin: EventWire
    """The wire name and number of SnapshotBegin."""
    state: EventWire
    """The wire name and number of SnapshotState."""
    end: EventWire
    """The wire name and number of SnapshotEnd."""
    message: SnapshotMessage
    """The payload of SnapshotState."""
    order_by: SnakeName
    """The carried value by which the entries are sorted."""
    states: dict[PascalName, SnakeName | None] = Field(min_length=1)
    """An entry's state: the first whose carried value is set; null holds always."""
    limit: Limit
    """The most entries."""
    saving: Saving
    """When it saves storage."""
    doc: Prose


class Chart(Word):
    """A chart: states, the events that lead to them, and the commands that emit those."""

    chart: SnakeName
    """The chart's name, and that of the generated package."""
    version: Version
    """The chart's semantic version, as text."""
    title: str = Field(min_length=1)
    """The chart's name for people."""
    was: EarlierName = None
    facade: PascalName = "Workflows"
    """The name of the generated class that runs the commands on a journal."""
    keyed_by: SnakeName | None = None
    """For a chart of which one history holds many entries: the argument and event field that names
    the entry.  The state is then a map from key to entry, and each entry follows the chart."""
    wire: Wire = Wire()
    """How events look as protobuf."""
    states: dict[PascalName, State] = Field(min_length=1)
    """The states."""
    records: dict[PascalName, Record] = {}
    """Several values carried as one."""
    carried: dict[SnakeName, Carried] = {}
    """The values that events carry into the state (or into the entry of a keyed chart)."""
    events: dict[PascalName, Event] = Field(min_length=1)
    """The events."""
    commands: dict[PascalName, Command] = Field(min_length=1)
    """The commands."""
    errors: dict[ErrorName, Error] = {}
    """The errors that rules name.  StateConflictError and ArgumentNotIdempotentError exist in every
    chart and need be listed only for their prose."""
    otherwise: ErrorName = "StateConflictError"
    """The error for every pair of state and command that no rule names."""
    snapshot: Snapshot | None = None
    """For a keyed chart: how its map is rewritten as events that replay may start at."""
    doc: Prose

    @property
    def initial(self) -> str:
        """The initial state: the first, or an empty text, in a chart that has mistakes."""
        return next((name for name, state in self.states.items() if state.initial), "")

    @property
    def rules(self) -> Iterator[Rule]:
        """Every rule of every command."""
        return (rule for command in self.commands.values() for rule in command.rules)

    @property
    def named_errors(self) -> list[str]:
        """The errors that ``otherwise`` and rules name."""
        names = [self.otherwise]
        for rule in self.rules:
            names += [*(rule.error or ()), *([rule.otherwise] if rule.otherwise else ())]
        return names

    @property
    def deletes(self) -> bool:
        """True if a rule deletes the history."""
        return any(rule.delete for rule in self.rules)

    def starts(self, command: str) -> bool:
        """True if the command begins a history: it emits in the initial state, not of an entry."""
        return self.keyed_by is None and any(
            rule.emit and self.initial in rule.states for rule in self.commands[command].rules
        )


def renamable(chart: Chart) -> Iterator[tuple[tuple[str, ...], Renamable]]:
    """The parts of a chart that may have had another name, each with its path in the file."""
    for kind in ("states", "records", "carried", "events", "commands", "errors"):
        parts: dict[str, Renamable] = getattr(chart, kind)
        for name, part in parts.items():
            yield (kind, name), part
            inner = {"events": "fields", "commands": "args"}.get(kind)
            for each, value in (getattr(part, inner) if inner else {}).items():
                yield (kind, name, str(inner), each), value


StepSource: TypeAlias = Annotated[
    Annotated[SnakeName, Tag("[name]")]
    | Annotated[VidOfStep, Tag("[step]")]
    | Annotated[Constant, Tag("[constant]")],
    by_shape("the name of an argument, or {step: …} or {constant: …}", "step", "constant"),
]


class Step(parts.CommandOnHistory):
    """One command of an operation: the smallest part that happens whole or not at all."""

    args: dict[SnakeName, StepSource] = {}
    """Where its arguments come from: an argument of the operation, a constant, or {step: N}, the
    vid after step N.  One that is not named takes the operation's argument of the same name."""
    doc: Prose


class Again(Word):
    """When an earlier run has done all the work of an operation that the chart refuses.

    The operation then succeeds, writes nothing, and answers the current vids.  A refusal other than
    StateConflictError stands, and so does one when the first step expects the caller's vid.
    """

    history: SnakeName
    """The operation's argument that names the history of which the earlier run made what it is."""
    states: list[PascalName] = Field(default=[], alias="in")
    """The states of that history in which nothing is left to be done."""
    listed: Incarnation | None = None
    """In place of ``in``: nothing is left to be done when that history is listed here."""
    own: SnakeName | None = None
    """The carried value of that history that must be the id which follows from the name given."""


class Operation(Word):
    """Several commands that belong together, on one or several histories."""

    args: dict[SnakeName, Argument] = {}
    """The arguments."""
    about: Incarnation | None = None
    """The one history that the operation is about, among those that have the same id in turn."""
    steps: list[Step] = Field(min_length=1)
    """The steps, in order."""
    again: Again | None = None
    """When an earlier run has done all its work, although the chart refuses a step."""
    doc: Prose


class Name(Word):
    """A name that somebody outside gives, and the ids that follow from it."""

    pattern: str = Field(default=".+", min_length=1)
    """The regular expression that the whole of a name must match."""
    namespace: UuidText
    """The namespace of the ids, which are UUIDs of version 5."""
    ids: dict[SnakeName, str] = Field(min_length=1)
    """The arguments of operations that follow from the name: each is the UUID, in the namespace, of
    this text with the name behind it."""
    doc: Prose


class Trial(Word):
    """How the conformance suite runs an operation: to its end, and interrupted after each step."""

    run: SnakeName
    """The operation."""
    after: list[str] = []
    """What is run before it, in order: operations of this file, and commands of the first chart
    that is not keyed."""
    then: list[str] = []
    """What is run after it, likewise."""


class Operations(Word):
    """A file of operations."""

    operations_of: SnakeName
    """The name of this set of operations, and that of the generated module."""
    title: str = Field(min_length=1)
    """Its name for people."""
    names: dict[SnakeName, Name] = {}
    """Names that somebody outside gives in place of ids."""
    inputs: dict[SnakeName, SnakeName] = {}
    """Arguments that have another name outside of this file, each with that name."""
    operations: dict[SnakeName, Operation] = Field(min_length=1)
    """The operations."""
    trials: list[Trial] | None = None
    """How the conformance suite runs the operations.  Unless given, it runs each of them, and finds
    by itself what must come before."""
    daemons: parts.Daemons | None = None
    """What servers, gatherers and collectors do at a given time, for the conformance suite."""
    doc: Prose
