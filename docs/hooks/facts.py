"""Markdown of what charts, operations and errors say."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any, Final
from uuid import UUID

from marked import code, grid, parts, plain

import pingregistrywf
from pingregistrywf import EPOCH, Ulid, WorkflowError
from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.table import DELETED, OTHERWISE, Arguments, Cell, Outcome, Table
from pingregistrywf.chart.vocabulary import Argument, Event, Operation, Rule, Snapshot, Type
from pingregistrywf.generate.artefacts import FORMATS

USES: Final = {
    "svg": "to look at: follows the reader's light or dark scheme, with titles for screen readers",
    "mmd": "Mermaid, for Markdown where it is drawn",
    "puml": "PlantUML",
    "dot": "Graphviz, to lay it out anew",
    "scxml": "SCXML, to run: python-statemachine loads it, as other engines do",
    "xstate.json": "an XState machine, to run in JavaScript: `createMachine` takes it as it is",
}
"""What each format of ``FORMATS`` is for."""

EXAMPLES: Final[dict[str, Any]] = {
    "int32": 1,
    "string": "disk full",
    "bool": True,
    "uuid": UUID("11111111-2222-4333-8444-555555555555"),
    "ulid": Ulid.parse("01HF7YAT00AAAAAAAAAAAAAAAA"),
}
"""A value of each type."""

WIDE: Final = 19
"""How many bytes stand in a line: an id with its tag and length."""

ID: Final = Ulid.parse("01HF7YAT01BBBBBBBBBBBBBBBB")
"""The id of the events that are encoded as examples; the parent of each is the epoch."""


def downloads(table: Table) -> str:
    """The files of a chart's diagram."""
    files = ((f"{table.chart.chart}.{suffix}", USES[suffix]) for suffix in FORMATS)
    return grid(
        ("file", "for"),
        ((f"[{file}](../generated/{file}){{download={file}}}", uses) for file, uses in files),
    )


def states(table: Table) -> str:
    """Each state: its code, its meaning, how it is reached and left."""
    return parts(*(_state(table, name) for name in table.states if name != DELETED))


def _state(table: Table, name: str) -> str:
    said = table.chart.states[name]
    initial = ", the initial state" if said.initial else ""
    reached = sorted({event for event, each in table.chart.events.items() if each.to == name})
    by = ", ".join(map(code, reached)) or "no event"
    cells = [table.cells[row, name] for row in table.rows]
    rows = ((_row(cell), _outcome(cell), _why(cell)) for cell in cells if _ruled(cell))
    return parts(
        f"### {name} {{#{_anchor(table, name)}}}",
        f"Code {said.code}{initial}. {plain(said.doc)}",
        f"Reached by {by}." if not said.initial or reached else "",
        grid(("command", "what it does", "why"), rows),
        f"Every other command is `{table.chart.otherwise}`.",
    )


def state_codes(table: Table) -> str:
    """The states in a table."""
    said = table.chart.states.items()
    return grid(
        ("state", "code", "meaning"), ((name, str(s.code), plain(s.doc)) for name, s in said)
    )


def event_numbers(table: Table) -> str:
    """The events in a table."""
    rows = [
        (event, f"{said.wire.name} {said.wire.number}", said.to, _payload(said))
        for event, said in table.chart.events.items()
    ]
    if snapshot := table.chart.snapshot:
        for part in ("begin", "state", "end"):
            wire = getattr(snapshot, part)
            told = "what is listed" if part == "state" else "nothing"
            name = f"Snapshot{part.capitalize()}"
            rows.append((name, f"{wire.name} {wire.number}", "as listed", told))
    return grid(("event", "on the wire", "leads to", "tells"), rows)


def _payload(event: Event) -> str:
    told = (f"{name} ({field.type.value})" for name, field in event.fields.items())
    return ", ".join(told) or "nothing"


def events(table: Table) -> str:
    """Each event: its number, its fields, who emits it, and an example in bytes."""
    made = [_event(table, name) for name in table.chart.events]
    if table.chart.snapshot:
        made += _snapshot_events(table, table.chart.snapshot)
    return parts(*made)


