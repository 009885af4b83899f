"""OpenTelemetry: spans of commands, commits and operations; metrics of waits and conflicts.

    from pingregistrywf import otel

    otel.instrument()

This needs the extra ``otel``.  ``instrument`` wraps the few methods that do these things, for the
whole process, as instrumentations of OpenTelemetry do.  So a program that does not call it pays
nothing.  No span and no metric holds the arguments of a command.

Spans:

- ``CHART COMMAND``, for example ``ping_registry CmdAppendPing``: a command, until it is durable.
- ``commit CHART``, inside: its events are given to the journal.
- ``operation NAME``: an operation, around its commands.

An error sets ``error.type``, and the span's status unless the chart refused the command.

Metrics:

- ``pingregistrywf.wait.duration``, a histogram in seconds: how long a thread waited for its turn to
  write to a journal's file.
- ``pingregistrywf.conflicts``, a counter: attempts that were decided on an old version, by chart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Final
from uuid import UUID

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, Status, StatusCode, Tracer, TracerProvider

from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.errors import BehaviorError, JournalError, VersionConflictError
from pingregistrywf.runtime.journal.sqlite.group_commit import GroupCommit
from pingregistrywf.runtime.operations import Interpreter

_NAME: Final = "pingregistrywf"
_ORIGINALS: Final[dict[tuple[type, str], Callable[..., Any]]] = {}
_CHANGING: Final = threading.Lock()


def instrument(
    tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
) -> None:
    """Begin to make spans and metrics, with these providers or else the global ones.

    Another call, without ``uninstrument`` in between, changes nothing.
    """
    tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
    meter = metrics.get_meter(_NAME, meter_provider=meter_provider)
    conflicts = meter.create_counter(
        "pingregistrywf.conflicts", "{conflict}", "Attempts that were decided on an old version."
    )
    waits = meter.create_histogram(
        "pingregistrywf.wait.duration", "s", "How long a thread waited for its turn to write."
    )
    with _CHANGING:
        if _ORIGINALS:
            return
        _wrap(Engine, "tell", lambda tell: _traced_command(tracer, tell))
        _wrap(Engine, "_tell_once", lambda tell_once: _counted_conflicts(conflicts.add, tell_once))
        _wrap(Engine, "_commit", lambda commit: _traced_commit(tracer, commit))
        _wrap(Interpreter, "run", lambda run: _traced_operation(tracer, run))
        _wrap(GroupCommit, "enter", lambda enter: _measured_wait(waits.record, enter))


def uninstrument() -> None:
    """Make no more spans and metrics."""
    with _CHANGING:
        for (owner, name), original in _ORIGINALS.items():
            setattr(owner, name, original)
        _ORIGINALS.clear()


def _wrap(owner: type, name: str, wrapper: Callable[[Callable[..., Any]], Any]) -> None:
    original = _ORIGINALS[owner, name] = getattr(owner, name)
    setattr(owner, name, wraps(original)(wrapper(original)))


# --- The wrappers ---------------------------------------------------------------------------------


def _traced_command(tracer: Tracer, tell: Callable[..., Any]) -> Callable[..., Any]:
    def traced(
        self: Engine[Any, Any], history: UUID, vid: Any, command: Any, **options: Any
    ) -> Any:
        chart, kind = self.declaration.name, type(command).__name__
        with _span(tracer, f"{chart} {kind}", chart=chart, command=kind, history=history) as span:
            result = tell(self, history, vid, command, **options)
            span.set_attribute(f"{_NAME}.vid", str(result.vid))
            span.set_attribute(f"{_NAME}.events", len(result.events))
            return result

    return traced


def _traced_commit(tracer: Tracer, commit: Callable[..., Any]) -> Callable[..., Any]:
    def traced(
        self: Engine[Any, Any], history: UUID, after: Any, decision: Any, events: Any
    ) -> Any:
        chart = self.declaration.name
        with _span(tracer, f"commit {chart}", chart=chart, history=history, events=len(events)):
            return commit(self, history, after, decision, events)

    return traced


def _traced_operation(tracer: Tracer, run: Callable[..., Any]) -> Callable[..., Any]:
    def traced(self: Interpreter, operation: Any, *arguments: Any, **options: Any) -> Any:
        with _span(tracer, f"operation {operation.name}", operation=operation.name):
            return run(self, operation, *arguments, **options)

    return traced


def _counted_conflicts(
    add: Callable[..., None], tell_once: Callable[..., Any]
) -> Callable[..., Any]:
    def counted(self: Engine[Any, Any], *arguments: Any) -> Any:
        try:
            return tell_once(self, *arguments)
        except VersionConflictError:
            add(1, {f"{_NAME}.chart": self.declaration.name})
            raise

    return counted


def _measured_wait(record: Callable[..., None], enter: Callable[..., Any]) -> Callable[..., Any]:
    def measured(self: GroupCommit) -> Any:
        begun = time.perf_counter()
        try:
            return enter(self)
        finally:
            record(time.perf_counter() - begun)

    return measured


@contextmanager
def _span(tracer: Tracer, name: str, **attributes: Any) -> Iterator[Span]:
    named = {
        f"{_NAME}.{key}": str(each) if isinstance(each, UUID) else each
        for key, each in attributes.items()
    }
    with tracer.start_as_current_span(
        name, attributes=named, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            # The text may quote what came from outside, so it stays out.
            span.set_attribute("error.type", _error_type(error))
            if not isinstance(error, BehaviorError):
                span.set_status(Status(StatusCode.ERROR))
            raise


def _error_type(error: Exception) -> str:
    """The most precise name by which the error can be caught."""
    return type(error.err if isinstance(error, JournalError) else error).__name__
