"""The lowered chart: what a chart means, with nothing left to work out.

A chart in ``model/`` is written for people.  ``chart.lower`` turns it into these values, and every
generator, the conformance suite, the explorer and other teams' tools read nothing else: every
default is filled in, every field of an event and of an error has its source, the table has a cell
for every command in every state, and a snapshot is a command with events of its own.

``chart.json`` is a ``Chart`` as JSON, ``operations.json`` an ``Operations``; their JSON Schemas are
made from these classes.

Prose (``doc``, ``title``, ``reason``) stands beside the meaning and is no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from pingregistrywf.chart.invariant import Invariant
from pingregistrywf.chart.layout import Layout
from pingregistrywf.chart.parts import (
    CommandOnHistory,
    Constant,
    Daemons,
    Incarnation,
    Limit,
    Part,
    Saving,
    VidOfStep,
    Wire,
)
from pingregistrywf.chart.service import Service
from pingregistrywf.chart.spelling import Scalar
from pingregistrywf.chart.system import Properties, System
from pingregistrywf.chart.types import Type

DELETED: Final = "Deleted"
"""The column of a history that was deleted; also the rule of the cells that the journal decides."""
OTHERWISE: Final = "otherwise"
"""The rule of the cells that no rule of the chart names."""
CONFLICT: Final = "StateConflictError"
NOT_IDEMPOTENT: Final = "ArgumentNotIdempotentError"
HISTORY_DELETED: Final = "HistoryDeletedError"
STANDARD_ERRORS: Final = (NOT_IDEMPOTENT, CONFLICT)
"""The errors that rules of every chart may name, without fields of the chart's own."""


class Named(Part):
    """Base of every part that has a name, and prose for people."""

    name: str
    doc: str


# --- Values ---------------------------------------------------------------------------------------


class Value(Named):
    """A named, typed value: a field of a record or of an error, or the key of a keyed chart."""

    type: Type


class Argument(Value):
    """An argument of a command or of an operation."""

    nonzero: bool = False
    """True if zero, an empty text, false or a nil id is not a valid argument."""


class WireValue(Part):
    """A value with its place on the wire."""

    name: str
    type: Type
    wire: int
    """The protobuf field number."""


class EventField(Argument, WireValue):
    """A field of an event."""

    required: bool
    """True if bytes without the field are malformed."""
    default: Scalar | None = None
    """The value where the field is absent; null for zero, empty or nil.

    A field that has a default is written whatever its value is."""


class FromArgument(Part):
    """A value that is taken from an argument."""

    argument: str


Guard: TypeAlias = Literal["same"]
"""How a rule judges arguments: ``same`` asks whether each is the carried value of its name."""
Source: TypeAlias = FromArgument | Constant
StepSource: TypeAlias = Source | VidOfStep


# --- States, and what they carry ------------------------------------------------------------------


class State(Named):
    """A state."""

    code: int
    initial: bool
    """True for the state in which every history (or entry) begins."""


class Record(Named):
    """Several values carried as one, beside ``event_id``, the id of the event that set them."""

    fields: dict[str, Value]


class Carried(Named):
    """A value that events carry into the state, or into an entry of a keyed chart."""

    kind: Literal["value", "record", "list"]
    """A single value, a single record, or a list of records."""
    type: Type | None
    """The type of a single value."""
    record: str | None
    """The record, for a record and for a list."""
    attribute: str
    """The name in generated Python."""
    count: str | None
    """For a list: the name in generated Python of its length."""


# --- Events ---------------------------------------------------------------------------------------


class Carry(Part):
    """How an event enters what is carried."""

    carried: str
    operation: Literal["set", "append"]
    """Set the value, or append to the list."""
    field: str | None = None
    """The field that gives a single value; null for a record."""
    sources: dict[str, str] | None = None
    """For a record: the field of the event that gives each of its fields; null for a value."""


class Choice(Part):
    """One state that a listed entry may have."""

    state: str
    carried: str | None
    """The carried value that must be set for it; null holds always."""


