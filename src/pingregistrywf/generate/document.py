"""chart.json: the total table with rules, prose, types and wire numbers, as one document.

Every tool but the reader works from this document: diagrams of others, the explorer, the suite,
other teams.  ``sha256`` hashes it in canonical form (sorted keys, no white space, UTF-8) without
prose and without itself, so that a corrected typo breaks nobody.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.table import DELETED, Arguments, Cell, Outcome, Table
from pingregistrywf.chart.vocabulary import Constant, Snapshot, Type, Wire

FORMAT: Final = "pingregistrywf-chart/1"
PROSE: Final = frozenset({"doc", "option_doc", "title", "reason"})
"""The fields of a part that hold prose."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StateDocument(_Part):
    """A state."""

    name: str
    """Its name."""
    code: int
    """Its number."""
    initial: bool
    """True for the state that every history (or entry) begins in."""
    doc: str
    """Prose."""


class FieldDocument(_Part):
    """A named, typed value."""

    name: str
    """Its name."""
    type: Type
    """Its type."""
    doc: str
    """Prose."""


class ArgumentDocument(FieldDocument):
    """An argument of a command."""

    nonzero: bool
    """True if zero, an empty text, false or a nil id is no valid argument."""


class EventFieldDocument(ArgumentDocument):
    """A field of an event."""

    wire: int
    """Its protobuf field number."""
    required: bool
    """True if bytes without it are malformed."""


class RecordDocument(_Part):
    """Several values carried as one, beside event_id, the id of the event that set them."""

    name: str
    """Its name."""
    fields: list[FieldDocument]
    """Its fields."""
    doc: str
    """Prose."""


class CarriedDocument(_Part):
    """A value that events carry into the state, or into an entry of a keyed chart."""

    name: str
    """Its name."""
    kind: Literal["value", "record", "list"]
    """A single value, a single record, or a list of records."""
    type: Type | None
    """The type of a single value."""
    record: str | None
    """The record."""
    doc: str
    """Prose."""


class EventDocument(_Part):
    """An event."""

    name: str
    """Its name."""
    wire_name: str
    """The name of its enum value."""
    number: int
    """The number of its enum value."""
    to: str
    """The state that it leads to."""
    when: dict[str, Literal["zero", "nonzero"]]
    """What tells it from the events of the same number."""
    fields: list[EventFieldDocument]
    """Its fields, beside id and parent."""
    other_forms: dict[str, int]
    """The field numbers of ids of its number's other forms, checked for their length only."""
    set: dict[str, str | dict[str, str]]
    """The carried values that it sets, and from which fields."""
    append: dict[str, dict[str, str]]
    """The carried lists that it appends to, and from which fields."""
    doc: str
    """Prose."""


class RuleDocument(_Part):
    """A rule of a command."""

    id: str
    """COMMAND.N, the command's Nth rule."""
    states: list[str]
    """The states that it holds in."""
    doc: str
    """Prose."""


class CommandDocument(_Part):
    """A command."""

    name: str
    """Its name."""
    method: str
    """The name of the generated method."""
    starts: bool
    """True if it begins a history: it takes no vid."""
    args: list[ArgumentDocument]
    """Its arguments."""
    rules: list[RuleDocument]
    """Its rules."""
    doc: str
    """Prose."""


class ErrorDocument(_Part):
    """An error of the chart's own, or one of every chart's with its prose."""

    name: str
    """Its name."""
    fields: list[FieldDocument]
    """Its fields."""
    doc: str
    """Prose."""


class CellDocument(_Part):
    """What a command does in a state."""

    outcome: Outcome
    """emit, noop, reject or delete."""
    target: str
    """The state after it."""
    rule: str
    """Where it comes from: a rule's id, otherwise, or Deleted (the journal's own rule)."""
    event: str | None
    """The event emitted."""
    error: str | None
    """The error answered."""
    sources: dict[str, str | Constant]
    """Where the fields of the event or error come from: an argument, or a constant."""
    compared: list[str]
    """The arguments that decide between same and other here, in the order in which they do."""
    reason: str
    """Why a noop is one."""


class RowDocument(_Part):
    """What a command does in every state."""

    command: str
    """The command."""
    arguments: Arguments
    """any; or same or other than those carried."""
    compared: list[str]
    """The arguments that same and other are about."""
    cells: dict[str, CellDocument]
    """The cells, by state."""


