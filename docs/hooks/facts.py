"""Markdown about charts, operations and errors, from the lowered documents."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from uuid import UUID

from linked import try_command, try_event, try_state
from marked import code, grid, parts, plain

import pingregistrywf
from pingregistrywf import EPOCH, Ulid, WorkflowError
from pingregistrywf.chart.ir import (
    OTHERWISE,
    Argument,
    Arguments,
    Cell,
    Chart,
    Command,
    Event,
    FromArgument,
    Listing,
    Operation,
    OperationArgument,
    Outcome,
    State,
)
from pingregistrywf.chart.parts import Constant
from pingregistrywf.generate.artefacts import FORMATS
from pingregistrywf.runtime.errors import retry_of

USES: Final = {
    "svg": "to look at: follows the reader's light or dark scheme, with titles for screen readers",
    "mmd": "Mermaid, for Markdown where it is drawn",
    "puml": "PlantUML",
    "dot": "Graphviz, to lay it out anew",
    "scxml": "SCXML, to run: python-statemachine loads it, as other engines do",
    "xstate.json": "an XState machine, to run in JavaScript: `createMachine` takes it as it is",
}
"""What each format of ``FORMATS`` is for."""

EXAMPLES: Final[dict[str, Any]] = {
    "int32": 1,
    "string": "disk full",
    "bool": True,
    "uuid": UUID("11111111-2222-4333-8444-555555555555"),
    "ulid": Ulid.parse("01HF7YAT00AAAAAAAAAAAAAAAA"),
}
"""A value of each type."""

WIDE: Final = 19
"""How many bytes stand in a line: an id with its tag and length."""

ID: Final = Ulid.parse("01HF7YAT01BBBBBBBBBBBBBBBB")
"""The id of the events that are encoded as examples; the parent of each is the epoch."""


def downloads(chart: Chart) -> str:
    """The files of a chart's diagram."""
    files = ((f"{chart.name}.{suffix}", USES[suffix]) for suffix in FORMATS)
    return grid(
        ("file", "for"),
        ((f"[{file}](../generated/{file}){{download={file}}}", uses) for file, uses in files),
    )


def states(chart: Chart) -> str:
    """Each state: its code, its meaning, how it is reached and left."""
    return parts(*(_state(chart, each) for each in chart.states.values()))


def _state(chart: Chart, state: State) -> str:
    initial = ", the initial state" if state.initial else ""
    reached = sorted(name for name, event in chart.events.items() if event.to == state.name)
    by = ", ".join(map(code, reached)) or "no event"
    cells = [chart.cells[row, state.name] for row in chart.rows]
    rows = ((_row(cell), _outcome(cell), _why(chart, cell)) for cell in cells if _ruled(cell))
    return parts(
        f"### {state.name} {{#{_anchor(chart, state.name)}}}",
        f"Code {state.code}{initial}. {plain(state.doc)}",
        f"Reached by {by}." if not state.initial or reached else "",
        grid(("command", "what it does", "why"), rows),
        f"Every other command is `{chart.otherwise}`.",
        try_state(chart, state.name),
    )


def events(chart: Chart) -> str:
    """Each event: its number, its fields, who emits it, and an example in bytes."""
    return parts(*(_event(chart, event) for event in chart.events.values()))


def _event(chart: Chart, event: Event) -> str:
    fields = (
        (
            code(name),
            each.type.value,
            str(each.wire),
            plain(each.doc) + (" Bytes without it are malformed." if each.required else ""),
        )
        for name, each in event.fields.items()
    )
    values = {name: EXAMPLES[each.type] for name, each in event.fields.items()}
    values |= {name: 0 for name, which in event.when.items() if which == "zero"}
    numbers = {each.wire: name for name, each in event.fields.items()}
    if event.listing:
        values |= {event.listing.name: (_listed(chart, event.listing),)}
        numbers[event.listing.wire] = event.listing.field
    return parts(
        f"### {event.name} {{#{_anchor(chart, event.name)}}}",
        f"{plain(event.doc)} Number {event.number}, `{event.wire_name}`."
        + (f" Leads to {event.to}." if event.to else "")
        + f" Emitted by {', '.join(map(code, _emitters(chart, event)))}.",
        grid(("field", "type", "number", "meaning"), fields),
        _example(chart, event.name, values, numbers),
        try_event(chart, event.name),
    )


def _emitters(chart: Chart, event: Event) -> Iterable[str]:
    """The commands that emit an event, in the chart's order."""
    for name, command in chart.commands.items():
        emitted = {
            chart.cells[row, column].event
            for row in chart.rows
            if row[0] == name
            for column in chart.states
        }
        if event.name in emitted or (event.rewrite and command.rewrite):
            yield name


