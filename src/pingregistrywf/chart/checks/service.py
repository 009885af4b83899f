"""Services: every name in them is one of the model's, or of the file's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.service import (
    CarriedValue,
    DerivedFrom,
    FindState,
    Message,
    Method,
    RecordOf,
    ReplyField,
    RequestField,
    Role,
    RunOperation,
    Service,
    StreamEvents,
    StreamSignals,
    VidOf,
)
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Chart, Operations

_EVENT_ID = "event_id"
"""The id that a record has beside its declared fields."""


def check_service(
    service: Service,
    charts: Mapping[str, Chart],
    operations: Mapping[str, Operations],
    report: Report,
) -> None:
    """Check a service on charts and operations that have no mistakes, by name."""
    name = report.resolve(service.operations, operations, ("operations",), "file of operations")
    if name is None:
        return
    checker = _ServiceChecker(service, charts, operations[name], report)
    checker.check_owner()
    for each, message in service.messages.items():
        checker.check_message(message, ("messages", each))
    for each, enum in service.enums.items():
        if 0 not in enum.values.values():
            report.say(("enums", each, "values"), f"no value of {each} is 0", "add one, as default")
    for each, role in service.roles.items():
        checker.check_role(each, role, ("roles", each))
    methods: dict[str, str] = {}
    for kind, declared in service.services.items():
        for each, method in declared.items():
            other = methods.setdefault(each, kind)
            at = ("services", kind, each)
            if other != kind:
                what = f"{other} has a method {each} already, whose messages have the same names"
                report.say(at, what, "give it another name")
            checker.check_method(each, method, at)


class _ServiceChecker:
    def __init__(
        self,
        service: Service,
        charts: Mapping[str, Chart],
        operations: Operations,
        report: Report,
    ) -> None:
        self._service = service
        self._charts = charts
        self._operations = operations
        self._report = report
        name = report.resolve(service.name, operations.names, ("name",), "name of the operations")
        self._name = name or service.name
        self._ids = operations.names[name].ids if name is not None else {}

    def check_owner(self) -> None:
        owner, at = self._service.owner, ("owner",)
        chart = self._chart(owner.chart, (*at, "chart"))
        if chart is None:
            return
        ids = [name for name, each in chart.carried.items() if each.type is Type.UUID]
        what = f"carried uuid of {chart.chart}"
        carried = self._report.resolve(owner.carried, ids, (*at, "carried"), what)
        if carried is not None and carried not in self._ids:
            what = f"{carried} does not follow from {self._name}"
            listed = ", ".join(self._ids)
            self._report.say((*at, "carried"), what, f"name a value that does: {listed}")

    def check_message(self, message: Message, at: Path) -> None:
        known: Iterable[str] = [str(message.made_of)]
        if message.made_of == "signal":
            known = ["history"]
        elif isinstance(message.made_of, RecordOf):
            here = (*at, "made_of")
            chart = self._chart(message.made_of.chart, (*here, "chart"))
            if chart is None:
                return
            what = f"record of {chart.chart}"
            record = self._report.resolve(
                message.made_of.record, chart.records, (*here, "record"), what
            )
            if record is None:
                return
            known = [*chart.records[record].fields, _EVENT_ID]
        self._fields(message.fields, (*at, "fields"), known, "part of what the message is made of")

    def check_role(self, name: str, role: Role, at: Path) -> None:
        declared = self._operations.operations
        what = f"operation of {self._operations.operations_of}"
        for position, operation in enumerate(role.runs, start=1):
            self._report.resolve(operation, declared, (*at, "runs", position), what)
        for told, commands in role.tells.items():
            chart = self._chart(told, (*at, "tells", told))
            if chart is None:
                continue
            taken = [*chart.commands, *([chart.snapshot.command.name] if chart.snapshot else [])]
            for position, command in enumerate(commands, start=1):
                here = (*at, "tells", told, position)
                self._report.resolve(command, taken, here, f"command of {chart.chart}")
        calls = any(
            name in method.roles
            for methods in self._service.services.values()
            for method in methods.values()
        )
        if not (calls or role.reads or role.runs or role.tells):
            remedy = "write reads, runs or tells, or name it in the roles of a method"
            self._report.say(at, f"a {name} may do nothing", remedy)

    def check_method(self, name: str, method: Method, at: Path) -> None:
        does = [method.run, method.find, method.events, method.signals, method.stream]
        if sum(each is not None for each in does) > 1:
            what = f"{name} does more than one thing"
            self._report.say(at, what, "write one of run, find, events, signals and stream")
        self._numbers(method.request, (*at, "request"))
        for field, each in method.request.items():
            self._kind(each, (*at, "request", field))
        requested = "field of the request"
        self._fields(method.reply, (*at, "reply"), method.request, requested, of=method)
        for position, role in enumerate(method.roles, start=1):
            self._report.resolve(role, self._service.roles, (*at, "roles", position), "role")
        if method.run is not None:
            self._check_run(method.run, method, (*at, "run"))
        if method.find is not None:
            self._check_find(method.find, method, (*at, "find"))
        if method.events is not None:
            self._check_events(method.events, method, (*at, "events"))
        if method.signals is not None:
            self._check_signals(method.signals, method, (*at, "signals"))

    def _check_run(self, run: RunOperation, method: Method, at: Path) -> None:
        declared = self._operations.operations
        what = f"operation of {self._operations.operations_of}"
        name = self._report.resolve(run.operation, declared, (*at, "operation"), what)
        self._requested([*run.inputs.values()], method, (*at, "inputs"))
        self._requested([*run.constant, *([run.vid] if run.vid else [])], method, at)
        for field, derived in run.constant.items():
            self._derived(derived, (*at, "constant", field))
        if name is None:
            return
        operation = declared[name]
        outside = {
            self._operations.inputs.get(each, each)
            for each in operation.args
            if each not in self._ids
        }
        for each in run.inputs:
            self._report.resolve(each, outside, (*at, "inputs", each), f"input of {name}")
        given = {*method.request, *run.inputs}
        for each in sorted(outside - given):
            what = f"no field is the input {each} of {name}"
            self._report.say(at, what, f"add one, or write inputs: {{{each}: FIELD}}")
        if run.vid is not None and all(step.vid != "given" for step in operation.steps):
            self._report.say((*at, "vid"), f"{name} takes no version", "remove vid")
        self._named(method, at)

    def _check_find(self, find: FindState, method: Method, at: Path) -> None:
        self._requested([find.history], method, (*at, "history"))
        self._named(method, at)
        chart = self._chart(find.chart, (*at, "chart"))
        if find.wait is None:
            return
        at = (*at, "wait")
        self._requested([find.wait.field], method, (*at, "field"))
        field = method.request.get(find.wait.field)
        enum = self._service.enums.get(str(field.enum)) if field is not None else None
        values = enum.values if enum is not None else ()
        what = f"value of {find.wait.field}"
        self._report.resolve(find.wait.value, values, (*at, "value"), what)
        for position, state in enumerate(find.wait.states, start=1):
            if chart is not None:
                here = (*at, "while", position)
                self._report.resolve(state, chart.states, here, f"state of {chart.chart}")

    def _check_events(self, events: StreamEvents, method: Method, at: Path) -> None:
        chart = self._chart(events.chart, (*at, "chart"))
        if chart is not None and chart.wire.package != self._service.package:
            what = f"its events are in the package {chart.wire.package}"
            self._report.say(("package",), what, f"write {chart.wire.package}")
        if isinstance(events.history, DerivedFrom):
            self._derived(events.history.id, (*at, "history"))
        else:
            self._requested([events.history], method, (*at, "history"))
        self._requested([events.after, events.watch], method, at)
        what = "field of the reply"
        self._report.resolve(events.will_block, method.reply, (*at, "will_block"), what)
        if not any(each.type == "event" for each in method.reply.values()):
            self._report.say(at, "no field of the reply is of type event", "add one")
        self._named(method, at)

    def _check_signals(self, signals: StreamSignals, method: Method, at: Path) -> None:
        self._requested([signals.select], method, (*at, "select"))
        what = "field of the reply"
        self._report.resolve(signals.signals, method.reply, (*at, "signals"), what)
        field = method.request.get(signals.select)
        enum = self._service.enums.get(str(field.enum)) if field is not None else None
        values = enum.values if enum is not None else ()
        self._report.resolve(signals.kind, values, (*at, "kind"), f"value of {signals.select}")

    def _named(self, method: Method, at: Path) -> None:
        """Check that a method is about a name: it is given, or the owner of a history."""
        name, history = self._name, self._service.owner.history
        if name not in method.request and history not in method.request:
            what = f"the request tells no {name}"
            self._report.say(at, what, f"add the field {name} or {history}")

    def _fields(
        self,
        fields: Mapping[str, ReplyField],
        at: Path,
        known: Iterable[str],
        what: str,
        *,
        of: Method | None = None,
    ) -> None:
        self._numbers(fields, at)
        for name, field in fields.items():
            here = (*at, name)
            self._kind(field, here)
            message = field.message and self._report.resolve(
                field.message, self._service.messages, (*here, "message"), "message"
            )
            where = (*here, "is")
            match field.value:
                case str(source):
                    self._report.resolve(source, known, where, what)
                case DerivedFrom(id=source):
                    self._derived(source, where)
                case VidOf(vid_of=source):
                    self._chart(source, where)
                case CarriedValue(carried=source):
                    self._check_carried(source, field, message, of, here)

    def _check_carried(
        self, source: str, field: ReplyField, message: str | None, of: Method | None, at: Path
    ) -> None:
        chart = self._charts.get(of.find.chart) if of is not None and of.find is not None else None
        if chart is None:
            what = "no state is found, so there is no carried value"
            self._report.say((*at, "is"), what, "write find, or remove it")
            return
        held = {name: each.record or each.list for name, each in chart.carried.items()}
        records = [name for name, record in held.items() if record]
        what = f"carried record of {chart.chart}"
        name = self._report.resolve(source, records, (*at, "is"), what)
        made_of = self._service.messages[message].made_of if message else None
        if name is None or not isinstance(made_of, RecordOf):
            return
        if made_of.record in chart.records and made_of.record != held[name]:
            what = f"{message} is made of {made_of.record}, and {name} is of {held[name]}"
            self._report.say((*at, "is"), what, "name another message")
        for part, values in field.by_state.items():
            here = (*at, "by_state", part)
            parts = self._service.messages[str(message)].fields
            self._report.resolve(part, parts, here, f"field of {message}")
            for state in values:
                what = f"state of {chart.chart}"
                self._report.resolve(state, chart.states, (*here, state), what)

    def _numbers(self, fields: Mapping[str, RequestField | ReplyField], at: Path) -> None:
        taken: dict[int, str] = {}
        for name, field in fields.items():
            other = taken.setdefault(field.number, name)
            if other != name:
                what = f"{other} has the number {field.number} already"
                self._report.say((*at, name, "number"), what, "write another number")

    def _kind(self, field: RequestField | ReplyField, at: Path) -> None:
        message = field.message if isinstance(field, ReplyField) else None
        if sum(each is not None for each in (field.type, field.enum, message)) != 1:
            self._report.say(at, f"{at[-1]} has no type, or several", "write one type")
        if field.enum is not None:
            self._report.resolve(field.enum, self._service.enums, (*at, "enum"), "enum")

    def _requested(self, fields: Sequence[str], method: Method, at: Path) -> None:
        for field in fields:
            self._report.resolve(field, method.request, at, "field of the request")

    def _derived(self, name: str, at: Path) -> None:
        self._report.resolve(name, self._ids, at, f"id that follows from {self._name}")

    def _chart(self, name: str, at: Path) -> Chart | None:
        found = self._report.resolve(name, self._charts, at, "chart")
        return None if found is None else self._charts[found]