class ChartDocument(_Part):
    """A chart, expanded: what every tool but its reader works from."""

    format: Literal["pingregistrywf-chart/1"]
    """The format of this document."""
    name: str
    """The chart's name."""
    version: str
    """Its semantic version."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """The hash of this document in canonical form, without prose and without this field."""
    title: str
    """Its name for people."""
    keyed_by: str | None
    """For a chart of which one history holds many entries: the name of an entry's key."""
    wire: Wire
    """How events look as protobuf."""
    states: list[StateDocument]
    """The states, by code."""
    records: list[RecordDocument]
    """The records."""
    carried: list[CarriedDocument]
    """What events carry."""
    events: list[EventDocument]
    """The events."""
    commands: list[CommandDocument]
    """The commands."""
    errors: list[ErrorDocument]
    """The errors that rules name."""
    columns: list[str]
    """The table's columns: the states, and Deleted if a history can be."""
    table: list[RowDocument]
    """The total table."""
    snapshot: Snapshot | None
    """How a keyed chart's map is rewritten."""
    doc: str
    """Prose."""


def document(table: Table) -> ChartDocument:
    """The document of a chart."""
    chart = table.chart
    content: dict[str, Any] = {
        "format": FORMAT,
        "name": chart.chart,
        "version": chart.version,
        "title": chart.title,
        "keyed_by": chart.keyed_by,
        "wire": chart.wire,
        "states": [
            {"name": name, **chart.states[name].model_dump()}
            for name in table.states
            if name != DELETED
        ],
        "records": [
            {"name": name, "fields": _named(record.fields), "doc": record.doc}
            for name, record in chart.records.items()
        ],
        "carried": [
            {
                "name": name,
                "kind": "value" if each.type else "record" if each.record else "list",
                "type": each.type,
                "record": each.record or each.list,
                "doc": each.doc,
            }
            for name, each in chart.carried.items()
        ],
        "events": [
            {
                "name": name,
                "wire_name": event.wire.name,
                "number": event.wire.number,
                "fields": _named(event.fields),
                "other_forms": {other: form.wire for other, form in event.other_forms.items()},
                **event.model_dump(include={"to", "when", "set", "append", "doc"}),
            }
            for name, event in chart.events.items()
        ],
        "commands": [
            {
                "name": name,
                "method": snake(name),
                "starts": chart.starts(name),
                "args": _named(command.args),
                "rules": [
                    {"id": f"{name}.{number}", "states": rule.states, "doc": rule.doc}
                    for number, rule in enumerate(command.rules, start=1)
                ],
                "doc": command.doc,
            }
            for name, command in chart.commands.items()
        ],
        "errors": [
            {"name": name, "fields": _named(error.fields), "doc": error.doc}
            for name, error in chart.errors.items()
        ],
        "columns": list(table.states),
        "table": [
            {
                "command": command,
                "arguments": arguments,
                "compared": _compared(table, (command, arguments)),
                "cells": {
                    state: _cell(table.cells[(command, arguments), state]) for state in table.states
                },
            }
            for command, arguments in table.rows
        ],
        "snapshot": chart.snapshot,
        "doc": chart.doc,
    }
    unhashed = ChartDocument(sha256="0" * 64, **content)
    return unhashed.model_copy(update={"sha256": _sha256(unhashed)})


def document_text(made: ChartDocument) -> str:
    """chart.json as text."""
    return json.dumps(made.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def document_schema() -> dict[str, Any]:
    """The JSON Schema of chart.json."""
    schema = ChartDocument.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _sha256(made: ChartDocument) -> str:
    content = _without_prose(made)
    content.pop("sha256")
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_prose(value: Any) -> Any:
    # Only a part's own prose: a field of an event that is named "title" is no prose.
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.keys() - PROSE
        return {name: _without_prose(getattr(value, name)) for name in fields}
    if isinstance(value, dict):
        return {str(key): _without_prose(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_prose(each) for each in value]
    return value


def _named(parts: Any) -> list[dict[str, Any]]:
    return [{"name": name, **part.model_dump()} for name, part in parts.items()]


def _compared(table: Table, row: tuple[str, Arguments]) -> list[str]:
    return sorted({name for state in table.states for name in table.cells[row, state].compared})


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "outcome": cell.outcome,
        "target": cell.target,
        "rule": cell.rule,
        "event": cell.event,
        "error": cell.error,
        "sources": dict(cell.sources or {}),
        "compared": list(cell.compared),
        "reason": cell.reason,
    }
