"""Loads what generated packages declare: lowered documents, with classes in the places of names.

A chart's package holds typed classes for its commands, events, states and errors, and the lowered
chart as ``chart.json``; a package of operations holds ``operations.json``.  No rule of a workflow
is code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime import errors as runtime_errors
from pingregistrywf.runtime.declaration import (
    Argument,
    Carry,
    Constant,
    Declaration,
    Delete,
    Emit,
    EventDeclaration,
    EventField,
    FieldType,
    Guarded,
    KeyedDeclaration,
    Listing,
    Noop,
    Outcome,
    Refuse,
    Rewrite,
    Sources,
)
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.operations import (
    DerivedId,
    Name,
    Operation,
    OperationArgument,
    Step,
    VidOfStep,
)
from pingregistrywf.runtime.values import Command

Document: TypeAlias = Any
"""A part of a lowered document, as JSON."""
_IDS: Final[Mapping[Any, FieldType]] = {UUID: "uuid", Ulid: "ulid"}


def load(
    directory: Path,
    *,
    commands: ModuleType,
    errors: ModuleType,
    events: ModuleType,
    states: ModuleType,
) -> Declaration:
    """The declaration of a generated package.

    Args:
        directory: where its ``chart.json`` and ``descriptor.binpb`` are.
        commands, errors, events, states: its modules, which hold the classes.
    """
    chart = json.loads((directory / "chart.json").read_text(encoding="utf-8"))
    loader = _Loader(chart, errors, events, states)
    codes = loader.codes
    for name, error in chart["errors"].items():
        if error["own"]:
            getattr(errors, name).prose = " ".join(error["doc"].split()) or f"{name}."
    table: dict[type[Command], Mapping[IntEnum, Outcome]] = {
        getattr(commands, f"Cmd{name}"): {
            code: loader.outcome(name, state) for state, code in codes.items()
        }
        for name in chart["commands"]
    }
    key = chart["key"]
    return Declaration(
        name=chart["name"],
        version=chart["version"],
        sha256=chart["sha256"],
        descriptor=(directory / "descriptor.binpb").read_bytes(),
        message=f"{chart['wire']['package']}.{chart['wire']['message']}",
        initial=codes[chart["initial"]],
        state=states.State,
        table=table,
        events=tuple(map(loader.event, chart["events"].values())),
        package_errors=errors.PACKAGE_ERRORS,
        carried={name: each["attribute"] for name, each in chart["carried"].items()},
        state_names={code: name for name, code in codes.items()},
        keyed=KeyedDeclaration(key["name"], states.Entry) if key else None,
    )


class _Loader:
    """Puts classes in the places of their names."""

    def __init__(
        self,
        chart: Document,
        errors: ModuleType,
        events: ModuleType,
        states: ModuleType,
    ) -> None:
        self._chart = chart
        self._errors, self._events, self._states = errors, events, states
        self._cells = {
            (each["command"], each["arguments"], each["state"]): each for each in chart["table"]
        }
        self.codes: Mapping[str, IntEnum] = {
            name: states.StateCode(each["code"]) for name, each in chart["states"].items()
        }

    def outcome(self, command: str, state: str) -> Outcome:
        """What a command does in a state: the cells of the same and of other arguments in one."""
        guarded = self._chart["commands"][command]["guard"]
        cell = self._cells[command, "same" if guarded else "any", state]
        rule = cell["rule"]
        match cell["outcome"]:
            case "emit":
                fields = self._chart["events"][cell["event"]]["fields"]
                event = getattr(self._events, cell["event"])
                return Emit(event, _sources(cell["sources"], fields), rule)
            case "noop" if cell["guard"]:
                error = self._error(self._cells[command, "other", state]["error"])
                names = tuple(cell["compared"])
                return Guarded(cell["guard"], names, cell["reason"], error, rule)
            case "noop":
                return Noop(cell["reason"], rule)
            case "delete":
                return Delete(rule)
            case "rewrite":
                return self._rewrite(self._chart["commands"][command]["rewrite"], rule)
            case _:
                fields = self._chart["errors"][cell["error"]]["fields"]
                sources = _sources(cell["sources"], fields)
                return Refuse(self._error(cell["error"]), sources, rule)

    def event(self, event: Document) -> EventDeclaration:
        """The declaration of an event."""
        return EventDeclaration(
            event=getattr(self._events, event["name"]),
            number=event["number"],
            target=self.codes.get(event["to"]),
            fields={
                name: EventField(each["type"], each["nonzero"], each["required"])
                for name, each in event["fields"].items()
            },
            carries=tuple(map(self._carry, event["carries"])),
            when={name: kind == "nonzero" for name, kind in event["when"].items()},
            other_forms=tuple(event["other_forms"]),
            rewrite=event["rewrite"],
            listing=event["listing"] and self._listing(event["listing"]),
        )

    def _carry(self, carry: Document) -> Carry:
        carried = self._chart["carried"][carry["carried"]]
        return Carry(
            attribute=carried["attribute"],
            append=carry["operation"] == "append",
            field=carry["field"],
            record=carried["record"] and getattr(self._states, carried["record"]),
            sources=carry["sources"] or {},
        )

    def _listing(self, listing: Document) -> Listing:
        return Listing(
            name=listing["name"],
            field=listing["field"],
            values={name: each["type"] for name, each in listing["fields"].items()},
            states=tuple(
                (self.codes[each["state"]], each["carried"] and self._attribute(each["carried"]))
                for each in listing["states"]
            ),
        )

    def _rewrite(self, rewrite: Document, rule: str) -> Rewrite:
        limit, saving = rewrite["limit"], rewrite["saving"]
        return Rewrite(
            option=rewrite["option"],
            begin=getattr(self._events, rewrite["begin"]),
            list=getattr(self._events, rewrite["list"]),
            end=getattr(self._events, rewrite["end"]),
            entries=self._chart["events"][rewrite["list"]]["listing"]["name"],
            order_by=self._attribute(rewrite["order_by"]),
            limit=limit["entries"],
            limit_error=self._error(limit["error"]),
            saving_events=saving["events"],
            saving_base=saving["base"],
            saving_per_entry=saving["per_entry"],
            saving_error=self._error(saving["error"]),
            rule=rule,
        )

    def _attribute(self, carried: str) -> str:
        name: str = self._chart["carried"][carried]["attribute"]
        return name

    def _error(self, name: str) -> type[Exception]:
        kind: type[Exception] = getattr(self._errors, name, None) or getattr(runtime_errors, name)
        return kind


def _sources(sources: Document, fields: Document) -> Sources:
    return {name: _source(each, fields[name]["type"]) for name, each in sources.items()}


def _source(document: Document, type_: FieldType) -> Argument | Constant:
    """A value's source; a constant is given as a value of its type."""
    if "argument" in document:
        return Argument(document["argument"])
    constant = document["constant"]
    match type_:
        case "uuid":
            return Constant(UUID(constant))
        case "ulid":
            return Constant(Ulid.parse(constant))
        case _:
            return Constant(constant)