class Listing(Part):
    """The field of an event that lists every entry of a keyed chart."""

    name: str
    """The field's name, in the event and in the message that holds the entries."""
    field: str
    """The name of the event message's field that holds that message."""
    wire: int
    """The protobuf field number of that field."""
    message: str
    """The name of that message."""
    entries_wire: int
    """The protobuf field number, in that message, of the repeated field of entries."""
    entry_message: str
    """The name of the message of one entry."""
    fields: dict[str, WireValue]
    """The key and the carried values in an entry.  A carried value that is zero is left out."""
    states: list[Choice]
    """The state of an entry: the first whose carried value is set."""


class Event(Named):
    """An event."""

    wire_name: str
    """The name of its enum value."""
    number: int
    """The number of its enum value."""
    to: str | None = None
    """The state that the event leads to; null for the events of a rewrite."""
    when: dict[str, Literal["zero", "nonzero"]] = {}
    """What tells it from other events of the same number."""
    fields: dict[str, EventField] = {}
    """The event's fields, beside id and parent."""
    listing: Listing | None = None
    """The field that lists every entry, in the events of a rewrite that do so."""
    other_forms: dict[str, WireValue] = {}
    """The ids of its number's other forms, which are checked for their length only."""
    carries: list[Carry] = []
    """How the event enters what is carried."""
    retired_in: list[str] = []
    """The states in which no command emits the event any more, and replay still accepts it."""
    rewrite: Literal["begin", "list", "end"] | None = None
    """The event's part in a rewrite of the whole history, if it has one."""


# --- Commands, and what each does in each state ---------------------------------------------------


class Rule(Part):
    """A rule of a command."""

    id: str
    """``COMMAND.N``, the command's Nth rule."""
    states: list[str]
    """The states in which the rule holds."""
    doc: str


class Rewrite(Part):
    """How a command rewrites a keyed chart's history as one group of events.

    It does nothing right after another rewrite and on an empty history.  It is refused above the
    limit and, if its option asks for it, when it does not save storage.  Otherwise it appends
    ``begin``, then ``list`` unless nothing is listed, then ``end``.  A reader may start at
    ``begin``.
    """

    option: str
    """The argument that asks to rewrite only if that saves storage."""
    begin: str
    """The first event."""
    list: str
    """The event that lists the entries."""
    end: str
    """The last event."""
    order_by: str
    """The carried value by which entries are listed; the key decides between equal ones."""
    limit: Limit
    saving: Saving


class Command(Named):
    """A command."""

    method: str
    """The name of the generated method."""
    starts: bool = False
    """True if it begins a history: it takes no vid."""
    deletes: bool = False
    """True if it may delete the history."""
    arguments: dict[str, Argument]
    """The arguments, in the order of the generated method."""
    guard: Guard | None = None
    """How rules judge arguments; null if no rule does."""
    compared: list[str] = []
    """The arguments that some rule judges."""
    rules: list[Rule]
    rewrite: Rewrite | None = None
    """How it rewrites the history, if it does.  Such a command is about no single entry."""


class Error(Named):
    """An error that the table names."""

    own: bool
    """True if it is the chart's own; false for the two that every chart has."""
    fields: dict[str, Value]


class Arguments(StrEnum):
    """The arguments that a cell is about."""

    ANY = "any"
    SAME = "same"
    """Those for which the guard holds."""
    OTHER = "other"
    """Those for which it does not."""


class Outcome(StrEnum):
    """What a command does in a state."""

    EMIT = "emit"
    NOOP = "noop"
    REJECT = "reject"
    DELETE = "delete"
    REWRITE = "rewrite"


Row: TypeAlias = tuple[str, Arguments]
"""A row of the table: a command, and the arguments that it is about."""


