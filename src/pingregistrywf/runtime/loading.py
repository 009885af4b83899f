"""Loads what generated packages declare: lowered documents, with classes in the places of names.

A chart's package holds typed classes for its commands, events, states and errors, and the lowered
chart as ``chart.json``; a package of operations holds ``operations.json``.  No rule of a workflow
is code.  Packages that an earlier version generated lack the newest keys.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import cached_property
from operator import attrgetter, itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.runtime import declaration, operations
from pingregistrywf.runtime import errors as runtime_errors
from pingregistrywf.runtime.daemons import Ageing, Daemons, Posting, Summing
from pingregistrywf.runtime.declaration import Declaration, FieldType, Source
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal.history import ChartIdentity
from pingregistrywf.runtime.operations import Operation

Document: TypeAlias = Any
"""A part of a lowered document, as JSON."""
_PLAINLY: Final = {
    "ArgumentNotIdempotentError": "The argument differs from the one stored.",
    "StateConflictError": "The command is not allowed in this state.",
}
"""What errors mean that every chart has, where the chart has no words for them."""
_IDS: Final[Mapping[Any, FieldType]] = {UUID: "uuid", Ulid: "ulid"}


def read_document(file: Path) -> Document:
    """Read a document of a generated package.

    Raises:
        ValueError: it is no JSON, as after a merge with conflicts; the error names the file.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        remedy = "take back a version of it that is, then generate the package again"
        raise ValueError(f"{file} is no JSON: {error}; {remedy}") from error


def load(
    directory: Path,
    *,
    commands: ModuleType,
    errors: ModuleType,
    events: ModuleType,
    states: ModuleType,
) -> Declaration:
    """Return the declaration of a generated package.

    Args:
        directory: where its ``chart.json`` and ``descriptor.binpb`` are.
        commands, errors, events, states: its modules, which hold the classes.
    """
    chart = read_document(directory / "chart.json")
    loader = _Loader(chart, errors, events, states)
    codes = loader.codes
    for name, error in chart["errors"].items():
        if error["own"]:
            getattr(errors, name).prose = " ".join(error["doc"].split()) or f"{name}."
    for name, state in chart["states"].items():
        codes[name].__doc__ = " ".join(state["doc"].split()) or f"{name}."
    kinds = {name: getattr(commands, f"Cmd{name}") for name in chart["commands"]}
    return Declaration(
        identity=ChartIdentity(chart["name"], chart["version"], chart["sha256"]),
        was=chart.get("was"),
        descriptor=(directory / "descriptor.binpb").read_bytes(),
        message=f"{chart['wire']['package']}.{chart['wire']['message']}",
        initial=codes[chart["initial"]],
        state=states.State,
        table={
            kind: {code: loader.outcome(name, state) for state, code in codes.items()}
            for name, kind in kinds.items()
        },
        grounds={
            (kind, code, refused): loader.ground(name, state, refused=refused)
            for name, kind in kinds.items()
            for state, code in codes.items()
            for refused in (False, True)
        },
        by_event={each.event: each for each in map(loader.event, chart["events"].values())},
        retired=frozenset(
            (codes[state], getattr(events, name))
            for name, each in chart["events"].items()
            for state in each.get("retired_in", ())
        ),
        starting=frozenset(kinds[name] for name in kinds if chart["commands"][name]["starts"]),
        deleting=frozenset(kinds[name] for name in kinds if chart["commands"][name]["deletes"]),
        carried={name: each["attribute"] for name, each in chart["carried"].items()},
        state_names={code: name for name, code in codes.items()},
        keyed=loader.keyed(),
    )