def _listed(chart: Chart, listing: Listing) -> Any:
    """An entry of a keyed chart, with an example of every value that is listed."""
    values = {
        chart.carried[name].attribute if name in chart.carried else name: EXAMPLES[field.type]
        for name, field in listing.fields.items()
    }
    package, state = _package(chart), chart.states[listing.states[0].state]
    return package.Entry(**values, state_code=package.StateCode(state.code))


def _example(chart: Chart, name: str, values: dict[str, Any], numbers: dict[int, str]) -> str:
    """An event in bytes, a line a field."""
    event = getattr(_package(chart), name)(id=ID, parent=EPOCH, **values)
    wire = chart.wire
    names = {wire.event: "event", wire.id: "id", wire.parent: "parent: the epoch"}
    lines = []
    for number, data in _fields(event.marshal_proto()):
        meaning = (names | numbers)[number]
        pieces = [data[at : at + WIDE].hex(" ") for at in range(0, len(data), WIDE)]
        lines += [f"{pieces[0]:<{3 * WIDE}} {meaning}", *pieces[1:]]
    return parts("An example, in bytes:", "\n".join(["```text", *lines, "```"]))


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message: the number of each, and its bytes with tag and length."""
    at = 0
    while at < len(data):
        tag, after = _varint(data, at)
        value, after = _varint(data, after)
        end = after + value if tag & 7 == 2 else after
        yield tag >> 3, data[at:end]
        at = end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def commands(chart: Chart) -> str:
    """Each command: how it is called, its arguments and its rules."""
    return parts(*(_command(chart, command) for command in chart.commands.values()))


def _command(chart: Chart, command: Command) -> str:
    rules = (
        (rule.id, ", ".join(rule.states), _rule(chart, command, rule.id), plain(rule.doc))
        for rule in command.rules
    )
    return parts(
        f"### {command.name} {{#{_anchor(chart, command.name)}}}",
        plain(command.doc),
        _call(chart, command),
        arguments(command.arguments),
        grid(("rule", "in", "what it does", "why"), rules),
        _rewrite(command) or f"In every other state it is `{chart.otherwise}`.",
        try_command(chart, command.name),
    )


def _rewrite(command: Command) -> str:
    """When a command that rewrites the history is refused; empty for any other command."""
    if not command.rewrite:
        return ""
    limit, saving = command.rewrite.limit, command.rewrite.saving
    return (
        f"With more than {limit.entries} entries it is `{limit.error}`. With"
        f" `{command.rewrite.option}` it is `{saving.error}` if fewer than {saving.events} events"
        f" follow the last rewrite, or no more of them than {saving.base} and {saving.per_entry}"
        " for each entry."
    )


def _call(chart: Chart, command: Command) -> str:
    facade = getattr(_package(chart), chart.facade)
    _, *given = inspect.signature(getattr(facade, command.method)).parameters
    return f"In Python: `{chart.facade}.{command.method}({', '.join(given)})`."


def arguments(declared: Mapping[str, Argument]) -> str:
    """Arguments in a table."""
    rows = ((code(each.name), _type(each), plain(each.doc)) for each in declared.values())
    return grid(("argument", "type", "meaning"), rows)


def _type(argument: Argument) -> str:
    return argument.type.value + (", not zero" if argument.nonzero else "")


def _rule(chart: Chart, command: Command, rule: str) -> str:
    """What a rule does, from its first cell; of a rule that compares, from both."""
    cells = [cell for cell in chart.table if cell.command == command.name and cell.rule == rule]
    other = next((cell for cell in cells if cell.arguments is Arguments.OTHER), cells[0])
    if other.compared:
        return f"noop with the same {', '.join(other.compared)}; else `{other.error}`"
    if other.outcome is not Outcome.EMIT:
        return _outcome(other)
    renamed = (
        f"{field} from {_source(source)}"
        for field, source in other.sources.items()
        if source != FromArgument(argument=field)
    )
    return ", ".join([f"**+{other.event}**", *renamed])


def _source(source: FromArgument | Constant) -> str:
    return code(source.constant if isinstance(source, Constant) else source.argument)


def errors(chart: Chart) -> str:
    """The errors that a chart names, and the commands that are refused with them."""
    rows = (
        (code(name), ", ".join(map(code, each.fields)), plain(each.doc), _answers(chart, name))
        for name, each in chart.errors.items()
        if each.own or each.doc
    )
    return grid(("error", "fields", "meaning", "answers"), rows)


def _answers(chart: Chart, error: str) -> str:
    refused: dict[str, list[str]] = {}
    for cell in chart.table:
        if cell.error == error and _ruled(cell):
            refused.setdefault(_row(cell), []).append(cell.state)
    answers = [f"{row} in {', '.join(states)}" for row, states in refused.items()]
    if error == chart.otherwise:
        answers.append("every pair of command and state that no rule names")
    for name, command in chart.commands.items():
        rewrite = command.rewrite
        if rewrite and error in (rewrite.limit.error, rewrite.saving.error):
            answers.append(code(name))
    return "; ".join(answers)


def changelog() -> str:
    """What changed in each version, as the CHANGELOG has it; the site links its own pages only."""
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    linked = text.replace("](docs/", "](docs:")
    return re.sub(r"\[([^\]]+)\]\((?!docs:|\w+://)[^)]+\)", r"\1", linked).replace("](docs:", "](")


def raised() -> str:
    """Every error that the package raises, each below a heading that a search finds."""
    exported = {name: getattr(pingregistrywf, name) for name in pingregistrywf.__all__}
    kinds = {
        name: kind
        for name, kind in exported.items()
        if isinstance(kind, type) and issubclass(kind, WorkflowError)
    }
    return "\n".join(_raised(name, kind, kinds) for name, kind in sorted(kinds.items()))


def _raised(name: str, kind: type, kinds: Mapping[str, type]) -> str:
    public = (base for base in kind.__mro__[1:] if base in kinds.values())
    base = next((f" is a {code(each.__name__)}." for each in public), " is the base of all.")
    return (
        f"### {name} {{#{name}}}\n\n{_first(kind)}\n\n"
        f'{code(_signature(name, kind))}{base} `retry` is `"{retry_of(kind)}"`.\n'
    )


def _signature(name: str, kind: type) -> str:
    if kind.__init__ in (Exception.__init__, WorkflowError.__init__):
        return name
    _, *given = inspect.signature(kind.__init__).parameters
    return f"{name}({', '.join(given)})" if given else name


def _first(kind: type) -> str:
    first = (kind.__doc__ or "").split("\n\n")[0].replace("``", "`")
    return plain(re.sub(r" \(documentation: [^)]*\)", "", first))


def operation(each: Operation, drawn: str) -> str:
    """An operation around its diagram: what somebody gives, and the arguments of its steps."""
    vid = " A vid may be given, too." if each.versioned else ""
    about = ""
    if listed := each.about:
        history = (
            f"the history {code(listed.entry)} that {code(listed.history)} lists before step 1"
        )
        about = f"It is about {history}, and about no other one of the same id."
    again = ""
    if done := each.again:
        where = (
            f"{code(done.listed.history)} lists {code(done.history)}"
            if done.listed
            else f"{code(done.history)} is in {' or '.join(done.states)}"
        )
        own = f", and carries the {code(done.own.carried)} of the same name" if done.own else ""
        again = (
            f"If the chart refuses a step with StateConflictError and {where}{own}, an earlier run "
            "has done the work: the operation then succeeds, writes nothing and answers the "
            "current vids."
        )
    rows = (
        (code(name), _type(argument), _origin(argument), plain(argument.doc))
        for name, argument in each.arguments.items()
    )
    return parts(
        f"## {each.name}",
        plain(each.doc),
        drawn,
        "\n".join(
            f"{number}. **{step.command}** on `{step.history}`. {plain(step.doc)}"
            for number, step in enumerate(each.steps, start=1)
        ),
        about,
        again,
        f"Inputs: {', '.join(map(code, each.inputs))}.{vid}",
        grid(("argument", "type", "comes from", "meaning"), rows),
    )


def _origin(argument: OperationArgument) -> str:
    """Where an argument of an operation comes from."""
    derived = argument.derived
    if derived is None:
        return f"the input {code(argument.input)}"
    of = f"{code(derived.prefix)} and the {code(derived.name)}"
    return f"UUID version 5 of {of}, in the namespace {code(derived.namespace)}"


def _package(chart: Chart) -> ModuleType:
    return import_module(f"pingregistrywf._generated.{chart.name}")


def _anchor(chart: Chart, name: str) -> str:
    return f"{chart.name}-{name}"


def _ruled(cell: Cell) -> bool:
    return cell.rule != OTHERWISE


def _row(cell: Cell) -> str:
    if cell.arguments is Arguments.ANY:
        return code(cell.command)
    return f"{code(cell.command)}, {cell.arguments} {', '.join(cell.compared)}".rstrip()


def _outcome(cell: Cell) -> str:
    match cell.outcome:
        case Outcome.EMIT:
            return f"**+{cell.event}**, to {cell.target}"
        case Outcome.REWRITE:
            return "**rewrites the history**"
        case Outcome.DELETE:
            return "**deletes the history**"
        case Outcome.NOOP:
            return "noop"
        case Outcome.REJECT:
            return code(cell.error)


def _why(chart: Chart, cell: Cell) -> str:
    return plain(cell.reason or chart.prose(cell.rule))