class Cell(Part):
    """What a command does in a state."""

    command: str
    arguments: Arguments
    """Any; or those for which the command's guard holds (same), or does not (other)."""
    state: str
    """The state, or Deleted."""
    outcome: Outcome
    target: str
    """The state after it; of a rewrite, every entry keeps its state."""
    rule: str
    """Where it comes from: a rule's id, ``otherwise``, or ``Deleted`` (the journal's own rule)."""
    event: str | None = None
    error: str | None = None
    sources: dict[str, Source] = {}
    """Where each field of the event or of the error comes from."""
    guard: Guard | None = None
    """How arguments decide here between same and other; null if they do not."""
    compared: list[str] = []
    """The arguments that decide, in the order in which they do."""
    reason: str = ""
    """Why a noop is one."""

    @property
    def row(self) -> Row:
        """The row that the cell stands in."""
        return (self.command, self.arguments)


class Chart(Part):
    """A lowered chart."""

    format: Literal["pingregistrywf-chart/2"] = "pingregistrywf-chart/2"
    name: str
    version: str
    """The chart's semantic version."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The hash of the chart's meaning: it changes with neither prose nor the document's shape."""
    title: str
    """The chart's name for people."""
    facade: str
    """The name of the generated class that runs the commands on a journal."""
    key: Value | None
    """For a chart of which one history holds many entries: what names an entry."""
    wire: Wire
    initial: str
    """The state in which every history (or entry) begins."""
    states: dict[str, State]
    """The states, by code."""
    records: dict[str, Record]
    carried: dict[str, Carried]
    """What events carry into the state."""
    events: dict[str, Event]
    commands: dict[str, Command]
    errors: dict[str, Error]
    otherwise: str
    """The error where no rule holds."""
    columns: list[str]
    """The table's columns: the states, and Deleted if a history can be deleted."""
    table: list[Cell]
    """The total table: a cell for every row and column."""
    was: str | None = None
    """The chart's name in an earlier version, if that was another one."""
    renamed: dict[str, str] = {}
    """The earlier names of parts, by their paths in this document, as in ``events.Approved``."""
    doc: str
    layout: Layout | None = None
    """Where the parts of the diagram are; null where it was not laid out."""

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the table, in the chart's order."""
        return tuple(dict.fromkeys(cell.row for cell in self.table))

    @cached_property
    def cells(self) -> Mapping[tuple[Row, str], Cell]:
        """Every cell, by row and state."""
        return {(cell.row, cell.state): cell for cell in self.table}

    def cell(self, command: str, state: str, *, same: bool = True) -> Cell:
        """The cell of a command in a state, with the same arguments as carried or with others."""
        variant = Arguments.SAME if same else Arguments.OTHER
        variant = variant if self.commands[command].compared else Arguments.ANY
        return self.cells[(command, variant), state]

    @cached_property
    def stepping(self) -> Mapping[str, Command]:
        """The commands that are about one state: all but those that rewrite the whole history."""
        return {name: each for name, each in self.commands.items() if each.rewrite is None}

    @cached_property
    def rewriting(self) -> Command | None:
        """The command that rewrites the history, if there is one."""
        return next((each for each in self.commands.values() if each.rewrite), None)

    @property
    def deletes(self) -> bool:
        """True if a history can be deleted."""
        return DELETED in self.columns

    @cached_property
    def own_errors(self) -> Mapping[str, Error]:
        """The errors that only this chart has."""
        return {name: error for name, error in self.errors.items() if error.own}

    def moves(self) -> Iterator[Cell]:
        """The cells that emit or delete, once for each command, state and event."""
        moves = [cell for cell in self.table if cell.outcome in (Outcome.EMIT, Outcome.DELETE)]
        return iter({(cell.command, cell.state, cell.event): cell for cell in moves}.values())

    def prose(self, rule: str) -> str:
        """What a rule says, in prose; empty for ``otherwise``."""
        if rule == DELETED:
            return "The id of a deleted history is not free yet."
        rules = (rule for command in self.commands.values() for rule in command.rules)
        return next((each.doc for each in rules if each.id == rule), "")


# --- Operations -----------------------------------------------------------------------------------


class DerivedId(Part):
    """An id that follows from a name: UUID version 5 of a prefix and the name."""

    name: str
    """The input that is the name."""
    namespace: str
    """The namespace, a UUID as text."""
    prefix: str
    """The text before the name."""


