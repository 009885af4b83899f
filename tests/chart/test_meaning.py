"""The hash of a chart's meaning: pinned, deaf to prose, moved by whatever can change an answer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.meaning import sha256
from pingregistrywf.conformance.run.session import FORMER_HASHES

CHARTS = load_model().charts
INDEX = CHARTS["ping_registry_index"]
PINNED = {
    "ping_registry": "1ab3ec3a32bf680d6b510fc1a610266dd7ba8900b8f35786d258d05bd96739b5",
    "ping_registry_index": "e2dbe169c8435b18eeb5ea012a09b141ae20698206765a657818292f77c5a056",
}
"""An adapter gives such a hash: whoever changes it here breaks every adapter of this chart."""
PROSE = ("doc", "title", "reason", "version", "sha256", "format")
NO_MEANING = (
    # Names in generated Python.
    *("facade", "method", "attribute", "count"),
    # Names of messages, which no byte depends on.
    *("message", "entry_message"),
    # The name in an earlier version.
    "was",
    # Where the parts of the diagram are.
    "layout",
)
"""Keys that no answer and no byte depends on."""
DERIVED = ("starts", "deletes", "rules", "otherwise", "columns", "own", "rule", "id")
"""Keys that follow from the table, or name what it holds."""


@pytest.mark.parametrize("name", PINNED)
def test_the_hash_is_pinned(name: str) -> None:
    assert CHARTS[name].sha256 == sha256(CHARTS[name]) == PINNED[name]


def test_former_hashes_lead_to_the_pinned_ones() -> None:
    assert sorted(FORMER_HASHES.values()) == sorted(PINNED.values())


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The place of every single value in a document."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, (*path, number))
    else:
        yield path


def changed(chart: Chart, path: Path, value: Any) -> Chart:
    """The chart with one value changed."""
    document = copy.deepcopy(chart.model_dump(mode="json"))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return Chart.model_validate(document)


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_prose_leaves_the_hash(chart: Chart) -> None:
    document = chart.model_dump(mode="json")
    texts = {"version": "9.9.9", "sha256": "f" * 64, "format": "pingregistrywf-chart/2"}
    places = [path for path in leaves(document) if path[-1] in PROSE]
    assert {path[-1] for path in places} == set(PROSE)
    for path in places:
        other = changed(chart, path, texts.get(str(path[-1]), "Something else."))
        assert sha256(other) == chart.sha256, path


MEANING: tuple[tuple[Path, Any], ...] = (
    (("name",), "another"),
    (("key", "name"), "another"),
    (("key", "type"), "string"),
    (("wire", "package"), "another"),
    (("wire", "message"), "Another"),
    (("wire", "event"), 99),
    (("wire", "id"), 99),
    (("wire", "parent"), 99),
    (("initial",), "Active"),
    (("states", "Active", "code"), 99),
    (("carried", "started_workflow_event_id", "type"), "uuid"),
    (("carried", "started_workflow_event_id", "kind"), "list"),
    (("carried", "started_workflow_event_id", "record"), "Another"),
    (("events", "PingRegistryStarted", "number"), 99),
    (("events", "PingRegistryStarted", "wire_name"), "EV_ANOTHER"),
    (("events", "PingRegistryStarted", "to"), "Completed"),
    (("events", "PingRegistryStarted", "when"), {"workflow_id": "zero"}),
    (("events", "PingRegistryStarted", "retired_in"), ["Active"]),
    (("events", "PingRegistryStarted", "fields", "workflow_id", "wire"), 99),
    (("events", "PingRegistryStarted", "fields", "workflow_id", "type"), "ulid"),
    (("events", "PingRegistryStarted", "fields", "workflow_id", "nonzero"), False),
    (("events", "PingRegistryStarted", "fields", "workflow_id", "default"), "another"),
    (("events", "PingRegistryStarted", "fields", "workflow_id", "required"), True),
    (("events", "PingRegistryStarted", "carries", 0, "carried"), "completed_workflow_event_id"),
    (("events", "PingRegistryStarted", "carries", 0, "operation"), "append"),
    (("events", "PingRegistryStarted", "carries", 0, "field"), "workflow_id"),
    (("events", "SnapshotBegin", "rewrite"), "end"),
    (("events", "SnapshotState", "listing", "name"), "another"),
    (("events", "SnapshotState", "listing", "field"), "another"),
    (("events", "SnapshotState", "listing", "wire"), 99),
    (("events", "SnapshotState", "listing", "entries_wire"), 99),
    (("events", "SnapshotState", "listing", "fields", "workflow_id", "wire"), 99),
    (("events", "SnapshotState", "listing", "states", 0, "carried"), None),
    (("commands", "BeginPingRegistry", "arguments", "workflow_id", "type"), "ulid"),
    (("commands", "BeginPingRegistry", "arguments", "workflow_id", "nonzero"), False),
    (("commands", "Snapshot", "rewrite", "option"), "another"),
    (("commands", "Snapshot", "rewrite", "begin"), "Another"),
    (("commands", "Snapshot", "rewrite", "list"), "Another"),
    (("commands", "Snapshot", "rewrite", "end"), "Another"),
    (("commands", "Snapshot", "rewrite", "order_by"), "completed_workflow_event_id"),
    (("commands", "Snapshot", "rewrite", "limit", "entries"), 199),
    (("commands", "Snapshot", "rewrite", "limit", "error"), "AnotherError"),
    (("commands", "Snapshot", "rewrite", "saving", "events"), 999),
    (("commands", "Snapshot", "rewrite", "saving", "base"), 299),
    (("commands", "Snapshot", "rewrite", "saving", "per_entry"), 299),
    (("commands", "Snapshot", "rewrite", "saving", "error"), "AnotherError"),
    (("errors", "UnknownWorkflowError", "fields", "workflow_id", "type"), "ulid"),
    (("table", 0, "command"), "CommitPingRegistry"),
    (("table", 0, "arguments"), "same"),
    (("table", 0, "state"), "Active"),
    (("table", 0, "outcome"), "noop"),
    (("table", 0, "target"), "Completed"),
    (("table", 0, "event"), "PingRegistryCompleted"),
    (("table", 0, "sources", "workflow_id"), {"argument": "workflow_event_id"}),
    (("table", 0, "sources", "workflow_id"), {"constant": "another"}),
    (("table", 0, "compared"), ["workflow_id"]),
    (("table", 0, "guard"), "same"),
    (("table", 3, "error"), "AnotherError"),
)


@pytest.mark.parametrize(
    ("path", "value"), MEANING, ids=[".".join(map(str, path)) for path, _ in MEANING]
)
def test_meaning_moves_the_hash(path: Path, value: Any) -> None:
    other = changed(INDEX, path, value)
    assert other != INDEX
    assert sha256(other) != INDEX.sha256


def test_a_record_moves_the_hash() -> None:
    workflow = CHARTS["ping_registry"]
    name = next(iter(workflow.records))
    other = changed(workflow, ("records", name, "fields", "code", "type"), "bool")
    assert sha256(other) != workflow.sha256


def test_every_key_of_the_document_is_prose_or_meaning() -> None:
    """A new key is entered here: as meaning, or with the reason why it is none."""
    keys = {str(path[-1]) for path in leaves(INDEX.model_dump(mode="json"))}
    known = {str(key) for path, _ in MEANING for key in path} | {"0", "1", "2", "argument"}
    assert keys - known - {*PROSE, *NO_MEANING, *DERIVED} == set()
