"""A journal's trace as a module of TLA+, which extends the generated module that follows it.

Each id of the journal is a constant of the model.  Ids that follow from one name, such as those of
a registry and of its index, are the same constant; an event that names another one shows which ids
belong together.  The vid of an event is the incarnation of its history and its number there.  What
the model leaves out of events is left out here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from pyrsistent import pmap

from pingregistrywf.chart.ir import FromArgument, Listing, Model
from pingregistrywf.chart.system import Size
from pingregistrywf.chart.types import Type
from pingregistrywf.formal.journal_trace import Committed, JournalTrace, TraceError
from pingregistrywf.formal.values import ModelValue, Value, tla_text
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.charts import ChartModule
from pingregistrywf.generate.tla.checks import constants, member, trace_module_of
from pingregistrywf.generate.tla.systems import SystemModule
from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.render import event_json

MODULE: Final = "ObservedTrace"
_EPOCH: Final = (0, 0)
_NO_EVENT: Final = (0, 1)
"""The vid of an event that the journal does not hold: there is no incarnation 0."""


@dataclass(frozen=True, slots=True)
class TraceModule:
    """The module of a trace, and those that it uses.

    Attributes:
        files: the modules, by the names of their files.
        settings: the configuration, without a property.
    """

    files: Mapping[str, str]
    settings: str


def trace_module(model: Model, name: str, trace: JournalTrace) -> TraceModule:
    """Return the module of a trace, which a system of a model may follow.

    Raises:
        TraceError: a history is of a chart that the system does not have.
    """
    system = model.systems[name]
    module = SystemModule(system, model)
    if foreign := {each.declaration.name for each in trace.events} - module.charts.keys():
        raise TraceError(f"{name} has no histories of the chart {', '.join(sorted(foreign))}")
    values = _Values(module, trace)
    length = len(trace.events)
    size = Size(
        inputs={each: max(len(ids), 1) for each, ids in values.members.items()},
        # One of each kind is enough, since an interrupted operation is finished by another run.
        participants=dict.fromkeys(system.participants, 1),
        limits=dict.fromkeys(module.limits, length),
        crashes=length,
        lives=len(trace.deleted) + 1,
        doc="As large as the journal needs.",
    )
    names = [str(each) for members in values.members.values() for each in members.values()]
    lines = [
        f"---- MODULE {MODULE} ----",
        f"EXTENDS {trace_module_of(system)}",
        *([f"CONSTANTS {', '.join(names)}"] if names else []),
        "ObservedEvents == <<",
        ",\n".join(tla_text(values.committed(each)) for each in trace.events),
        ">>",
        f"ObservedDeletions == {tla_text(values.deletions())}",
        "====",
    ]
    settings = [
        "SPECIFICATION TraceSpec",
        "VIEW Seen",
        "CONSTANTS",
        *(f"    {each} = {value}" for each, value in constants(system, size)),
        *(f"    {each} = {each}" for each in names),
        "    Trace <- ObservedEvents",
        "    Deletions <- ObservedDeletions",
    ]
    files = {**formal_model(model, name), f"{MODULE}.tla": "\n".join(lines) + "\n"}
    return TraceModule(files, "\n".join(settings) + "\n")


class _Values:
    """What a trace says, as values of the model.

    Attributes:
        members: the constant for each id, by the input that it gives or follows from.
    """

    def __init__(self, module: SystemModule, trace: JournalTrace) -> None:
        self._module = module
        self._trace = trace
        self._inputs = dict(_inputs(module))
        self._vids = dict(_vids(trace))
        self._same = self._same_ids()
        found: dict[str, dict[str, None]] = {name: {} for name in module.system.inputs}
        for each in trace.events:
            for name, text in self._ids(each):
                found[name][self._same.get(text, text)] = None
        self.members: Mapping[str, Mapping[str, ModelValue]] = {
            name: {text: ModelValue(member(name, each)) for each, text in enumerate(texts, start=1)}
            for name, texts in found.items()
        }

    def committed(self, each: Committed) -> Value:
        """Return an event with its place, as the trace module has it."""
        return _record(
            chart=each.declaration.name,
            history=self._history(each),
            vid=self._vid(each.event.id),
            parent=self._vid(each.event.parent),
            event=self._event(each),
        )

    def deletions(self) -> frozenset[Value]:
        """Return the histories that were deleted, each with the vid of its last event."""
        return frozenset(
            (each.declaration.name, self._history(each), self._vid(each.event.id))
            for each in self._trace.events
            if each.event.id in self._trace.deleted
        )

    def _event(self, each: Committed) -> Value:
        chart = self._module.charts[each.declaration.name]
        told = event_json(each.declaration, each.event)
        event = chart.chart.events[told["event"]]
        values: dict[str, Value] = {"type": event.name}
        for name in chart.fields(event):
            value = told["fields"].get(name, EPOCH)
            if event.fields[name].type is Type.ULID:
                values[name] = self._vid(value)
            elif input_ := self._inputs.get((chart.chart.name, event.name, name)):
                values[name] = self._member(input_, value)
        if event.listing:
            values["entries"] = self._entries(chart, event.listing, told["fields"])
        return _record(**values)

    def _entries(self, chart: ChartModule, listing: Listing, fields: Mapping[str, Any]) -> Value:
        """Return the entries of all keys, as the model lists them."""
        input_ = self._module.key_input(chart.chart.name)
        key = chart.chart.key
        assert input_ is not None  # noqa: S101 (a listing lists entries)
        assert key is not None  # noqa: S101 (likewise)
        nothing = _record(state=chart.chart.initial, **dict.fromkeys(chart.carried, _EPOCH))
        entries: dict[Value, Value] = dict.fromkeys(self.members[input_].values(), nothing)
        for each in fields[listing.name]:
            states = (one.state for one in listing.states if one.carried in (None, *each))
            carried = {name: self._vid(each.get(name, EPOCH)) for name in chart.carried}
            entries[self._member(input_, each[key.name])] = _record(state=next(states), **carried)
        return pmap(entries)

    def _history(self, each: Committed) -> Value:
        return self._member(self._module.indexed[each.declaration.name], each.history)

    def _member(self, input_: str, id_: object) -> ModelValue:
        return self.members[input_][self._same.get(str(id_), str(id_))]

    def _vid(self, id_: object) -> Value:
        return _EPOCH if str(id_) == str(EPOCH) else self._vids.get(str(id_), _NO_EVENT)

    def _ids(self, each: Committed) -> Iterator[tuple[str, str]]:
        """Yield the ids that an event and its place show, each with its input."""
        chart = each.declaration.name
        yield self._module.indexed[chart], str(each.history)
        told = event_json(each.declaration, each.event)
        for name, value in told["fields"].items():
            if input_ := self._inputs.get((chart, told["event"], name)):
                yield input_, str(value)

    def _same_ids(self) -> dict[str, str]:
        """Return for ids that follow from a name which other id follows from the same one."""
        same: dict[str, str] = {}
        for (input_, own), (other_input, other) in self._seen_together():
            derived = input_ == other_input and input_ in self._module.operations.names
            if derived and own != other and not {own, other} & {*same, *same.values()}:
                same[other] = own
        return same

    def _seen_together(self) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
        """Yield each id that an event shows with each one of an event that it names."""
        events = {str(each.event.id): each for each in self._trace.events}
        for each in self._trace.events:
            for value in event_json(each.declaration, each.event)["fields"].values():
                if named := events.get(str(value)):
                    yield from product(self._ids(each), self._ids(named))


def _record(**fields: Any) -> Value:
    values: dict[Any, Any] = fields
    return pmap(values)


def _vids(trace: JournalTrace) -> Iterator[tuple[str, Value]]:
    """Yield the id of each event with the incarnation of its history and its number there."""
    newest = dict.fromkeys((each.history for each in trace.events), (1, 0))
    for each in trace.events:
        incarnation, number = newest[each.history]
        yield str(each.event.id), (incarnation, number + 1)
        ended = each.event.id in trace.deleted
        newest[each.history] = (incarnation + 1, 0) if ended else (incarnation, number + 1)


def _inputs(module: SystemModule) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield the fields of events that inputs of the system enter, each with the input."""
    for operation in module.used.values():
        for step in operation.steps:
            chart = module.charts[step.chart].chart
            for cell in chart.table:
                if cell.command != step.command or cell.event is None:
                    continue
                for field, source in cell.sources.items():
                    given = (
                        step.sources[source.argument]
                        if isinstance(source, FromArgument)
                        else source
                    )
                    if isinstance(given, FromArgument):
                        input_ = module.input_of(operation, given.argument)
                        if input_ in module.system.inputs:
                            yield (chart.name, cell.event, field), input_
