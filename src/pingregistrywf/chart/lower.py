"""Lowering: a chart as it was written becomes what it means (``chart.ir``).

All rules of the language about what a file leaves out are here: a field takes the argument of its
own name, a pair of command and state that no rule names is refused with ``otherwise``, a deleted
history reads as empty, a snapshot is a command with three events.  The reader has checked the
chart, so that nothing here can fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

from pingregistrywf.chart import ir
from pingregistrywf.chart import reader as surface
from pingregistrywf.chart.ir import Arguments, Outcome
from pingregistrywf.chart.meaning import sha256
from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import (
    ArgumentSource,
    Chart,
    Command,
    Constant,
    Event,
    EventWire,
    Operation,
    Operations,
    Rule,
    Snapshot,
    Step,
    StepSource,
    StepVid,
)

BEGIN: Final = "SnapshotBegin"
LIST: Final = "SnapshotState"
END: Final = "SnapshotEnd"
_ROLE_PROSE: Final[Mapping[str, str]] = {
    "begin": "A snapshot begins: readers may start here.",
    "list": "The entries that the snapshot lists.",
    "end": "The snapshot is whole.",
}


def read_model(paths: Sequence[surface.File]) -> ir.Model:
    """Read charts and operations, and lower them.

    Raises:
        ChartError: there are mistakes in them, or one cannot be read.
    """
    model = surface.read_model(paths)
    charts = {name: lower_chart(chart) for name, chart in model.charts.items()}
    operations = {name: lower_operations(each, charts) for name, each in model.operations.items()}
    return ir.Model(charts, operations, model.charts)


# --- Charts ---------------------------------------------------------------------------------------


def lower_chart(chart: Chart) -> ir.Chart:
    """The lowered chart; ``chart`` is one that the reader accepted."""
    states = sorted(chart.states.items(), key=lambda item: item[1].code)
    columns = [name for name, _ in states]
    errors = dict.fromkeys((*chart.errors, *_named_errors(chart)))
    lowered = ir.Chart(
        format=ir.CHART_FORMAT,
        name=chart.chart,
        version=chart.version,
        sha256="0" * 64,
        title=chart.title,
        facade=chart.facade,
        key=None if chart.keyed_by is None else _key(chart, chart.keyed_by),
        wire=ir.Wire(**chart.wire.model_dump()),
        initial=chart.initial,
        states={name: ir.State(name=name, **each.model_dump()) for name, each in states},
        records={
            name: ir.Record(name=name, fields=_values(each.fields), doc=each.doc)
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
        errors={name: _error(chart, name) for name in errors},
        otherwise=chart.otherwise,
        columns=[*columns, *([ir.DELETED] if chart.deletes else [])],
        table=list(_table(chart, columns)),
        doc=chart.doc,
    )
    return lowered.model_copy(update={"sha256": sha256(lowered)})


def _values(parts: Mapping[str, object]) -> dict[str, ir.Value]:
    return {name: ir.Value(name=name, **each.model_dump()) for name, each in parts.items()}  # type: ignore[attr-defined]


def _arguments(command: Command | Operation) -> dict[str, ir.Argument]:
    return {
        name: ir.Argument(name=name, **each.model_dump()) for name, each in command.args.items()
    }


def _key(chart: Chart, name: str) -> ir.Value:
    """The key, as the first event has it: all agree on its type."""
    field = next(iter(chart.events.values())).fields[name]
    return ir.Value(name=name, type=field.type, doc=field.doc)


# --- Errors ---------------------------------------------------------------------------------------


def _named_errors(chart: Chart) -> Iterator[str]:
    yield chart.otherwise
    for command in chart.commands.values():
        for rule in command.rules:
            yield from rule.error or ()
            if rule.otherwise:
                yield rule.otherwise


def _error(chart: Chart, name: str) -> ir.Error:
    declared = chart.errors.get(name)
    return ir.Error(
        name=name,
        own=name not in ir.STANDARD_ERRORS,
        fields=_values(declared.fields) if declared else {},
        doc=declared.doc if declared else "",
    )


# --- Events ---------------------------------------------------------------------------------------


def _events(chart: Chart) -> Iterator[ir.Event]:
    for name, event in chart.events.items():
        yield ir.Event(
            name=name,
            wire_name=event.wire.name,
            number=event.wire.number,
            to=event.to,
            when=event.when,
            fields={
                field: ir.EventField(name=field, **each.model_dump())
                for field, each in event.fields.items()
            },
            listing=None,
            other_forms={
                field: ir.WireValue(name=field, type=each.type, wire=each.wire)
                for field, each in event.other_forms.items()
            },
            carries=list(_carries(event)),
            rewrite=None,
            doc=event.doc,
        )
    if chart.snapshot:
        listing = _listing(chart, chart.snapshot)
        yield _rewriting("begin", BEGIN, chart.snapshot.begin)
        yield _rewriting("list", LIST, chart.snapshot.state, listing)
        yield _rewriting("end", END, chart.snapshot.end)


def _rewriting(
    role: Literal["begin", "list", "end"],
    name: str,
    wire: EventWire,
    listing: ir.Listing | None = None,
) -> ir.Event:
    """An event of a snapshot."""
    return ir.Event(
        name=name,
        wire_name=wire.name,
        number=wire.number,
        to=None,
        when={},
        fields={},
        listing=listing,
        other_forms={},
        carries=[],
        rewrite=role,
        doc=_ROLE_PROSE[role],
    )


def _carries(event: Event) -> Iterator[ir.Carry]:
    for name, source in event.set.items():
        field, sources = (source, None) if isinstance(source, str) else (None, source)
        yield ir.Carry(carried=name, operation="set", field=field, sources=sources)
    for name, sources in event.append.items():
        yield ir.Carry(carried=name, operation="append", field=None, sources=sources)


def _listing(chart: Chart, snapshot: Snapshot) -> ir.Listing:
    message = snapshot.message
    types = {name: each.type for name, each in chart.carried.items() if each.type}
    types[chart.keyed_by or ""] = _key(chart, chart.keyed_by or "").type
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
            arguments=_arguments(command),
            guard=next((kind for kind, _ in _guards(command)), None),
            compared=list(dict.fromkeys(each for _, names in _guards(command) for each in names)),
            rules=[
                ir.Rule(id=f"{name}.{number}", states=rule.states, doc=rule.doc)
                for number, rule in enumerate(command.rules, start=1)
            ],
            rewrite=None,
            doc=command.doc,
        )
    if chart.snapshot:
        said = chart.snapshot.command
        option = ir.Argument(name=said.option, type=Type.BOOL, nonzero=False, doc=said.option_doc)
        states = sorted(chart.states, key=lambda state: chart.states[state].code)
        yield ir.Command(
            name=said.name,
            method=snake(said.name),
            starts=False,
            deletes=False,
            arguments={option.name: option},
            guard=None,
            compared=[],
            rules=[ir.Rule(id=f"{said.name}.1", states=states, doc=chart.snapshot.doc)],
            rewrite=_rewrite(chart.snapshot),
            doc=said.doc,
        )


def _guards(command: Command) -> Iterator[tuple[ir.Guard, list[str]]]:
    """How each rule of a command judges arguments, for those that do."""
    return (rule.guard for rule in command.rules if rule.guard)


def _rewrite(snapshot: Snapshot) -> ir.Rewrite:
    return ir.Rewrite(
        option=snapshot.command.option,
        begin=BEGIN,
        list=LIST,
        end=END,
        order_by=snapshot.order_by,
        limit=ir.Limit(**snapshot.limit.model_dump()),
        saving=ir.Saving(**snapshot.saving.model_dump()),
    )


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
            yield _plain_cell(name, Arguments.ANY, state, Outcome.REWRITE, f"{name}.1")


def _cell(chart: Chart, name: str, arguments: Arguments, state: str) -> ir.Cell:
    for number, rule in enumerate(chart.commands[name].rules, start=1):
        if state in rule.states:
            cell = _plain_cell(name, arguments, state, Outcome.NOOP, f"{name}.{number}")
            return cell.model_copy(update=_outcome(chart, rule, arguments))
    refused = _plain_cell(name, arguments, state, Outcome.REJECT, ir.OTHERWISE)
    return refused.model_copy(update={"error": chart.otherwise})


def _plain_cell(
    name: str, arguments: Arguments, state: str, outcome: Outcome, rule: str
) -> ir.Cell:
    return ir.Cell(
        command=name,
        arguments=arguments,
        state=state,
        outcome=outcome,
        target=state,
        rule=rule,
        event=None,
        error=None,
        sources={},
        guard=None,
        compared=[],
        reason="",
    )


def _outcome(chart: Chart, rule: Rule, arguments: Arguments) -> dict[str, object]:
    """What a rule adds to a cell."""
    if rule.emit:
        ((event, named),) = rule.emit.items()
        sources = _sources(chart.events[event].fields, named)
        target = chart.events[event].to
        return {"outcome": Outcome.EMIT, "target": target, "event": event, "sources": sources}
    if rule.delete:
        return {"outcome": Outcome.DELETE, "target": ir.DELETED}
    if rule.error:
        ((error, named),) = rule.error.items()
        declared = chart.errors.get(error)
        sources = _sources(declared.fields if declared else {}, named)
        return {"outcome": Outcome.REJECT, "error": error, "sources": sources}
    if rule.guard is None:
        return {"reason": rule.noop}
    guard, compared = rule.guard
    guarded = {"guard": guard, "compared": compared}
    if arguments is Arguments.OTHER:
        return {"outcome": Outcome.REJECT, "error": rule.otherwise, **guarded}
    return {"reason": rule.noop, **guarded}


def _sources(fields: Iterable[str], named: Mapping[str, ArgumentSource]) -> dict[str, ir.Source]:
    """Where each field comes from: the argument of its own name, unless the rule says otherwise."""
    return {
        field: ir.Constant(constant=source.constant)
        if isinstance(source, Constant)
        else ir.FromArgument(argument=source)
        for field in fields
        for source in (named.get(field, field),)
    }


def _deleted(empty: ir.Cell) -> ir.Cell:
    """The cell of a deleted history: it reads as empty, but its id cannot be used again yet."""
    update: dict[str, object] = {"state": ir.DELETED, "target": ir.DELETED}
    update |= {"guard": None, "compared": []}
    if empty.outcome is Outcome.EMIT:
        update |= {
            "outcome": Outcome.REJECT,
            "rule": ir.DELETED,
            "event": None,
            "error": ir.HISTORY_DELETED,
            "sources": {},
        }
    return empty.model_copy(update=update)


# --- Operations -----------------------------------------------------------------------------------


def lower_operations(operations: Operations, charts: Mapping[str, ir.Chart]) -> ir.Operations:
    """The lowered operations.

    Args:
        operations: operations that the reader accepted.
        charts: the lowered charts that they name.
    """
    steps = [step for each in operations.operations.values() for step in each.steps]
    return ir.Operations(
        format=ir.OPERATIONS_FORMAT,
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
        doc=operations.doc,
    )


def _operation(
    name: str, operation: Operation, of: Operations, charts: Mapping[str, ir.Chart]
) -> ir.Operation:
    arguments = {
        each: _operation_argument(argument, of) for each, argument in _arguments(operation).items()
    }
    inputs = (each.derived.name if each.derived else each.input for each in arguments.values())
    return ir.Operation(
        name=name,
        inputs=list(dict.fromkeys(str(each) for each in inputs)),
        versioned=any(step.vid == "given" for step in operation.steps),
        arguments=arguments,
        steps=[_step(step, charts[step.chart].commands[step.command]) for step in operation.steps],
        doc=operation.doc,
    )


def _operation_argument(argument: ir.Argument, of: Operations) -> ir.OperationArgument:
    derived = next(
        (
            ir.DerivedId(name=name, namespace=each.namespace, prefix=each.ids[argument.name])
            for name, each in of.names.items()
            if argument.name in each.ids
        ),
        None,
    )
    given = None if derived else of.inputs.get(argument.name, argument.name)
    return ir.OperationArgument(**argument.model_dump(), input=given, derived=derived)


def _step(step: Step, command: ir.Command) -> ir.Step:
    vid = ir.VidOfStep(step=step.vid.step) if isinstance(step.vid, StepVid) else step.vid
    return ir.Step(
        chart=step.chart,
        history=step.history,
        command=step.command,
        sources={
            argument: _step_source(step.args.get(argument, argument))
            for argument in command.arguments
        },
        vid=vid,
        starts=command.starts,
        on_refusal=step.on_refusal,
        doc=step.doc,
    )


def _step_source(source: StepSource) -> ir.StepSource:
    match source:
        case StepVid(step=number):
            return ir.VidOfStep(step=number)
        case Constant(constant=value):
            return ir.Constant(constant=value)
        case argument:
            return ir.FromArgument(argument=argument)
