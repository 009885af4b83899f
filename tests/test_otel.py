"""Spans of commands, commits, operations; metrics of waits, conflicts; nothing unless asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pingregistrywf import (
    EPOCH,
    NO_VC,
    CmdInit,
    PingRegistry,
    StateConflictError,
    VersionConflictError,
    Workflows,
    open_journal,
    otel,
)
from pingregistrywf.runtime.engine import Engine


class Telemetry:
    """What was made since the last look."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader])

    def spans(self) -> list[ReadableSpan]:
        """The finished spans, in the order in which they ended."""
        finished = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return finished

    def points(self, name: str) -> list[object]:
        """The points of a metric."""
        found = self._reader.get_metrics_data()
        if found is None:
            return []
        return [
            point
            for resource in found.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    otel.instrument(telemetry.tracers, telemetry.meters)
    yield telemetry
    otel.uninstrument()
    telemetry.meters.shutdown()
    telemetry.tracers.shutdown()


@pytest.fixture
def workflows(tmp_path: Path) -> Iterator[Workflows]:
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        yield Workflows(journal)


def test_a_command_and_its_commit(telemetry: Telemetry, workflows: Workflows) -> None:
    begun = workflows.init(history := uuid4(), CmdInit(registry_id=uuid4()))
    telemetry.spans()
    vid = workflows.append_ping(history, begun, 1, "private")
    commit, command = telemetry.spans()
    assert command.name == "ping_registry CmdAppendPing"
    assert command.attributes == {
        "pingregistrywf.chart": "ping_registry",
        "pingregistrywf.command": "CmdAppendPing",
        "pingregistrywf.history": str(history),
        "pingregistrywf.vid": str(vid),
        "pingregistrywf.events": 1,
    }
    assert commit.name == "commit ping_registry"
    assert commit.attributes == {
        "pingregistrywf.chart": "ping_registry",
        "pingregistrywf.history": str(history),
        "pingregistrywf.events": 1,
    }
    assert commit.parent is not None
    assert commit.parent.span_id == command.context.span_id
    assert command.status.is_unset
    assert "private" not in command.to_json() + commit.to_json()


def test_a_refusal_is_an_answer(telemetry: Telemetry, workflows: Workflows) -> None:
    with pytest.raises(StateConflictError):
        workflows.commit(uuid4(), NO_VC)
    (command,) = telemetry.spans()
    assert command.attributes is not None
    assert command.attributes["error.type"] == "StateConflictError"
    assert command.status.is_unset
    assert not command.events


def test_an_error_is_a_failure_and_a_conflict_is_counted(
    telemetry: Telemetry, workflows: Workflows
) -> None:
    workflows.init(history := uuid4(), CmdInit(registry_id=uuid4()))
    telemetry.spans()
    for _ in range(2):
        with pytest.raises(VersionConflictError):
            workflows.append_ping(history, EPOCH, 1, "private")
    for command in telemetry.spans():
        assert command.attributes is not None
        assert command.attributes["error.type"] == "VersionConflictError"
        assert not command.status.is_ok
        assert not command.status.is_unset
        assert "private" not in command.to_json()
    (point,) = telemetry.points("pingregistrywf.conflicts")
    assert point.value == 2  # type: ignore[attr-defined]
    assert point.attributes == {"pingregistrywf.chart": "ping_registry"}  # type: ignore[attr-defined]


def test_waits_are_measured(telemetry: Telemetry, workflows: Workflows) -> None:
    workflows.init(uuid4(), CmdInit(registry_id=uuid4()))
    workflows.init(uuid4(), CmdInit(registry_id=uuid4()))
    (point,) = telemetry.points("pingregistrywf.wait.duration")
    assert point.count == 2  # type: ignore[attr-defined]
    assert 0 < point.sum < 60  # type: ignore[attr-defined]


def test_an_operation_is_around_its_commands(telemetry: Telemetry) -> None:
    with open_journal("memory:") as journal:
        PingRegistry(journal, "demo").begin(uuid4())
    *inner, operation = telemetry.spans()
    assert operation.name == "operation begin"
    assert operation.attributes == {"pingregistrywf.operation": "begin"}
    commands = [each for each in inner if "Cmd" in each.name]
    assert [each.name for each in commands] == [
        "ping_registry CmdInit",
        "ping_registry_index CmdBeginPingRegistry",
    ]
    for each in commands:
        assert each.parent is not None
        assert each.parent.span_id == operation.context.span_id


def test_twice_is_as_once(telemetry: Telemetry, workflows: Workflows) -> None:
    otel.instrument(telemetry.tracers, telemetry.meters)
    workflows.init(uuid4(), CmdInit(registry_id=uuid4()))
    assert len(telemetry.spans()) == 2


def test_nothing_is_left_behind(workflows: Workflows) -> None:
    before = dict(vars(Engine))
    telemetry = Telemetry()
    otel.instrument(telemetry.tracers, telemetry.meters)
    assert dict(vars(Engine)) != before
    otel.uninstrument()
    assert dict(vars(Engine)) == before
    workflows.init(uuid4(), CmdInit(registry_id=uuid4()))
    assert telemetry.spans() == []


def test_nobody_pays_who_does_not_ask(tmp_path: Path) -> None:
    program = (
        "import sys, pingregistrywf, pingregistrywf.cli\n"
        "pingregistrywf.Workflows(pingregistrywf.open_journal('memory:'))\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
