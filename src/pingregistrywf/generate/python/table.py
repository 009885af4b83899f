"""table.py: the declaration, every rule once, and the total table that names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from pingregistrywf.chart.naming import upper
from pingregistrywf.chart.table import DELETED, OTHERWISE, Table
from pingregistrywf.chart.vocabulary import ArgumentSource, Chart, Constant, Event, Rule, Type
from pingregistrywf.generate.document import ChartDocument
from pingregistrywf.generate.proto import message_name
from pingregistrywf.generate.python.shape import (
    DESCRIPTOR,
    SNAPSHOT_EVENTS,
    STANDARD_ERRORS,
    attribute,
    key_type,
    methods,
    own_errors,
)
from pingregistrywf.generate.python.text import (
    WIDTH,
    call,
    module,
    pairs,
    split,
    text_literal,
)

_DECLARED: Final = (
    "Append",
    "Argument",
    "Constant",
    "Declaration",
    "Delete",
    "Emit",
    "EventDeclaration",
    "EventField",
    "KeyedDeclaration",
    "Noop",
    "Outcome",
    "Refuse",
    "Same",
    "SetRecord",
    "SetValue",
    "SnapshotDeclaration",
)


def decision_table(table: Table, document: ChartDocument) -> str:
    """The declaration: every rule once, and the total table that names them."""
    chart = table.chart
    start = f"{OTHERWISE.upper()}: Final = "
    body = [
        *_refuse(start, chart, chart.otherwise, _all_sources(chart, chart.otherwise), OTHERWISE)
    ]
    body.append("")
    for name, command in chart.commands.items():
        for number, rule in enumerate(command.rules, start=1):
            body += _rule(chart, name, rule, number)
    body += ["", "TABLE: Final[Mapping[type[Command], Mapping[IntEnum, Outcome]]] = {"]
    for name in chart.commands:
        body.append(f"    Cmd{name}: {{")
        for state in table.states:
            if state != DELETED:
                # The same and other arguments' rows of a command come from one rule.
                rule_id = table.cell(name, state).rule
                body.append(f"        StateCode.{upper(state)}: {_constant(rule_id)},")
        body.append("    },")
    body += ["}", '"""What each command does in each state."""', ""]
    body += _declaration(table, document)
    return module(
        f"What chart {chart.chart} says, as data that the run time interprets.",
        [
            [
                "from collections.abc import Mapping",
                "from enum import IntEnum",
                "from pathlib import Path",
                "from typing import Final",
                "from uuid import UUID",
            ],
            [
                "from pingregistrywf.runtime.declaration import " + ", ".join(_DECLARED),
                "from pingregistrywf.runtime.errors import " + ", ".join(STANDARD_ERRORS),
                "from pingregistrywf.runtime.ids import Ulid",
                "from pingregistrywf.runtime.values import Command",
                "from pingregistrywf.runtime.wire import codec_of",
            ],
            [
                "from .commands import "
                + ", ".join(sorted(f"Cmd{each.name}" for each in methods(chart))),
                "from .errors import " + ", ".join(["PACKAGE_ERRORS", *sorted(own_errors(chart))]),
                "from .events import "
                + ", ".join(sorted(["Event", *chart.events, *SNAPSHOT_EVENTS])),
                "from .states import "
                + ", ".join(sorted(["Entry", "State", "StateCode", *chart.records])),
            ],
        ],
        body,
    )


def _constant(rule_id: str) -> str:
    return OTHERWISE.upper() if rule_id == OTHERWISE else upper(rule_id.replace(".", "_"))


def _all_sources(chart: Chart, error: str) -> dict[str, ArgumentSource]:
    declared = chart.errors.get(error)
    return {field: field for field in declared.fields} if declared else {}


def _rule(chart: Chart, command: str, rule: Rule, number: int) -> list[str]:
    rule_id = f"{command}.{number}"
    start = f"{_constant(rule_id)}: Final = "
    if rule.emit:
        ((event, named),) = rule.emit.items()
        types = {field: each.type for field, each in chart.events[event].fields.items()}
        sources = {field: named.get(field, field) for field in types}
        return call(start, "Emit", [event, _sources(sources, types), f'"{rule_id}"'])
    if rule.error:
        ((error, named),) = rule.error.items()
        sources = {**_all_sources(chart, error), **named}
        return _refuse(start, chart, error, sources, rule_id)
    if rule.same:
        compared = ", ".join(f'"{name}"' for name in rule.same)
        return call(
            start,
            "Same",
            [f"({compared},)", text_literal(rule.noop or ""), rule.otherwise or "", f'"{rule_id}"'],
        )
    if rule.noop:
        return call(start, "Noop", [text_literal(rule.noop), f'"{rule_id}"'])
    return [f'{start}Delete("{rule_id}")']


def _refuse(
    start: str, chart: Chart, error: str, sources: Mapping[str, ArgumentSource], rule_id: str
) -> list[str]:
    declared = chart.errors.get(error)
    types = {name: each.type for name, each in declared.fields.items()} if declared else {}
    return call(start, "Refuse", [error, _sources(sources, types), f'"{rule_id}"'])


def _sources(sources: Mapping[str, ArgumentSource], types: Mapping[str, Type]) -> str:
    pairs = [
        f'"{field}": {literal(source.constant, types[field])}'
        if isinstance(source, Constant)
        else f'"{field}": Argument("{source}")'
        for field, source in sources.items()
    ]
    return "{" + ", ".join(pairs) + "}"


def literal(value: bool | int | str, kind: Type) -> str:
    """A constant of the chart as Python."""
    match kind:
        case Type.UUID:
            return f'Constant(UUID("{value}"))'
        case Type.ULID:
            return f'Constant(Ulid.parse("{value}"))'
        case Type.STRING:
            return f"Constant({text_literal(str(value))})"
        case _:
            return f"Constant({value})"


def _declaration(table: Table, document: ChartDocument) -> list[str]:
    chart = table.chart
    carried = [(name, attribute(name, each)) for name, each in chart.carried.items()]
    names = [name for name in table.states if name != DELETED]
    lines = [
        "DECLARATION: Final = Declaration(",
        f'    name="{chart.chart}",',
        f'    version="{chart.version}",',
        f'    sha256="{document.sha256}",',
        f'    descriptor=Path(__file__).with_name("{DESCRIPTOR}").read_bytes(),',
        f'    message="{message_name(chart)}",',
        f"    initial=StateCode.{upper(chart.initial)},",
        "    state=State,",
        "    table=TABLE,",
        "    events=(",
    ]
    for name, event in chart.events.items():
        lines += _event_declaration(chart, name, event)
    lines += ["    ),", "    package_errors=PACKAGE_ERRORS,"]
    lines += _mapping("carried", [(f'"{name}"', spelt) for name, spelt in carried])
    lines += _mapping("state_names", [(f"StateCode.{upper(name)}", name) for name in names])
    if chart.keyed_by is not None:
        lines += [
            "    keyed=KeyedDeclaration(",
            f'        key="{chart.keyed_by}",',
            "        entry=Entry,",
        ]
        lines += _snapshot_declaration(chart)
        lines.append("    ),")
    return [*lines, ")", '"""The chart."""', "", "Event.codec = codec_of(DECLARATION)"]


def _mapping(name: str, texts: list[tuple[str, str]]) -> list[str]:
    return [f"    {name}={{", *(f'        {key}: "{value}",' for key, value in texts), "    },"]


def _event_declaration(chart: Chart, name: str, event: Event) -> list[str]:
    lines = [
        "        EventDeclaration(",
        f"            event={name},",
        f"            number={event.wire.number},",
        f"            target=StateCode.{upper(event.to)},",
    ]
    if event.fields:
        lines.append("            fields={")
        for field, each in event.fields.items():
            flags = "".join(
                f", {flag}=True" for flag in ("nonzero", "required") if getattr(each, flag)
            )
            lines.append(f'                "{field}": EventField("{each.type.value}"{flags}),')
        lines.append("            },")
    carries: list[list[str]] = []
    for target, source in event.set.items():
        carried = chart.carried[target]
        spelt = attribute(target, carried)
        if isinstance(source, str):
            carries.append(["SetValue", f'"{spelt}"', f'"{source}"'])
        else:
            carries.append(["SetRecord", f'"{spelt}"', carried.record or "", pairs(source)])
    for target, sources in event.append.items():
        carried = chart.carried[target]
        spelt = attribute(target, carried)
        carries.append(["Append", f'"{spelt}"', carried.list or "", pairs(sources)])
    if carries:
        lines.append("            carries=(")
        for function, *arguments in carries:
            lines += call(" " * 16, function, arguments, ",")
        lines.append("            ),")
    if event.when:
        flags = ", ".join(f'"{field}": {kind == "nonzero"}' for field, kind in event.when.items())
        lines.append(f"            when={{{flags}}},")
    if event.other_forms:
        names = "".join(f'"{each}", ' for each in event.other_forms).rstrip(" ")
        lines.append(f"            other_forms=({names}),")
    return [*lines, "        ),"]


def _snapshot_declaration(chart: Chart) -> list[str]:
    snapshot = chart.snapshot
    if snapshot is None:
        return []
    types = {name: each.type for name, each in chart.carried.items()}
    types[chart.keyed_by or ""] = key_type(chart)
    values = ", ".join(
        f'"{name}": "{kind.value}"' for name in snapshot.message.fields if (kind := types[name])
    )
    spelt = {name: attribute(name, each) for name, each in chart.carried.items()}
    by_state = ", ".join(
        f"(StateCode.{upper(state)}, {json.dumps(spelt[carried]) if carried else None})"
        for state, carried in snapshot.states.items()
    )
    numbers = (snapshot.begin.number, snapshot.state.number, snapshot.end.number)
    inner = [
        f"command=Cmd{snapshot.command.name}",
        f'option="{snapshot.command.option}"',
        "begin=SnapshotBegin",
        "state=SnapshotState",
        "end=SnapshotEnd",
        f"numbers={numbers}",
        f'field="{snapshot.message.field}"',
        f'entries="{snapshot.message.entries}"',
        f"values={{{values}}}",
        f'order_by="{spelt[snapshot.order_by]}"',
        f"states=({by_state},)",
        f"limit={snapshot.limit.entries}",
        f"limit_error={snapshot.limit.error}",
        f"saving_events={snapshot.saving.events}",
        f"saving_base={snapshot.saving.base}",
        f"saving_per_entry={snapshot.saving.per_entry}",
        f"saving_error={snapshot.saving.error}",
    ]
    lines = ["        snapshot=SnapshotDeclaration("]
    for each in inner:
        line = f"            {each},"
        if len(line) > WIDTH:
            name, _, value = each.partition("=")
            open_, items, close = value[0], value[1:-1], value[-1]
            lines.append(f"            {name}={open_}")
            lines += [f"                {item}," for item in split(items)]
            lines.append(f"            {close},")
        else:
            lines.append(line)
    return [*lines, "        ),"]
