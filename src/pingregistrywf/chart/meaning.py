"""What a chart means, in a fixed form, and its hash.

``chart_sha256`` tells the runner and an adapter's author whether they mean the same chart.  It must
change when the chart's meaning does, and never because a sentence was corrected or because
``chart.json`` got a new key.  So it does not hash the document.  It hashes the values that are
listed here, one by one.  A new key of the document joins this list only if it can change an answer,
and only in a way that leaves the hashes of charts without it alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from pingregistrywf.chart.ir import Cell, Chart, Command, Event, Source

Json: TypeAlias = Any


def sha256(chart: Chart) -> str:
    """The hash of a chart's meaning: SHA-256 of ``meaning`` as canonical JSON in UTF-8."""
    text = json.dumps(meaning(chart), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def meaning(chart: Chart) -> Mapping[str, Json]:
    """Names, codes, types, wire numbers, cells with their sources, and the rule of rewrites."""
    wire = chart.wire
    return {
        "name": chart.name,
        "key": chart.key and [chart.key.name, chart.key.type],
        "wire": [wire.package, wire.message, wire.event, wire.id, wire.parent],
        "initial": chart.initial,
        "states": {name: each.code for name, each in chart.states.items()},
        "records": {name: _types(each.fields) for name, each in chart.records.items()},
        "carried": {
            name: [each.kind, each.type, each.record] for name, each in chart.carried.items()
        },
        "events": {name: _event(each) for name, each in chart.events.items()},
        "commands": {name: _command(each) for name, each in chart.commands.items()},
        "errors": {name: _types(each.fields) for name, each in chart.own_errors.items()},
        "table": sorted(_cell(each) for each in chart.table),
    }


def _types(values: Mapping[str, Any]) -> Json:
    return {name: each.type for name, each in values.items()}


def _event(event: Event) -> Json:
    listing = event.listing
    return {
        "number": [event.wire_name, event.number],
        "to": event.to,
        "when": event.when,
        "fields": {
            name: [
                *(each.type, each.wire, each.nonzero, each.required),
                *([] if each.default is None else [each.default]),
            ]
            for name, each in event.fields.items()
        },
        "other_forms": {name: [each.type, each.wire] for name, each in event.other_forms.items()},
        "carries": [
            [each.carried, each.operation, each.field, each.sources] for each in event.carries
        ],
        "rewrite": event.rewrite,
        **({"retired_in": event.retired_in} if event.retired_in else {}),
        "listing": listing
        and {
            "wire": [listing.field, listing.wire, listing.name, listing.entries_wire],
            "fields": {name: [each.type, each.wire] for name, each in listing.fields.items()},
            "states": [[each.state, each.carried] for each in listing.states],
        },
    }


def _command(command: Command) -> Json:
    rewrite = command.rewrite
    return {
        "arguments": {name: [each.type, each.nonzero] for name, each in command.arguments.items()},
        "rewrite": rewrite
        and {
            "events": [rewrite.option, rewrite.begin, rewrite.list, rewrite.end],
            "order_by": rewrite.order_by,
            "limit": [rewrite.limit.entries, rewrite.limit.error],
            "saving": [
                *(rewrite.saving.events, rewrite.saving.base, rewrite.saving.per_entry),
                rewrite.saving.error,
            ],
        },
    }


def _cell(cell: Cell) -> list[Json]:
    sources = [[name, *_source(each)] for name, each in sorted(cell.sources.items())]
    return [
        *(cell.command, cell.arguments, cell.state, cell.outcome, cell.target),
        *(cell.event or "", cell.error or "", sources),
        *(cell.guard or "", cell.compared),
    ]


def _source(source: Source) -> tuple[str, Json]:
    ((kind, value),) = source.model_dump().items()
    return kind, value