def _event(table: Table, name: str) -> str:
    chart = table.chart
    said = chart.events[name]
    emitters = sorted(
        {cell.command for cell in table.cells.values() if cell.event == name},
        key=list(chart.commands).index,
    )
    fields = (
        (
            code(field),
            each.type.value,
            str(each.wire),
            plain(each.doc) + (" Bytes without it are malformed." if each.required else ""),
        )
        for field, each in said.fields.items()
    )
    values = {field: EXAMPLES[each.type.value] for field, each in said.fields.items()}
    values |= {field: 0 for field, which in said.when.items() if which == "zero"}
    numbers = {each.wire: field for field, each in said.fields.items()}
    return parts(
        f"### {name} {{#{_anchor(table, name)}}}",
        f"{plain(said.doc)} Number {said.wire.number}, `{said.wire.name}`. Leads to {said.to}."
        f" Emitted by {', '.join(map(code, emitters))}.",
        grid(("field", "type", "number", "meaning"), fields),
        _example(table, name, values, numbers),
    )


def _snapshot_events(table: Table, snapshot: Snapshot) -> Iterator[str]:
    package = _package(table)
    keyed = package.DECLARATION.keyed
    told = keyed.snapshot
    entry = keyed.entry(
        **{package.DECLARATION.attribute(n): EXAMPLES[kind] for n, kind in told.values.items()},
        state_code=told.states[0][0],
    )
    for part in ("begin", "state", "end"):
        wire, name = getattr(snapshot, part), f"Snapshot{part.capitalize()}"
        values = {told.entries: (entry,)} if part == "state" else {}
        yield parts(
            f"### {name} {{#{_anchor(table, name)}}}",
            f"{plain(getattr(package, name).__doc__ or '')} Number {wire.number}, `{wire.name}`."
            f" Emitted by `{snapshot.command.name}`.",
            _example(table, name, values, {snapshot.message.wire: told.field}),
        )


