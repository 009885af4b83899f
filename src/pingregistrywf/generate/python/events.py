"""events.py: the event classes."""

from __future__ import annotations

from pingregistrywf.chart.table import Table
from pingregistrywf.chart.vocabulary import Event, Type
from pingregistrywf.generate.python.shape import (
    CHECKED,
    SNAPSHOT_EVENTS,
    ZEROS,
)
from pingregistrywf.generate.python.text import (
    class_doc,
    docstring,
    module,
)


def events(table: Table) -> str:
    """The event classes."""
    chart = table.chart
    body = [
        "class Event(BaseEvent):",
        *docstring(f"Any event of chart {chart.chart}.", "    "),
    ]
    for name, event in chart.events.items():
        body += ["", "", f"class {name}(Event):"]
        fields = {field: each.doc for field, each in event.fields.items()}
        body += (
            class_doc(event.doc, fields) if fields else docstring(event.doc, "    ") or ["    pass"]
        )
        if event.fields:
            body.append("")
        for field, each in event.fields.items():
            body.append(f"    {field}: {_event_field(event, field, each.type)}")
    if chart.snapshot is not None:
        docs = (
            "A snapshot begins: readers may start here.",
            "The entries that the snapshot lists.",
            "The snapshot is whole.",
        )
        for name, doc in zip(SNAPSHOT_EVENTS, docs, strict=True):
            body += ["", "", f"class {name}(Event):", f'    """{doc}"""']
            if name == "SnapshotState":
                body += ["", f"    {chart.snapshot.message.entries}: tuple[Entry, ...] = ()"]
    return module(
        f"The events of chart {chart.chart}.",
        [
            ["from typing import Annotated, Literal", "from uuid import UUID"],
            [
                "from pingregistrywf.runtime.ids import EPOCH, Ulid",
                "from pingregistrywf.runtime.values import NIL, Int32, NonZero, Text",
                "from pingregistrywf.runtime.values import Event as BaseEvent",
            ],
            ["from .states import Entry"],
        ],
        body,
    )


def _event_field(event: Event, name: str, kind: Type) -> str:
    match event.when.get(name):
        case "zero":
            return f"Literal[0] = {ZEROS[kind]}"
        case "nonzero":
            return f"Annotated[{CHECKED[kind]}, NonZero]"
        case _:
            return f"{CHECKED[kind]} = {ZEROS[kind]}"
