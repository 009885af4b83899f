"""Events: where they lead, and how their fields enter the carried state."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.checks.states import initial_state
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Carried, Chart, Event

_IDS = (Type.UUID, Type.ULID)


def check_events(chart: Chart, report: Report) -> None:
    """Check every event, and what they carry."""
    for name, event in chart.events.items():
        _Checker(chart, report, name, event).check()
    for name, carried in chart.carried.items():
        _check_carried(chart, report, name, carried)
    _check_use(chart, report)


class _Checker:
    """Checks one event."""

    def __init__(self, chart: Chart, report: Report, name: str, event: Event) -> None:
        self._chart = chart
        self._report = report
        self._name = name
        self._event = event

    def check(self) -> None:
        name, event, at = self._name, self._event, ("events", self._name)
        target = self._report.resolve(event.to, self._chart.states, (*at, "to"), "state")
        if target and target == initial_state(self._chart) and not self._chart.keyed_by:
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
            if field in event.other_forms:
                what = f"{field} is a field of {name} and of its other forms"
                self._report.say((*at, "other_forms", field), what, "remove one of the two")
        for value, source in event.set.items():
            self._check_set(value, source, (*at, "set", value))
        for value, sources in event.append.items():
            self._check_append(value, sources, (*at, "append", value))

    def _check_set(self, value: str, source: str | Mapping[str, str], at: Path) -> None:
        name, report = self._name, self._report
        known = report.resolve(value, self._chart.carried, at, "carried value")
        if known is None:
            return
        carried = self._chart.carried[known]
        if len(_kinds(carried)) != 1:
            return  # The mistake is reported where the value is carried.
        if carried.list:
            what = f"{known} is carried as a list of {carried.list}"
            report.say(at, what, f"write append: {{{known}: …}}")
        elif carried.type and isinstance(source, str):
            self._check_field(source, known, carried.type, at)
        elif carried.type:
            what = f"{known} is carried as a single {carried.type}"
            report.say(at, what, f"write {known}: FIELD OF {name}")
        elif isinstance(source, str):
            what = f"{known} is carried as a record of {carried.record}"
            report.say(at, what, f"write {known}: {{FIELD OF {carried.record}: FIELD OF {name}}}")
        else:
            self._check_record(str(carried.record), source, at)

    def _check_append(self, value: str, sources: Mapping[str, str], at: Path) -> None:
        known = self._report.resolve(value, self._chart.carried, at, "carried list")
        if known is None:
            return
        carried = self._chart.carried[known]
        if len(_kinds(carried)) != 1:
            return  # The mistake is reported where the value is carried.
        if carried.list:
            self._check_record(carried.list, sources, at)
        else:
            what = f"{known} is not carried as a list"
            self._report.say(at, what, f"write set: {{{known}: …}}")

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
        """Check that a field of the event can enter something of a type."""
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
    """Check that no record and no carried value is declared in vain.

    Nothing is said while an unknown name is used, which may be a misspelling of any of them.
    """
    set_names = {name for event in chart.events.values() for name in (*event.set, *event.append)}
    if set_names <= set(chart.carried):
        for name in chart.carried:
            if name not in set_names:
                what = f"no event sets the carried value {name}"
                report.say(("carried", name), what, "let an event set it, or remove it")
    used = {name for carried in chart.carried.values() for name in (carried.record, carried.list)}
    if used <= {*chart.records, None}:
        for name in chart.records:
            if name not in used:
                what = f"nothing is carried as the record {name}"
                report.say(("records", name), what, "carry it, or remove it")