# --- Operations -----------------------------------------------------------------------------------


def load_operations(directory: Path, *charts: Declaration) -> Mapping[str, Operation]:
    """The operations of a generated package, by name.

    Args:
        directory: where its ``operations.json`` is.
        charts: the charts whose commands the steps are.
    """
    document = json.loads((directory / "operations.json").read_text(encoding="utf-8"))
    declarations = {each.name: each for each in charts}
    names = {
        name: Name(name, each["pattern"], each["doc"]) for name, each in document["names"].items()
    }

    def argument(each: Document) -> OperationArgument:
        derived = each["derived"]
        return OperationArgument(
            each["type"],
            DerivedId(names[derived["name"]], UUID(derived["namespace"]), derived["prefix"])
            if derived
            else each["input"],
        )

    return {
        name: Operation(
            name,
            {arg: argument(each) for arg, each in operation["arguments"].items()},
            operation["versioned"],
            tuple(_step(step, declarations[step["chart"]]) for step in operation["steps"]),
            operation["doc"],
        )
        for name, operation in document["operations"].items()
    }


def _step(step: Document, declaration: Declaration) -> Step:
    command = declaration.commands[step["command"]]
    vid = step["vid"]
    return Step(
        chart=step["chart"],
        history=step["history"],
        command=command,
        sources={
            name: VidOfStep(each["step"])
            if "step" in each
            else _source(each, _IDS.get(command.model_fields[name].annotation, "string"))
            for name, each in step["sources"].items()
        },
        vid=VidOfStep(vid["step"]) if isinstance(vid, dict) else vid,
        on_refusal=step["on_refusal"],
        doc=step["doc"],
    )