@dataclass(frozen=True)
class _Loader:
    """Puts classes in the places of their names."""

    chart: Document
    errors: ModuleType
    events: ModuleType
    states: ModuleType

    @cached_property
    def codes(self) -> Mapping[str, IntEnum]:
        """The state codes by their names in the chart."""
        return {
            name: self.states.StateCode(each["code"]) for name, each in self.chart["states"].items()
        }

    @cached_property
    def _cells(self) -> Mapping[tuple[str, str, str], Document]:
        return {
            (each["command"], each["arguments"], each["state"]): each
            for each in self.chart["table"]
        }

    def outcome(self, command: str, state: str) -> declaration.Outcome:
        """What a command does in a state: the cells of the same and of other arguments in one."""
        guarded = self.chart["commands"][command]["guard"]
        cell = self._cells[command, "same" if guarded else "any", state]
        match cell["outcome"]:
            case "emit":
                fields = self.chart["events"][cell["event"]]["fields"]
                return declaration.Emit(getattr(self.events, cell["event"]), _sources(cell, fields))
            case "noop" if cell["guard"]:
                error = self._error(self._cells[command, "other", state]["error"])
                return declaration.Guarded(cell["guard"], tuple(cell["compared"]), error)
            case "noop":
                return declaration.Noop()
            case "delete":
                return declaration.Delete()
            case "rewrite":
                return self._rewrite(self.chart["commands"][command]["rewrite"])
            case _:
                fields = self.chart["errors"][cell["error"]]["fields"]
                return declaration.Refuse(self._error(cell["error"]), _sources(cell, fields))

    def ground(self, command: str, state: str, *, refused: bool) -> declaration.Ground:
        """Why a command does what it does in a state; with other arguments, if it is refused."""
        cell = self._cells.get((command, "any", state))
        cell = cell or self._cells[command, "other" if refused else "same", state]
        rules = self.chart["commands"][command]["rules"]
        rule = next((each["doc"] for each in rules if each["id"] == cell["rule"]), "")
        error = self.chart["errors"][cell["error"]]["doc"] if cell["error"] else ""
        words = cell["reason"] or rule or error or _PLAINLY.get(cell["error"], "")
        return declaration.Ground(cell["rule"], words)

    def event(self, event: Document) -> declaration.EventDeclaration:
        """The declaration of an event."""
        listing = event["listing"]
        return declaration.EventDeclaration(
            event=getattr(self.events, event["name"]),
            number=event["number"],
            target=self.codes.get(event["to"]),
            fields={
                name: declaration.EventField(
                    each["type"], each["nonzero"], each["required"], each.get("default") is not None
                )
                for name, each in event["fields"].items()
            },
            carries=tuple(map(self._carry, event["carries"])),
            when={name: kind == "nonzero" for name, kind in event["when"].items()},
            other_forms=tuple(event["other_forms"]),
            rewrite=event["rewrite"],
            listing=listing
            and declaration.Listing(
                name=listing["name"],
                field=listing["field"],
                values={name: each["type"] for name, each in listing["fields"].items()},
                states=tuple(
                    (self.codes[each["state"]], self._attribute(each["carried"]))
                    for each in listing["states"]
                ),
            ),
        )

    def keyed(self) -> declaration.KeyedDeclaration | None:
        """How the chart is keyed, if it is."""
        if self.chart["key"] is None:
            return None
        key = self.chart["key"]["name"]
        rewrites = [each["rewrite"] for each in self.chart["commands"].values() if each["rewrite"]]
        names = (key, *(self._attribute(each["order_by"]) for each in rewrites))
        nonzero = tuple(name for name in names if self._is_set(name, key))
        return declaration.KeyedDeclaration(key, self.states.Entry, nonzero)

    def _is_set(self, name: str, key: str) -> bool:
        """Whether an attribute is nonzero in every listed entry.

        The entry's first event sets it, and no event sets it to zero.
        """
        initial = self.chart["initial"]
        first = {each["event"] for each in self.chart["table"] if each["state"] == initial}
        for event in self.chart["events"].values():
            setting = [
                event["fields"][carry["field"]]
                for carry in event["carries"]
                if self._attribute(carry["carried"]) == name and carry["field"]
            ]
            if name == key and event["to"]:
                setting = [event["fields"][key]]
            begins = event["name"] in first or initial in event.get("retired_in", ())
            begins = begins and event["to"] != initial
            if not all(field["nonzero"] for field in setting) or (begins and not setting):
                return False
        return True

    def _carry(self, carry: Document) -> declaration.Carry:
        carried = self.chart["carried"][carry["carried"]]
        attribute, append = carried["attribute"], carry["operation"] == "append"
        if carried["record"] is None:
            return declaration.Carry(attribute, append, (carry["field"],), None)
        record, sources = getattr(self.states, carried["record"]), carry["sources"]
        names = (each.name for each in dataclasses.fields(record) if each.name in sources)
        return declaration.Carry(attribute, append, tuple(sources[name] for name in names), record)

    def _rewrite(self, rewrite: Document) -> declaration.Rewrite:
        limit, saving = rewrite["limit"], rewrite["saving"]
        return declaration.Rewrite(
            option=rewrite["option"],
            begin=getattr(self.events, rewrite["begin"]),
            list=getattr(self.events, rewrite["list"]),
            end=getattr(self.events, rewrite["end"]),
            entries=self.chart["events"][rewrite["list"]]["listing"]["name"],
            order_by=self._attribute(rewrite["order_by"]),
            limit=limit["entries"],
            limit_error=self._error(limit["error"]),
            saving_events=saving["events"],
            saving_base=saving["base"],
            saving_per_entry=saving["per_entry"],
            saving_error=self._error(saving["error"]),
        )

    def _attribute(self, carried: str | None) -> Any:
        return carried and self.chart["carried"][carried]["attribute"]

    def _error(self, name: str) -> type[Exception]:
        kind: type[Exception] = getattr(self.errors, name, None) or getattr(runtime_errors, name)
        return kind