class OperationArgument(Argument):
    """An argument of an operation, and where it comes from."""

    input: str | None = None
    """The input that gives it as it is; null if it is derived."""
    derived: DerivedId | None = None
    """How it follows from a name, if it does."""


class Step(CommandOnHistory):
    """A step of an operation: one command on one history."""

    sources: dict[str, StepSource]
    """Where each argument of the command comes from."""
    starts: bool
    """True if the command begins the history, and so takes no vid."""
    incarnation: bool
    """True if it sees only the incarnation that the operation is about, as the first step on each
    history does.  A later step says by its vid which one it means."""
    doc: str


class Own(Part):
    """A carried value that must be the id which follows from the name given."""

    carried: str
    """The carried value."""
    derived: DerivedId
    """How the id follows from a name."""


class Again(Part):
    """When an earlier run has done all the work of an operation that the chart refuses.

    The operation then succeeds, writes nothing, and answers the current vids.  A refusal other than
    StateConflictError stands, and so does one when the first step expects the caller's vid.
    """

    chart: str
    """The chart of the history."""
    history: str
    """The operation's argument that names the history of which the earlier run made what it is."""
    states: list[str]
    """The states of that history in which nothing is left to be done; empty if ``listed`` says."""
    listed: Incarnation | None
    """Where that history is listed if nothing is left to be done; null if ``states`` says."""
    own: Own | None
    """What that history must carry; null if that does not matter."""


class Operation(Named):
    """Several commands that belong together, on one or several histories."""

    inputs: list[str]
    """What somebody outside gives: names, and arguments that are given as they are."""
    versioned: bool
    """True if a vid may be given, too."""
    arguments: dict[str, OperationArgument]
    about: Incarnation | None
    """The one history that it is about, among those that have the same id in turn."""
    steps: list[Step]
    again: Again | None = None
    """When an earlier run has done all its work, although the chart refuses a step."""


class Name(Named):
    """An input that is a name, from which ids follow."""

    pattern: str
    """The regular expression that the whole of a name matches."""


class Trial(Part):
    """How the conformance suite runs an operation."""

    operation: str
    after: list[str]
    """The operations and commands that come before it."""
    then: list[str]
    """The operations and commands that come after it."""


class Operations(Part):
    """A lowered file of operations."""

    format: Literal["pingregistrywf-operations/1"] = "pingregistrywf-operations/1"
    name: str
    """The name of this set of operations, and that of the generated package."""
    title: str
    """Its name for people."""
    charts: list[str]
    """The charts whose commands the steps are."""
    names: dict[str, Name]
    """The inputs that are names."""
    operations: dict[str, Operation]
    trials: list[Trial] | None
    """How the conformance suite runs the operations; null lets it find the ways by itself."""
    daemons: Daemons | None = None
    """What servers, gatherers and collectors do at a given time; null if that is not declared."""
    doc: str


# --- Together -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Model:
    """Charts, operations, services and systems that belong together, lowered, by name, in the order
    of their files."""

    charts: Mapping[str, Chart]
    operations: Mapping[str, Operations]
    services: Mapping[str, Service]
    systems: Mapping[str, System]
    properties: Mapping[str, Properties]
    """The properties of each system that has some, by the system's name."""
    invariants: Mapping[str, Invariant]
    """The inductive invariant of each system that has one, by the system's name."""
    source: Mapping[str, Any]
    """The charts as they were written, for ``chart.machine`` alone."""

    @property
    def main(self) -> Chart:
        """The chart under test: the first that is not keyed, or the first if all are."""
        charts = list(self.charts.values())
        return next((each for each in charts if each.key is None), charts[0])


def to_json(document: Chart | Operations | Service) -> str:
    """The text of ``chart.json``, ``operations.json`` or ``service.json``."""
    written = document.model_dump(mode="json", by_alias=True)
    return json.dumps(written, indent=2, ensure_ascii=False) + "\n"


def json_schema(document: type[Chart | Operations]) -> dict[str, Any]:
    """The JSON Schema of such a document."""
    schema = document.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
