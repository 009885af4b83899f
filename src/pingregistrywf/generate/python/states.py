"""states.py: state codes, records, and the state (for a keyed chart: the entry, and the map)."""

from __future__ import annotations

from pingregistrywf.chart.naming import upper
from pingregistrywf.chart.table import DELETED, Table
from pingregistrywf.chart.vocabulary import Chart
from pingregistrywf.generate.python.shape import (
    PLAIN,
    ZEROS,
    attribute,
    key_type,
)
from pingregistrywf.generate.python.text import (
    class_doc,
    docstring,
    module,
)


def states(table: Table) -> str:
    """State codes, records, and the state (for a keyed chart: the entry, and the map)."""
    chart = table.chart
    body = ["class StateCode(IntEnum):"]
    body += [*docstring(f"The states of chart {chart.chart}.", "    "), ""]
    for name in table.states:
        if name != DELETED:
            body.append(f"    {upper(name)} = {chart.states[name].code}")
            body += docstring(chart.states[name].doc, "    ")
    for name, record in chart.records.items():
        body += ["", "", "@dataclass(frozen=True, slots=True)", f"class {name}:"]
        fields = {field: each.doc for field, each in record.fields.items()}
        fields["event_id"] = "The id of the event that set this; the epoch if none has."
        body += [*class_doc(record.doc, fields), ""]
        for field, each in record.fields.items():
            body.append(f"    {field}: {PLAIN[each.type]} = {ZEROS[each.type]}")
        body.append("    event_id: Ulid = EPOCH")
    body += _entry_class(chart) if chart.keyed_by is not None else _state_class(chart)
    return module(
        f"The states of chart {chart.chart}, and what they carry.",
        [
            [
                "from dataclasses import dataclass, field",
                "from enum import IntEnum",
                "from uuid import UUID",
            ],
            ["from pyrsistent import pvector", "from pyrsistent.typing import PVector"],
            [
                "from pingregistrywf.runtime.ids import EPOCH, Ulid",
                "from pingregistrywf.runtime.values import NIL, KeyedState",
                "from pingregistrywf.runtime.values import State as BaseState",
            ],
        ],
        body,
    )


def _carried_fields(chart: Chart) -> tuple[list[str], dict[str, str]]:
    lines, docs = [], {}
    for name, each in chart.carried.items():
        spelt = attribute(name, each)
        docs[spelt] = each.doc
        if each.type is not None:
            lines.append(f"    {spelt}: {PLAIN[each.type]} = {ZEROS[each.type]}")
        elif each.record is not None:
            lines.append(f"    {spelt}: {each.record} = {each.record}()")
        else:
            lines.append(f"    {spelt}: PVector[{each.list}] = field(default_factory=pvector)")
    for name, each in chart.carried.items():
        if each.count is not None:
            lines += [
                "",
                "    @property",
                f"    def {each.count}(self) -> int:",
                f'        """How many ``{attribute(name, each)}`` there are."""',
                f"        return len(self.{attribute(name, each)})",
            ]
    return lines, docs


def _state_class(chart: Chart) -> list[str]:
    lines, docs = _carried_fields(chart)
    fields = {
        "id": "The history's id.",
        "vid": "The id of its newest event; the epoch if it has none.",
        "state_code": "The state.",
        **docs,
    }
    return [
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        "class State(BaseState):",
        *class_doc("What a history amounts to.", fields),
        "",
        "    id: UUID",
        "    vid: Ulid = EPOCH",
        f"    state_code: StateCode = StateCode.{upper(chart.initial)}",
        *lines,
    ]


def _entry_class(chart: Chart) -> list[str]:
    key = chart.keyed_by or ""
    annotation = PLAIN[key_type(chart)]
    lines, docs = _carried_fields(chart)
    fields = {key: "The key.", "state_code": "The state of this entry.", **docs}
    return [
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        "class Entry:",
        *class_doc("One entry of a history, which follows the chart by itself.", fields),
        "",
        f"    {key}: {annotation}",
        f"    state_code: StateCode = StateCode.{upper(chart.initial)}",
        *lines,
        "",
        "",
        "@dataclass(frozen=True, slots=True)",
        f"class State(KeyedState[{annotation}, Entry]):",
        '    """What a history amounts to: its entries by key."""',
    ]