def _sources(cell: Document, fields: Document) -> dict[str, Source]:
    return {
        name: attrgetter(each["argument"])
        if "argument" in each
        else _constant(each["constant"], fields[name]["type"])
        for name, each in cell["sources"].items()
    }


def _constant(constant: Any, type_: FieldType) -> Source:
    if type_ in ("uuid", "ulid"):
        constant = UUID(constant) if type_ == "uuid" else Ulid.parse(constant)
    return lambda _: constant


# --- Operations -----------------------------------------------------------------------------------


def load_operations(directory: Path, *charts: Declaration) -> Mapping[str, Operation]:
    """Return the operations of a generated package, by name.

    Args:
        directory: where its ``operations.json`` is.
        charts: the charts whose commands the steps are.
    """
    document = read_document(directory / "operations.json")
    declared = {each.name: each for each in charts}

    def argument(each: Document) -> operations.OperationArgument:
        if (derived := each["derived"]) is None:
            return operations.OperationArgument(each["type"], each["input"])
        name = document["names"][derived["name"]]
        namespace, prefix = UUID(derived["namespace"]), derived["prefix"]
        how = operations.DerivedId(name["pattern"], name["doc"], namespace, prefix)
        return operations.OperationArgument(each["type"], name["name"], how)

    def about(each: Document) -> operations.Incarnation | None:
        if each is None:
            return None
        began_with = declared[each["chart"]].attribute(each["began_with"])
        return operations.Incarnation(each["chart"], each["history"], each["entry"], began_with)

    def again(each: Document) -> operations.Again | None:
        if each is None:
            return None
        own = each["own"] and (
            declared[each["chart"]].attribute(each["own"]["carried"]),
            argument({"type": "uuid", "derived": each["own"]["derived"]}),
        )
        states, listed = frozenset(each["states"]), about(each["listed"])
        return operations.Again(each["chart"], each["history"], states, listed, own)

    def step(each: Document) -> operations.Step:
        command, vid = declared[each["chart"]].commands[each["command"]], each["vid"]
        return operations.Step(
            chart=each["chart"],
            history=each["history"],
            command=command,
            sources={
                name: itemgetter(source.get("argument") or source["step"])
                if "constant" not in source
                else _constant(
                    source["constant"],
                    _IDS.get(command.model_fields[name].annotation, "string"),
                )
                for name, source in each["sources"].items()
            },
            vid=operations.VidOfStep(vid["step"]) if isinstance(vid, dict) else vid,
            on_refusal=each["on_refusal"],
            incarnation=each["incarnation"],
        )

    return {
        name: Operation(
            name,
            {arg: argument(each) for arg, each in operation["arguments"].items()},
            operation["versioned"],
            tuple(map(step, operation["steps"])),
            about(operation["about"]),
            again(operation.get("again")),
        )
        for name, operation in document["operations"].items()
    }


def load_daemons(directory: Path, *charts: Declaration) -> Daemons:
    """Return what a generated package of operations declares of daemons.

    Args:
        directory: where its ``operations.json`` is.
        charts: the charts whose commands the steps are.
    """
    document = read_document(directory / "operations.json")
    declared = {each.name: each for each in charts}
    posting, summing, collecting = (
        document["daemons"][each] for each in ("posting", "summing", "collecting")
    )
    posts = document["operations"][posting["operation"]]["steps"][0]["chart"]

    def ageing(each: Document) -> Ageing:
        about = document["operations"][each["operation"]]["about"]
        return Ageing(
            operation=each["operation"],
            history=about["history"],
            entry=about["entry"],
            state=each["in"],
            since=declared[about["chart"]].attribute(each["since"]),
            after=timedelta(days=each["days"]),
            told=each["told"],
        )

    return Daemons(
        Posting(**posting | {"held": declared[posts].attribute(posting["held"])}),
        Summing(**summing),
        {each["operation"]: ageing(each) for each in collecting["ages"]},
        tuple(collecting["then"]),
    )
