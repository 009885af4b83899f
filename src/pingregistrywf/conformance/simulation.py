"""Histories as the chart has them: what a command answers, what is found and what is read after it.

This is the oracle from which the expected answers of the suite are made, and the implementation
that the self-test breaks on purpose.  It interprets the total table and the events' declarations of
``chart``, shares no code with the run time, and treats ids as values that it does not look into, so
that they may be real ids or names of ids that a run will fill in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.table import DELETED, Arguments, Cell, Outcome, Row, Table
from pingregistrywf.chart.vocabulary import Chart, Constant, Snapshot, Type

Json: TypeAlias = Any
"""A JSON value, in which ids may stand as names."""
Cells: TypeAlias = Mapping[tuple[Row, str], Cell]
NewId: TypeAlias = Callable[[], Any]

EPOCH: Final = "0" * 26
ZERO: Final[Mapping[Type, Json]] = {
    Type.INT32: 0,
    Type.STRING: "",
    Type.BOOL: False,
    Type.UUID: None,
    Type.ULID: None,
}
"""What is found of a carried value that no event has set."""


def pascal(argument: str) -> str:
    """An argument's name as ``ArgumentNotIdempotentError`` gives it."""
    return "".join(word.capitalize() for word in argument.split("_"))


def code_of(error: str) -> str:
    """The code of the adapter protocol for an error of the chart."""
    return error.removesuffix("Error")


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a history."""

    name: str
    id: Any
    parent: Any
    fields: Mapping[str, Json]

    def reply(self) -> dict[str, Json]:
        """The event as the adapter protocol writes it, without its bytes."""
        return {"event": self.name, "id": self.id, "parent": self.parent, "fields": self.fields}


@dataclass(frozen=True, slots=True)
class Told:
    """What a command did.

    Attributes:
        cell: the cell of the table that says so; None for a snapshot.
        error: the code of the error answered, if any.
        arg: the argument that the error names, if it does.
        events: the events appended.
        deleted: True if the history was deleted.
    """

    cell: Cell | None
    error: str | None = None
    arg: str | None = None
    events: tuple[Happened, ...] = ()
    deleted: bool = False


@dataclass(slots=True)
class Entry:
    """A history's control state and what it carries; of a keyed chart, one entry's."""

    state: str
    carried: dict[str, Json]


class Histories:
    """Makes and tells the histories of one chart.

    Args:
        table: the chart's table.
        cells: the cells to go by, if not the table's own: the self-test changes some.
        new_id: draws the id of an event.
    """

    def __init__(self, table: Table, new_id: NewId, cells: Cells | None = None) -> None:
        self.table = table
        self.chart: Chart = table.chart
        self.new_id = new_id
        self._initial = self.chart.initial
        self._nothing = carried_nothing(self.chart)
        self.cells: Cells = table.cells if cells is None else cells
        self._variants: dict[str, tuple[Row, ...]] = {}
        for row in table.rows:
            self._variants[row[0]] = (*self._variants.get(row[0], ()), row)
        self._compared = {
            command: tuple(name for rule in said.rules for name in rule.same)
            for command, said in self.chart.commands.items()
        }

    def history(self) -> History:
        """A new, empty history."""
        return Keyed(self) if self.chart.keyed_by else Plain(self)

    def new_entry(self) -> Entry:
        """An entry in the initial state, which carries nothing."""
        return Entry(self._initial, dict(self._nothing))

    def cell(self, command: str, entry: Entry, args: Mapping[str, Json]) -> tuple[Cell, str]:
        """The cell of a command with these arguments, and the first argument that differs.

        Where no rule compares arguments, those that are compared elsewhere still tell the rows
        apart, as soon as something is carried: the table has the same in both, a mutant may not.
        """
        rows = self._variants[command]
        if rows[0][1] is Arguments.ANY:
            return self.cells[rows[0], entry.state], ""
        carried = entry.carried
        compared = self.cells[rows[0], entry.state].compared or tuple(
            name for name in self._compared[command] if carried.get(name)
        )
        differing = next((each for each in compared if args[each] != carried.get(each)), "")
        wanted = Arguments.OTHER if differing else Arguments.SAME
        return self.cells[(command, wanted), entry.state], differing

    def emitted(self, cell: Cell, args: Mapping[str, Json], parent: Any) -> Happened:
        """The event that a cell emits."""
        name = str(cell.event)
        fields = {
            field: self._source((cell.sources or {}).get(field, field), args, said.type)
            for field, said in self.chart.events[name].fields.items()
        }
        return Happened(name, self.new_id(), parent, fields)

    @staticmethod
    def _source(source: Any, args: Mapping[str, Json], type_: Type) -> Json:
        if isinstance(source, Constant):
            return source.constant
        return args.get(source, ZERO[type_])

    def carry(self, entry: Entry, event: Happened) -> None:
        """Enter an event's fields into what an entry carries."""
        said = self.chart.events[event.name]
        for name, source in said.set.items():
            entry.carried[name] = (
                event.fields[source] if isinstance(source, str) else _record(source, event)
            )
        for name, sources in said.append.items():
            entry.carried[name] = [*entry.carried[name], _record(sources, event)]


def carried_nothing(chart: Chart) -> dict[str, Json]:
    """What is found of a state into which nothing has been carried."""
    return {
        name: ZERO[said.type] if said.type else [] if said.list else None
        for name, said in chart.carried.items()
    }


