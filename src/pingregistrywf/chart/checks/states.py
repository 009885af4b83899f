"""States and events: one initial state, a way from it to each other, and what events carry."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.checks.values import CONSTANTS, fits, is_zero
from pingregistrywf.chart.mistakes import Path, Report, closest
from pingregistrywf.chart.spelling import Scalar
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Carried, Chart, Event, EventField

_IDS = (Type.UUID, Type.ULID)


def check_states(chart: Chart, report: Report) -> None:
    """Check the states by themselves."""
    initial = [name for name, state in chart.states.items() if state.initial]
    if not initial:
        report.say(("states",), "no state is initial", "add initial: true to one state")
    for name in initial[1:]:
        what = f"the states {initial[0]} and {name} are both initial"
        report.say(("states", name, "initial"), what, f"remove initial: true from {name}")
    first: dict[int, str] = {}
    for name, state in chart.states.items():
        other = first.setdefault(state.code, name)
        if other != name:
            free = next(n for n in range(len(chart.states)) if n not in first)
            what = f"the states {other} and {name} have the same code {state.code}"
            report.say(("states", name, "code"), what, f"write another code, {free} for example")


def check_leads(chart: Chart, report: Report) -> None:
    """Check that every event is emitted, and that every state is reached.

    A name that is unknown and near no other may be any name, so that nothing can be said.
    """
    emitted: set[str] = set()
    begins = False
    leads: dict[str, set[str]] = {name: set() for name in chart.states}
    for rule in chart.rules:
        for name in rule.emit or ():
            event = closest(name, chart.events)
            target = closest(chart.events[event].to, chart.states) if event else None
            states = [closest(state, chart.states) for state in rule.states]
            if event is None or target is None or None in states:
                return
            emitted.add(event)
            begins = begins or (not rule.retired and chart.initial in states)
            for state in states:
                leads[str(state)].add(target)
    remedy = "write a rule, or remove it"
    report.unused(("events",), chart.events, emitted, "no rule emits the event", remedy)
    reached: set[str] = set()
    ahead = [name for name, state in chart.states.items() if state.initial]
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            ahead.extend(leads[state])
    if leads.get(chart.initial) and not begins:
        what = f"every rule is retired that emits in the initial state {chart.initial}"
        report.say(("states", chart.initial), what, "keep one, or no history can begin")
    for name in chart.states:
        if reached and name not in reached:
            what = f"no rule leads to the state {name} from the initial state"
            remedy = f"write a rule that emits an event to {name}, or remove the state"
            report.say(("states", name), what, remedy)


def check_events(chart: Chart, report: Report) -> None:
    """Check every event, and what they carry."""
    for name, event in chart.events.items():
        _EventChecker(chart, report, name, event).check()
    for name, carried in chart.carried.items():
        _check_carried(chart, report, name, carried)
    _check_use(chart, report)


class _EventChecker:
    def __init__(self, chart: Chart, report: Report, name: str, event: Event) -> None:
        self._chart = chart
        self._report = report
        self._name = name
        self._event = event

    def check(self) -> None:
        name, event, at = self._name, self._event, ("events", self._name)
        target = self._report.resolve(event.to, self._chart.states, (*at, "to"), "state")
        if target == self._chart.initial and not self._chart.keyed_by:
            what = f"{name} leads to the initial state {target}, in which a history has no event"
            remedy = "lead to another state; delete: true ends a history"
            self._report.say((*at, "to"), what, remedy)
        for field, each in event.fields.items():
            if each.required and each.type not in _IDS:
                what = (
                    f"{name}.{field} is of type {each.type}, of which a missing one reads as zero"
                )
                remedy = "remove required; only a uuid or a ulid can be"
                self._report.say((*at, "fields", field, "required"), what, remedy)
            if each.default is not None:
                self._check_default(field, each, each.default)
            if field in event.other_forms:
                what = f"{field} is a field of {name} and of its other forms"
                self._report.say((*at, "other_forms", field), what, "remove one of the two")
        for value, source in event.set.items():
            self._check_carries("set", "carried value", value, source)
        for value, sources in event.append.items():
            self._check_carries("append", "carried list", value, sources)

    def _check_default(self, field: str, declared: EventField, default: Scalar) -> None:
        name, at = f"{self._name}.{field}", ("events", self._name, "fields", field, "default")
        if field == self._chart.keyed_by or field in self._event.when:
            what = f"{name} says which entry or which event it is, so every event has it"
            self._report.say(at, what, "remove default")
        elif declared.required:
            self._report.say(at, f"{name} is required, so no event lacks it", "remove required")
        elif not fits(default, declared.type):
            what = f"{name} is of type {declared.type}, and its default is not"
            self._report.say(at, what, f"write {CONSTANTS[declared.type]}")
        elif is_zero(default):
            what = f"{name} is zero, empty or nil where it is absent, also without a default"
            self._report.say(at, what, "remove default, or write another value")

    def _check_carries(
        self, operation: str, kind: str, value: str, source: str | Mapping[str, str]
    ) -> None:
        name, report, at = self._name, self._report, ("events", self._name, operation, value)
        known = report.resolve(value, self._chart.carried, at, kind)
        if known is None:
            return
        carried = self._chart.carried[known]
        if len(_kinds(carried)) != 1:
            return  # The mistake is reported where the value is carried.
        if carried.list and operation == "set":
            what = f"{known} is carried as a list of {carried.list}"
            report.say(at, what, f"write append: {{{known}: …}}")
        elif operation == "append" and not carried.list:
            report.say(at, f"{known} is not carried as a list", f"write set: {{{known}: …}}")
        elif not isinstance(source, str):
            if carried.type:
                what = f"{known} is carried as a single {carried.type}"
                report.say(at, what, f"write {known}: FIELD OF {name}")
            else:
                self._check_record(str(carried.record or carried.list), source, at)
        elif carried.type:
            self._check_field(source, known, carried.type, at)
        else:
            what = f"{known} is carried as a record of {carried.record}"
            report.say(at, what, f"write {known}: {{FIELD OF {carried.record}: FIELD OF {name}}}")

    def _check_record(self, of: str, sources: Mapping[str, str], at: Path) -> None:
        record = self._chart.records.get(of)
        if record is None:
            return  # The mistake is reported where the record is carried.
        given = set()
        for field, source in sources.items():
            known = self._report.resolve(field, record.fields, (*at, field), f"field of {of}")
            if known is not None:
                given.add(known)
                self._check_field(source, f"{of}.{known}", record.fields[known].type, (*at, field))
        for field in record.fields:
            if field not in given:
                what = f"{self._name} does not say what {of}.{field} is"
                self._report.say(at, what, f"add {field}: FIELD OF {self._name}")

    def _check_field(self, source: str, of: str, kind: Type, at: Path) -> None:
        name, fields = self._name, self._event.fields
        known = self._report.resolve(source, fields, at, f"field of {name}")
        if known is not None and fields[known].type is not kind:
            what = f"{of} is of type {kind}, but {name}.{known} of type {fields[known].type}"
            self._report.say(at, what, "give both the same type")


def _check_carried(chart: Chart, report: Report, name: str, carried: Carried) -> None:
    at = ("carried", name)
    kinds = _kinds(carried)
    if len(kinds) != 1:
        what = f"{name} has {' and '.join(kinds)}" if kinds else f"{name} has no type"
        report.say(at, what, "write exactly one of type, record and list")
    for kind in ("record", "list"):
        if of := getattr(carried, kind):
            report.resolve(of, chart.records, (*at, kind), "record")
    if carried.count and not carried.list:
        report.say((*at, "count"), f"{name} has a count but is no list", "remove count")


def _kinds(carried: Carried) -> list[str]:
    return [each for each in ("type", "record", "list") if getattr(carried, each)]


def _check_use(chart: Chart, report: Report) -> None:
    """Check that records and carried values are used, unless an unknown name may be any of them."""
    set_names = {name for event in chart.events.values() for name in (*event.set, *event.append)}
    if set_names <= set(chart.carried):
        what, remedy = "no event sets the carried value", "let an event set it, or remove it"
        report.unused(("carried",), chart.carried, set_names, what, remedy)
    used = {name for carried in chart.carried.values() for name in (carried.record, carried.list)}
    if used <= {*chart.records, None}:
        what, remedy = "nothing is carried as the record", "carry it, or remove it"
        report.unused(("records",), chart.records, used, what, remedy)
