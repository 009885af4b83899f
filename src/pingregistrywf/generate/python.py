"""The typed Python packages of charts and operations: declarations and one-line methods.

The shape of each module stands in ``templates/``; here is what fills it: docstrings and signatures
wrapped to one width, and imports reduced to what a module uses.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pingregistrywf.chart.ir import (
    Argument,
    Cell,
    Chart,
    Command,
    EventField,
    Operation,
    Operations,
    Outcome,
    Value,
)
from pingregistrywf.chart.naming import upper
from pingregistrywf.chart.types import Type
from pingregistrywf.generate.rendering import templates

WIDTH: Final = 100
CHECKED: Final[Mapping[Type, str]] = {
    Type.INT32: "Int32",
    Type.STRING: "Text",
    Type.UUID: "Uuid",
    Type.ULID: "Ulid",
    Type.BOOL: "bool",
}
"""The annotations of fields, which pydantic checks."""
PLAIN: Final[Mapping[Type, str]] = {
    **CHECKED,
    Type.INT32: "int",
    Type.STRING: "str",
    Type.UUID: "UUID",
}
"""The annotations of all else."""
ZEROS: Final[Mapping[Type, str]] = {
    Type.INT32: "0",
    Type.STRING: '""',
    Type.UUID: "NIL",
    Type.ULID: "EPOCH",
    Type.BOOL: "False",
}


OPTIONS: Final = {
    "vid": ("Ulid", "The version to expect; None if the caller has none."),
    "read": ("Checkpoints", "What the caller has read and decided upon; None if it read nothing."),
}
"""The annotation and the prose of what may be given to an operation beside its arguments."""


BUILT_WITH: Final = {
    "journal": "Where the events rest; ``open_journal`` opens one.",
    "ids": "Where new event ids come from; the journal's clock and the system's randomness unless"
    " given.",
}
"""The prose of what a facade, or a class of operations, is built with."""
BUILT_ASYNC_WITH: Final = {**BUILT_WITH, "journal": "An ``AsyncJournal``."}
"""The prose of what an asynchronous one is built with."""
OBSERVERS: Final = "Are called before and after each step, in their order"
"""The prose of the observers of operations, without a full stop."""
METHODS: Final = (
    "A method takes the id of a history, and the vid that the caller expects there; "
    "NO_VC accepts any.\n"
    "It returns the history's vid after the command, or raises the error with which "
    "the chart refuses it."
).splitlines()
"""The prose of the methods of a facade."""


def chart_modules(chart: Chart) -> dict[str, str]:
    """Return every module of a chart's package, by file name."""
    source = f"chart {chart.name} {chart.version}. Do not edit: change the chart."
    commands = isorted(f"Cmd{name}" for name in chart.commands)
    entry = ["Entry"] if chart.key else []
    exported = {
        "commands": isorted(["AnyCommand", *commands]),
        "declaration": ["DECLARATION"],
        "errors": isorted(
            ["PACKAGE_ERRORS", "PackageError", "is_package_error", *chart.own_errors]
        ),
        "events": isorted(["AnyEvent", "Event", *chart.events]),
        "facade": isorted(["Advancer", "Behavior", chart.facade]),
        "states": isorted([*entry, *chart.records, "State", "StateCode"]),
    }
    templates = {name: name for name in (*exported, "__init__")} | {"aio": "async_facade"}
    return {
        f"{name}.py": _rendered(each, source, chart=chart, commands=commands, exported=exported)
        for name, each in templates.items()
    }


def operations_modules(operations: Operations, charts: Mapping[str, Chart]) -> dict[str, str]:
    """Return the modules of a file of operations; ``charts`` has those that it names."""
    source = f"operations {operations.name}. Do not edit: change the model."
    facades = [f"{name}.{charts[name].facade}" for name in operations.charts]
    return {
        "__init__.py": _rendered("operations", source, operations=operations, facades=facades),
        "aio.py": _rendered("async_operations", source, operations=operations),
    }


def _rendered(name: str, source: str, **parts: object) -> str:
    text = _TEMPLATES.get_template(f"{name}.py.jinja").render(**parts)
    return f"# Generated from {source}\n{_tidy(text)}"


# --- Filters --------------------------------------------------------------------------------------


def isorted(names: Iterable[str]) -> list[str]:
    """Return names as import sorters have them: constants, then classes, then functions."""
    return sorted(names, key=lambda name: (0 if name.isupper() else 2 - name[0].isupper(), name))


def prose(parts: Mapping[str, Value], name: str = "name") -> dict[str, str]:
    """Return the prose of each part by its name, for a section of a docstring."""
    return {getattr(part, name): part.doc for part in parts.values()}


def docstring(
    text: str, indent: int = 0, points: Iterable[str] = (), **sections: Mapping[str, str]
) -> str:
    """Return a docstring: a summary, a list of points, and sections of named items."""
    margin = " " * indent
    single = f'{margin}"""{_escaped(text)}"""'
    points, items = list(points), {title: each for title, each in sections.items() if each}
    if not points and not items and len(single) <= WIDTH and not text.endswith('"'):
        return single
    lines = textwrap.wrap(f'"""{_escaped(text)}', WIDTH - indent, break_long_words=False)
    if points:
        lines += ["", *(line for each in points for line in _item(f"- {each}", indent, 0, 2))]
    for title, section in items.items():
        lines += ["", f"{title}:"]
        for name, doc in section.items():
            lines += _item(f"{name}: {doc}" if name else doc, indent, 4, 8)
    return "\n".join(f"{margin}{line}".rstrip() for line in [*lines, '"""'])