def _record(sources: Mapping[str, str], event: Happened) -> dict[str, Json]:
    values = {name: event.fields[source] for name, source in sources.items()}
    return values | {"event_id": event.id}


@dataclass(slots=True)
class History:
    """One history."""

    of: Histories
    events: list[Happened] = field(default_factory=list)

    @property
    def vid(self) -> Any:
        """The id of the newest event, or the epoch."""
        return self.events[-1].id if self.events else EPOCH

    def tell(self, command: str, args: Mapping[str, Json]) -> Told:
        """Tell a command whose arguments are sound and whose version is right."""
        raise NotImplementedError

    def find(self) -> dict[str, Json]:
        """What ``find`` answers: an object with ``ok`` or ``error``."""
        raise NotImplementedError

    def read(self) -> list[dict[str, Json]]:
        """What ``events`` answers."""
        return [event.reply() for event in self.events]


class Plain(History):
    """A history that is one entry, and can be deleted."""

    def __init__(self, of: Histories) -> None:
        super().__init__(of)
        self.entry = of.new_entry()

    def tell(self, command: str, args: Mapping[str, Json]) -> Told:
        cell, differing = self.of.cell(command, self.entry, args)
        match cell.outcome:
            case Outcome.EMIT:
                event = self.of.emitted(cell, args, self.vid)
                self.append(event)
                self.entry.state = cell.target
                return Told(cell, events=(event,))
            case Outcome.DELETE:
                self.events = []
                self.entry = self.of.new_entry()
                self.entry.state = cell.target
                return Told(cell, deleted=True)
            case Outcome.NOOP:
                self.entry.state = cell.target
                return Told(cell)
            case Outcome.REJECT:
                self.entry.state = cell.target
                named = cell.error == "ArgumentNotIdempotentError"
                arg = pascal(differing) if named else None
                return Told(cell, error=code_of(str(cell.error)), arg=arg)

    def append(self, event: Happened) -> None:
        """Append an event to the history, and enter what it carries."""
        self.events.append(event)
        self.of.carry(self.entry, event)

    def free(self) -> None:
        """Make the id of a deleted history free again."""
        if self.entry.state == DELETED:
            self.entry = self.of.new_entry()

    def find(self) -> dict[str, Json]:
        if not self.events:
            return {"error": {"code": "Uninitialized", "definite": True}}
        chart = self.of.chart
        # What is found follows from the history; what is allowed, from the control state.
        state = chart.events[self.events[-1].name].to
        return {"ok": {"state": state, "vid": self.vid, **self.entry.carried}}


class Keyed(History):
    """A history of many entries, each named by its key."""

    def __init__(self, of: Histories) -> None:
        super().__init__(of)
        self.entries: dict[str, Entry] = {}
        self.since_snapshot = 0

    def tell(self, command: str, args: Mapping[str, Json]) -> Told:
        chart = self.of.chart
        if chart.snapshot and command == chart.snapshot.command.name:
            return self._snapshot(chart.snapshot, args)
        key = args[str(chart.keyed_by)]
        entry = self.entries.get(key) or self.of.new_entry()
        cell, differing = self.of.cell(command, entry, args)
        if cell.outcome is Outcome.REJECT:
            named = cell.error == "ArgumentNotIdempotentError"
            arg = pascal(differing) if named else None
            return Told(cell, error=code_of(str(cell.error)), arg=arg)
        if cell.outcome is Outcome.NOOP:
            return Told(cell)
        event = self.of.emitted(cell, args, self.vid)
        self.events.append(event)
        self.since_snapshot += 1
        if cell.target == chart.initial:
            self.entries.pop(key, None)
        else:
            entry.state = cell.target
            self.of.carry(entry, event)
            self.entries[key] = entry
        return Told(cell, events=(event,))

    def _snapshot(self, said: Snapshot, args: Mapping[str, Json]) -> Told:
        listed = len(self.entries)
        if not self.since_snapshot:
            return Told(None)
        if listed > said.limit.entries:
            return Told(None, error=code_of(said.limit.error))
        cost = said.saving.base + said.saving.per_entry * listed
        saves = self.since_snapshot >= said.saving.events and self.since_snapshot > cost
        if args[said.command.option] and not saves:
            return Told(None, error=code_of(said.saving.error))
        parts: list[tuple[str, dict[str, Json]]] = [("SnapshotBegin", {})]
        if listed:
            parts.append(("SnapshotState", {said.message.entries: self._entries(said)}))
        parts.append(("SnapshotEnd", {}))
        appended = []
        for name, fields in parts:
            appended.append(Happened(name, self.of.new_id(), self.vid, fields))
            self.events.append(appended[-1])
        self.since_snapshot = 0
        return Told(None, events=tuple(appended))

    def _entries(self, said: Snapshot) -> list[dict[str, Json]]:
        by = said.order_by
        in_order = sorted(self.entries.items(), key=lambda item: (item[1].carried[by], item[0]))
        key_name = str(self.of.chart.keyed_by)
        return [
            {
                name: value
                for name in said.message.fields
                if (value := key if name == key_name else entry.carried[name])
            }
            for key, entry in in_order
        ]

    def find(self) -> dict[str, Json]:
        chart = self.of.chart
        listed = {
            state.lower(): sorted(k for k, entry in self.entries.items() if entry.state == state)
            for state in chart.states
            if state != chart.initial
        }
        return {"ok": {"vid": self.vid, **listed}}
