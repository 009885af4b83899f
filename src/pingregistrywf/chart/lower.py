"""Lowering: a chart as it was written becomes what it means (``chart.ir``).

All rules of the language about what a file leaves out are here: a field takes the argument of its
own name, a pair of command and state that no rule names is refused with ``otherwise``, a deleted
history reads as empty, a snapshot is a command with three events.  The reader has checked the
chart, so that nothing here can fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from pingregistrywf.chart import ir
from pingregistrywf.chart import reader as surface
from pingregistrywf.chart.ir import Arguments, Outcome
from pingregistrywf.chart.meaning import sha256
from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.parts import Constant, Word
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import (
    Chart,
    Command,
    Error,
    Event,
    EventField,
    EventWire,
    Operation,
    Operations,
    PlainField,
    Rule,
    Snapshot,
    StepSource,
    renamable,
)

N = TypeVar("N", bound=ir.Named)
Target: TypeAlias = EventField | PlainField | ir.Argument

BEGIN, LIST, END = "SnapshotBegin", "SnapshotState", "SnapshotEnd"


def read_model(paths: Sequence[surface.File]) -> ir.Model:
    """Read charts and operations, and lower them; the other files leave nothing out.

    Raises:
        ChartError: there are mistakes in them, or one cannot be read.
    """
    model = surface.read_model(paths)
    charts = {name: lower_chart(chart) for name, chart in model.charts.items()}
    operations = {name: lower_operations(each, charts) for name, each in model.operations.items()}
    return ir.Model(
        charts,
        operations,
        model.services,
        model.systems,
        model.properties,
        model.invariants,
        model.charts,
    )


def _named(part: type[N], words: Mapping[str, Word], **more: Any) -> dict[str, N]:
    """Parts that hold what was written, and their names."""
    return {
        name: part(name=name, **{key: value for key, value in each if key != "was"}, **more)
        for name, each in words.items()
    }


# --- Charts ---------------------------------------------------------------------------------------


def lower_chart(chart: Chart) -> ir.Chart:
    """The lowered chart; ``chart`` is one that the reader accepted."""
    columns = _states(chart)
    lowered = ir.Chart(
        name=chart.chart,
        version=chart.version,
        sha256="0" * 64,
        title=chart.title,
        facade=chart.facade,
        key=_key(chart),
        wire=chart.wire,
        initial=chart.initial,
        states=_named(ir.State, {name: chart.states[name] for name in columns}),
        records={
            name: ir.Record(name=name, fields=_named(ir.Value, each.fields), doc=each.doc)
            for name, each in chart.records.items()
        },
        carried={
            name: ir.Carried(
                name=name,
                kind="value" if each.type else "record" if each.record else "list",
                type=each.type,
                record=each.record or each.list,
                attribute=each.attribute or name,
                count=each.count,
                doc=each.doc,
            )
            for name, each in chart.carried.items()
        },
        events={each.name: each for each in _events(chart)},
        commands={each.name: each for each in _commands(chart)},
        errors={name: _error(chart, name) for name in (*chart.errors, *chart.named_errors)},
        otherwise=chart.otherwise,
        columns=[*columns, *([ir.DELETED] if chart.deletes else [])],
        table=list(_table(chart, columns)),
        was=chart.was,
        renamed=dict(_renamed(chart)),
        doc=chart.doc,
    )
    return lowered.model_copy(update={"sha256": sha256(lowered)})


def _renamed(chart: Chart) -> Iterator[tuple[str, str]]:
    """The path of each part that had another name, and that name."""
    for path, part in renamable(chart):
        if part.was:
            yield ".".join(path).replace(".args.", ".arguments."), part.was


def _states(chart: Chart) -> list[str]:
    return sorted(chart.states, key=lambda name: chart.states[name].code)


def _key(chart: Chart) -> ir.Value | None:
    """The key, as the first event has it: all agree on its type."""
    if chart.keyed_by is None:
        return None
    field = next(iter(chart.events.values())).fields[chart.keyed_by]
    return ir.Value(name=chart.keyed_by, type=field.type, doc=field.doc)


# --- Errors ---------------------------------------------------------------------------------------


def _error(chart: Chart, name: str) -> ir.Error:
    declared = chart.errors.get(name, Error(doc=""))
    return ir.Error(
        name=name,
        own=name not in ir.STANDARD_ERRORS,
        fields=_named(ir.Value, declared.fields),
        doc=declared.doc,
    )


# --- Events ---------------------------------------------------------------------------------------


def _events(chart: Chart) -> Iterator[ir.Event]:
    for name, event in chart.events.items():
        yield _event(
            name,
            event.wire,
            to=event.to,
            when=event.when,
            fields={field: _event_field(field, each) for field, each in event.fields.items()},
            other_forms={
                field: ir.WireValue(name=field, type=each.type, wire=each.wire)
                for field, each in event.other_forms.items()
            },
            carries=list(_carries(event)),
            retired_in=_retired_in(chart, name),
            doc=event.doc,
        )
    if snapshot := chart.snapshot:
        begins = "A snapshot begins: readers may start here."
        lists = "The entries that the snapshot lists."
        listing = _listing(chart, snapshot)
        yield _event(BEGIN, snapshot.begin, rewrite="begin", doc=begins)
        yield _event(LIST, snapshot.state, rewrite="list", listing=listing, doc=lists)
        yield _event(END, snapshot.end, rewrite="end", doc="The snapshot is whole.")


def _event_field(name: str, field: EventField) -> ir.EventField:
    default = field.default
    if field.type is Type.UUID and default is not None:
        default = str(default).lower()
    return ir.EventField(name=name, **field.model_dump(exclude={"was"}) | {"default": default})


def _event(name: str, wire: EventWire, **more: Any) -> ir.Event:
    return ir.Event(name=name, wire_name=wire.name, number=wire.number, **more)


def _carries(event: Event) -> Iterator[ir.Carry]:
    for name, source in event.set.items():
        field, sources = (source, None) if isinstance(source, str) else (None, source)
        yield ir.Carry(carried=name, operation="set", field=field, sources=sources)
    for name, sources in event.append.items():
        yield ir.Carry(carried=name, operation="append", sources=sources)


def _retired_in(chart: Chart, event: str) -> list[str]:
    """The states in which only retired rules emit the event."""
    states: dict[bool, set[str]] = {True: set(), False: set()}
    for rule in chart.rules:
        if event in (rule.emit or ()):
            states[rule.retired].update(rule.states)
    retired = states[True] - states[False]
    return [state for state in _states(chart) if state in retired]


def _listing(chart: Chart, snapshot: Snapshot) -> ir.Listing:
    message = snapshot.message
    types = {name: each.type for name, each in chart.carried.items() if each.type}
    if key := _key(chart):
        types[key.name] = key.type
    return ir.Listing(
        name=message.entries,
        field=message.field,
        wire=message.wire,
        message=message.message,
        entries_wire=message.entries_wire,
        entry_message=message.entries_message,
        fields={
            name: ir.WireValue(name=name, type=types[name], wire=number)
            for name, number in message.fields.items()
        },
        states=[
            ir.Choice(state=state, carried=carried) for state, carried in snapshot.states.items()
        ],
    )


# --- Commands and the table -----------------------------------------------------------------------


def _commands(chart: Chart) -> Iterator[ir.Command]:
    for name, command in chart.commands.items():
        yield ir.Command(
            name=name,
            method=snake(name),
            starts=chart.starts(name),
            deletes=any(rule.delete for rule in command.rules),
            arguments=_named(ir.Argument, command.args),
            guard=next((kind for kind, _ in _guards(command)), None),
            compared=list(dict.fromkeys(each for _, names in _guards(command) for each in names)),
            rules=[
                ir.Rule(id=f"{name}.{number}", states=rule.states, doc=rule.doc)
                for number, rule in _active(command)
            ],
            doc=command.doc,
        )
    if snapshot := chart.snapshot:
        asking = snapshot.command
        option = ir.Argument(name=asking.option, type=Type.BOOL, doc=asking.option_doc)
        yield ir.Command(
            name=asking.name,
            method=snake(asking.name),
            arguments={option.name: option},
            rules=[ir.Rule(id=f"{asking.name}.1", states=_states(chart), doc=snapshot.doc)],
            rewrite=ir.Rewrite(
                option=option.name,
                begin=BEGIN,
                list=LIST,
                end=END,
                order_by=snapshot.order_by,
                limit=snapshot.limit,
                saving=snapshot.saving,
            ),
            doc=asking.doc,
        )


def _active(command: Command) -> Iterator[tuple[int, Rule]]:
    """The rules that are not retired, each with its number among all."""
    return (each for each in enumerate(command.rules, start=1) if not each[1].retired)


def _guards(command: Command) -> Iterator[tuple[ir.Guard, list[str]]]:
    """How each rule of a command judges arguments, for those that do."""
    return (rule.guard for rule in command.rules if rule.guard)


def _table(chart: Chart, states: Sequence[str]) -> Iterator[ir.Cell]:
    for name, command in chart.commands.items():
        guarded = any(_guards(command))
        for arguments in (Arguments.SAME, Arguments.OTHER) if guarded else (Arguments.ANY,):
            for state in states:
                yield _cell(chart, name, arguments, state)
            if chart.deletes:
                yield _deleted(_cell(chart, name, arguments, chart.initial))
    if chart.snapshot:
        name = chart.snapshot.command.name
        for state in states:
            yield ir.Cell(
                command=name,
                arguments=Arguments.ANY,
                state=state,
                outcome=Outcome.REWRITE,
                target=state,
                rule=f"{name}.1",
            )


def _cell(chart: Chart, name: str, arguments: Arguments, state: str) -> ir.Cell:
    cell: dict[str, Any] = {"command": name, "arguments": arguments, "state": state}
    cell |= {"target": state, "rule": ir.OTHERWISE}
    outcome: dict[str, Any] = {"outcome": Outcome.REJECT, "error": chart.otherwise}
    for number, rule in _active(chart.commands[name]):
        if state in rule.states:
            outcome = {"rule": f"{name}.{number}", **_outcome(chart, rule, arguments)}
    return ir.Cell(**cell | outcome)


def _outcome(chart: Chart, rule: Rule, arguments: Arguments) -> dict[str, Any]:
    """What a rule says of a cell."""
    if rule.emit:
        ((name, written),) = rule.emit.items()
        event = chart.events[name]
        sources = _sources(event.fields, written)
        return {"outcome": Outcome.EMIT, "target": event.to, "event": name, "sources": sources}
    if rule.delete:
        return {"outcome": Outcome.DELETE, "target": ir.DELETED}
    if rule.error:
        ((name, written),) = rule.error.items()
        sources = _sources(chart.errors.get(name, Error(doc="")).fields, written)
        return {"outcome": Outcome.REJECT, "error": name, "sources": sources}
    outcome: dict[str, Any] = {"outcome": Outcome.NOOP, "reason": rule.noop}
    if arguments is Arguments.OTHER and rule.guard:
        outcome = {"outcome": Outcome.REJECT, "error": rule.otherwise}
    guard, compared = rule.guard or (None, [])
    return {**outcome, "guard": guard, "compared": compared}


def _sources(
    targets: Mapping[str, Target], written: Mapping[str, StepSource]
) -> dict[str, ir.StepSource]:
    """Where each value comes from: the argument of its own name, unless a source is written."""
    return {name: _source(each, written.get(name, name)) for name, each in targets.items()}


def _source(target: Target, source: StepSource) -> ir.StepSource:
    if isinstance(source, str):
        return ir.FromArgument(argument=source)
    if isinstance(source, Constant) and target.type is Type.UUID:
        return Constant(constant=str(source.constant).lower())
    return source


def _deleted(empty: ir.Cell) -> ir.Cell:
    """The cell of a deleted history: it reads as empty, but its id cannot be used again yet."""
    update: dict[str, Any] = {"state": ir.DELETED, "target": ir.DELETED}
    update |= {"guard": None, "compared": []}
    if empty.outcome is Outcome.EMIT:
        update |= {"outcome": Outcome.REJECT, "error": ir.HISTORY_DELETED, "rule": ir.DELETED}
        update |= {"event": None, "sources": {}}
    return empty.model_copy(update=update)


# --- Operations -----------------------------------------------------------------------------------


def lower_operations(operations: Operations, charts: Mapping[str, ir.Chart]) -> ir.Operations:
    """The lowered operations; ``charts`` are the lowered charts that they name."""
    steps = [step for each in operations.operations.values() for step in each.steps]
    return ir.Operations(
        name=operations.operations_of,
        title=operations.title,
        charts=sorted({step.chart for step in steps}),
        names={
            name: ir.Name(name=name, pattern=each.pattern, doc=each.doc)
            for name, each in operations.names.items()
        },
        operations={
            name: _operation(name, operation, operations, charts)
            for name, operation in operations.operations.items()
        },
        trials=None
        if operations.trials is None
        else [
            ir.Trial(operation=each.run, after=each.after, then=each.then)
            for each in operations.trials
        ],
        daemons=operations.daemons,
        doc=operations.doc,
    )


def _operation(
    name: str, operation: Operation, of: Operations, charts: Mapping[str, ir.Chart]
) -> ir.Operation:
    arguments = {
        each: ir.OperationArgument(name=each, **dict(argument), **_origin(each, of))
        for each, argument in operation.args.items()
    }
    inputs = (each.derived.name if each.derived else each.input for each in arguments.values())
    return ir.Operation(
        name=name,
        inputs=list(dict.fromkeys(str(each) for each in inputs)),
        versioned=any(step.vid == "given" for step in operation.steps),
        arguments=arguments,
        about=operation.about,
        steps=list(_steps(operation, charts)),
        again=_again(operation, of),
        doc=operation.doc,
    )


def _again(operation: Operation, of: Operations) -> ir.Again | None:
    again = operation.again
    if again is None:
        return None
    own = again.own and ir.Own(carried=again.own, **_origin(again.own, of))
    chart = next(step.chart for step in operation.steps if step.history == again.history)
    return ir.Again(
        chart=chart,
        history=again.history,
        states=again.states,
        listed=again.listed,
        own=own or None,
    )


def _origin(argument: str, of: Operations) -> dict[str, Any]:
    """The name from which an argument is derived, or else the input that gives it."""
    for name, each in of.names.items():
        if argument in each.ids:
            prefix = each.ids[argument]
            return {"derived": ir.DerivedId(name=name, namespace=each.namespace, prefix=prefix)}
    return {"input": of.inputs.get(argument, argument)}


def _steps(operation: Operation, charts: Mapping[str, ir.Chart]) -> Iterator[ir.Step]:
    listed: set[tuple[str, str]] = set()
    if (about := operation.about) is not None:
        listed = {(about.chart, about.history)}
        listed |= {(step.chart, about.entry) for step in operation.steps}
    for step in operation.steps:
        command = charts[step.chart].commands[step.command]
        place = (step.chart, step.history)
        yield ir.Step(
            **step.model_dump(exclude={"args"}),
            sources=_sources(command.arguments, step.args),
            starts=command.starts,
            incarnation=place in listed,
        )
        listed.discard(place)