def _example(table: Table, name: str, values: dict[str, Any], numbers: dict[int, str]) -> str:
    """An event in bytes, a line a field."""
    event = getattr(_package(table), name)(id=ID, parent=EPOCH, **values)
    wire = table.chart.wire
    names = {wire.event: "event", wire.id: "id", wire.parent: "parent: the epoch"}
    lines = []
    for number, data in _fields(event.marshal_proto()):
        meaning = (names | numbers)[number]
        pieces = [data[at : at + WIDE].hex(" ") for at in range(0, len(data), WIDE)]
        lines += [f"{pieces[0]:<{3 * WIDE}} {meaning}", *pieces[1:]]
    return parts("An example, in bytes:", "\n".join(["```text", *lines, "```"]))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message: the number of each, and its bytes with tag and length."""
    at = 0
    while at < len(data):
        tag, after = _varint(data, at)
        value, after = _varint(data, after)
        end = after + value if tag & 7 == 2 else after
        yield tag >> 3, data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def commands(table: Table) -> str:
    """Each command: how it is called, its arguments and its rules."""
    made = [_command(table, name) for name in table.chart.commands]
    if table.chart.snapshot:
        made.append(_snapshot_command(table, table.chart.snapshot))
    return parts(*made)


def _command(table: Table, name: str) -> str:
    said = table.chart.commands[name]
    rules = (
        (f"{name}.{number}", ", ".join(rule.states), _said(rule), plain(rule.doc))
        for number, rule in enumerate(said.rules, start=1)
    )
    return parts(
        f"### {name} {{#{_anchor(table, name)}}}",
        plain(said.doc),
        _call(table, name),
        arguments(said.args),
        grid(("rule", "in", "what it does", "why"), rules),
        f"In every other state it is `{table.chart.otherwise}`.",
    )


def _snapshot_command(table: Table, snapshot: Snapshot) -> str:
    said, limit, saving = snapshot.command, snapshot.limit, snapshot.saving
    return parts(
        f"### {said.name} {{#{_anchor(table, said.name)}}}",
        f"{plain(said.doc)} {plain(snapshot.doc)}",
        _call(table, said.name),
        arguments({said.option: Argument(type=Type.BOOL, doc=said.option_doc)}),
        f"With more than {limit.entries} entries it is `{limit.error}`. Asked for only if it saves"
        f" storage, it is `{saving.error}` with fewer than {saving.events} events since the last"
        f" one, or with no more of them than {saving.base} and {saving.per_entry} for each entry.",
    )


def _call(table: Table, name: str) -> str:
    facade = getattr(_package(table), table.chart.facade)
    method = snake(name)
    _, *given = inspect.signature(getattr(facade, method)).parameters
    return f"In Python: `{facade.__name__}.{method}({', '.join(given)})`."


def arguments(args: dict[str, Argument]) -> str:
    """Arguments in a table."""
    rows = (
        (code(name), each.type.value + (", not zero" if each.nonzero else ""), plain(each.doc))
        for name, each in args.items()
    )
    return grid(("argument", "type", "meaning"), rows)


def _said(rule: Rule) -> str:
    if rule.emit:
        ((event, sources),) = rule.emit.items()
        taken = ", ".join(f"{field} from {_source(source)}" for field, source in sources.items())
        return f"**+{event}**" + (f", {taken}" if taken else "")
    if rule.delete:
        return "**deletes the history**"
    if rule.error:
        (error,) = rule.error
        return code(error)
    if rule.same:
        return f"noop with the same {', '.join(rule.same)}; else `{rule.otherwise}`"
    return "noop"


def _source(source: Any) -> str:
    return code(getattr(source, "constant", source))


def errors(table: Table) -> str:
    """The errors that a chart names, and what is answered with them."""
    chart = table.chart
    rows = [
        (code(name), ", ".join(map(code, said.fields)), plain(said.doc), _answers(table, name))
        for name, said in chart.errors.items()
    ]
    return grid(("error", "fields", "meaning", "answers"), rows)


def _answers(table: Table, error: str) -> str:
    told: dict[str, dict[str, None]] = {}
    for cell in table.cells.values():
        if cell.error == error and cell.rule != OTHERWISE:
            told.setdefault(_row(cell), {})[cell.state] = None
    answers = [f"{row} in {', '.join(states)}" for row, states in told.items()]
    if error == table.chart.otherwise:
        answers.append("every pair of command and state that no rule names")
    snapshot = table.chart.snapshot
    if snapshot and error in (snapshot.limit.error, snapshot.saving.error):
        answers.append(snapshot.command.name)
    return "; ".join(answers)


def raised() -> str:
    """Every error that the package raises."""
    exported = {name: getattr(pingregistrywf, name) for name in pingregistrywf.__all__}
    kinds = {
        name: kind
        for name, kind in exported.items()
        if isinstance(kind, type) and issubclass(kind, WorkflowError)
    }
    return grid(
        ("error", "is a", "when"),
        (
            (code(_signature(name, kind)), code(kind.__bases__[0].__name__), _first(kind))
            for name, kind in sorted(kinds.items())
        ),
    )


def _signature(name: str, kind: type) -> str:
    if kind.__init__ in (Exception.__init__, WorkflowError.__init__):
        return name
    _, *given = inspect.signature(kind.__init__).parameters
    return f"{name}({', '.join(given)})" if given else name


def _first(kind: type) -> str:
    first = (kind.__doc__ or "").split("\n\n")[0].replace("``", "`")
    return plain(re.sub(r" \(behaviour\.md, [^)]*\)", "", first))


def operation(name: str, said: Operation, drawn: str) -> str:
    """An operation around its diagram."""
    return parts(
        f"## {name}",
        plain(said.doc),
        drawn,
        "\n".join(
            f"{number}. **{step.command}** on `{step.history}`. {plain(step.doc)}"
            for number, step in enumerate(said.steps, start=1)
        ),
        arguments(said.args),
    )


def _package(table: Table) -> ModuleType:
    return import_module(f"pingregistrywf._generated.{table.chart.chart}")


def _anchor(table: Table, name: str) -> str:
    return f"{table.chart.chart}-{name}"


def _ruled(cell: Cell) -> bool:
    return cell.rule != OTHERWISE


def _row(cell: Cell) -> str:
    if cell.arguments is Arguments.ANY:
        return code(cell.command)
    return f"{code(cell.command)}, {cell.arguments} {', '.join(cell.compared)}".rstrip()


def _outcome(cell: Cell) -> str:
    match cell.outcome:
        case Outcome.EMIT:
            return f"**+{cell.event}**, to {cell.target}"
        case Outcome.DELETE:
            return "**deletes the history**"
        case Outcome.NOOP:
            return "noop"
        case Outcome.REJECT:
            return code(cell.error)


def _why(cell: Cell) -> str:
    return plain(cell.reason or cell.doc)