def unset(field: EventField) -> str:
    """Return the value of an event's field that is not given: its default, or zero."""
    match field.default, field.type:
        case None, _:
            return ZEROS[field.type]
        case bool(), _:
            return str(field.default)
        case _, Type.UUID:
            return f'UUID("{field.default}")'
        case _, Type.ULID:
            return f'Ulid.parse("{field.default}")'
        case _:
            return json.dumps(field.default)


def parameters(
    first: Sequence[str], arguments: Mapping[str, Argument], last: Sequence[str] = ()
) -> list[str]:
    """Return the parameters of a method."""
    return [*first, *(f"{name}: {PLAIN[each.type]}" for name, each in arguments.items()), *last]


def options(operation: Operation) -> dict[str, str]:
    """Return the prose of what the caller of an operation may give beside its arguments."""
    takes = {"vid": operation.versioned, "read": operation.about is not None}
    return {name: doc for name, (_, doc) in OPTIONS.items() if takes[name]}


def optional(names: Iterable[str]) -> list[str]:
    """Return the parameters of a method for such options."""
    options = [f"{name}: {OPTIONS[name][0]} | None = None" for name in names]
    return ["*", *options] if options else []


def signature(parameters: Sequence[str], name: str, result: str, define: str = "def") -> str:
    """Return the line or lines that begin a method; ``define`` is ``async def`` for a coroutine."""
    return _wrapped(f"    {define} {name}(", parameters, f") -> {result}:")


def call(arguments: Iterable[str], function: str) -> str:
    """Return a statement of a method that passes arguments on by their own names."""
    return _wrapped(f"        {function}(", [f"{name}={name}" for name in arguments], ")")


def mapping(arguments: Iterable[str], variable: str) -> str:
    """Return a statement of a method that gathers its arguments in a dictionary."""
    return _wrapped(f"        {variable} = {{", [f'"{name}": {name}' for name in arguments], "}")


def effects(chart: Chart, command: Command) -> Iterator[str]:
    """Yield what each rule of a command does."""
    for rule in command.rules:
        cell = chart.cell(command.name, rule.states[0])
        yield f"{', '.join(rule.states)}: {_effect(chart, cell)} (rule {rule.id})."
    if not command.rewrite:
        yield f"Anywhere else: {chart.otherwise}."


def _effect(chart: Chart, cell: Cell) -> str:
    match cell.outcome:
        case Outcome.EMIT:
            return f"appends {cell.event}"
        case Outcome.REJECT:
            return str(cell.error)
        case Outcome.DELETE:
            return "the history is deleted"
        case Outcome.REWRITE:
            return "rewrites what is listed as one group of events"
        case Outcome.NOOP if cell.guard:
            other = chart.cell(cell.command, cell.state, same=False)
            return f"nothing to do with the same {', '.join(cell.compared)}, else {other.error}"
        case Outcome.NOOP:
            return "nothing to do"


def refusals(chart: Chart, command: Command) -> dict[str, str]:
    """Return the errors with which the chart refuses a command, and what each means."""
    if command.rewrite:
        errors = [command.rewrite.limit.error, command.rewrite.saving.error]
    else:
        cells = (cell for cell in chart.table if cell.command == command.name)
        errors = sorted({cell.error for cell in cells if cell.error in chart.errors})
    return {name: chart.errors[name].doc or "The chart does not allow it here." for name in errors}


# --- Layout ---------------------------------------------------------------------------------------


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")


def _item(text: str, indent: int, first: int, rest: int) -> list[str]:
    """An item of a docstring's list, wrapped."""
    return textwrap.wrap(
        _escaped(text),
        WIDTH - indent,
        initial_indent=" " * first,
        subsequent_indent=" " * rest,
        break_long_words=False,
    )


def _wrapped(head: str, items: Sequence[str], tail: str) -> str:
    """A bracket with its items on one line, or an item a line if that is too long."""
    single = f"{head}{', '.join(items)}{tail}"
    if len(single) <= WIDTH:
        return single
    indent = " " * (len(head) - len(head.lstrip()))
    return "\n".join([head, *(f"{indent}    {each}," for each in items), f"{indent}{tail}"])


_TEMPLATES: Final = templates(
    call,
    docstring,
    effects,
    isorted,
    mapping,
    optional,
    options,
    parameters,
    prose,
    refusals,
    signature,
    unset,
    BUILT_ASYNC_WITH=BUILT_ASYNC_WITH,
    BUILT_WITH=BUILT_WITH,
    CHECKED=CHECKED,
    METHODS=METHODS,
    OBSERVERS=OBSERVERS,
    PLAIN=PLAIN,
    ZEROS=ZEROS,
    upper_snake=upper,
)

_IMPORT: Final = re.compile(r"^from (\S+) import (.+)\n", re.MULTILINE)
_WORD: Final = re.compile(r"\w+")


def _tidy(text: str) -> str:
    """A module with its imports reduced to the names that it uses, and no more than two empty lines
    in a row."""
    used = set(_WORD.findall(_IMPORT.sub("", text)))

    def reduced(line: re.Match[str]) -> str:
        module, names = line[1], line[2].split(", ")
        kept = [each for each in names if each.rpartition(" ")[2] in used]
        if module == "__future__":
            kept = names
        single = f"from {module} import {', '.join(kept)}\n"
        if not kept or len(single) <= WIDTH:
            return single if kept else ""
        return _wrapped(f"from {module} import (", kept, ")") + "\n"

    tidied = re.sub(r"\n{3,}(?=from )", "\n\n", _IMPORT.sub(reduced, text))
    return re.sub(r"\n{4,}", "\n\n\n", tidied).rstrip("\n") + "\n"
