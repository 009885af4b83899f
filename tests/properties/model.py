"""What a chart says, told a second time: the model that a generated package is compared with.

States and outcomes come from ``chart.machine``, the chart run by python-statemachine.  What the
machine leaves open is read here from the rules and events of the chart: the fields of events and
errors, what is carried, chains, deletion, snapshots.  Nothing here knows a workflow, the generated
table, or the run time's way of deciding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pingregistrywf import EPOCH, NIL, Ulid
from pingregistrywf.chart.ir import DELETED
from pingregistrywf.chart.machine import Machine
from pingregistrywf.chart.parts import Constant
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Chart, Rule

DAY = 86_400.0
ZEROS: Mapping[Type, Any] = {
    Type.INT32: 0,
    Type.STRING: "",
    Type.UUID: NIL,
    Type.ULID: EPOCH,
    Type.BOOL: False,
}
Cell = tuple[str, bool | None, str]
"""A command, whether its arguments are those carried (None if it compares none), and a state."""


@dataclass
class Link:
    """An event that the history must have."""

    name: str
    fields: dict[str, Any]
    id: Ulid | None = None


@dataclass
class Refusal:
    """An error that a command must be answered with."""

    error: str
    fields: dict[str, Any] = field(default_factory=dict)


class Entry:
    """One machine and what it carries."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.machine = Machine(chart)
        self.carried: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Begin again."""
        self.machine.reset()
        for name, carried in self.chart.carried.items():
            if carried.list is not None:
                self.carried[name] = []
            elif carried.record is not None:
                self.carried[name] = self._record(carried.record)
            elif carried.type is not None:
                self.carried[name] = ZEROS[carried.type]

    def apply(self, name: str, fields: Mapping[str, Any], own: Ulid) -> None:
        """Carry what an event says."""
        event = self.chart.events[name]
        for target, source in event.set.items():
            if isinstance(source, str):
                self.carried[target] = fields[source]
            else:
                told = {key: fields[each] for key, each in source.items()}
                record = self.chart.carried[target].record or ""
                self.carried[target] = {**self._record(record), **told, "event_id": own}
        for target, sources in event.append.items():
            told = {key: fields[each] for key, each in sources.items()}
            record = self.chart.carried[target].list or ""
            self.carried[target] = [
                *self.carried[target],
                {**self._record(record), **told, "event_id": own},
            ]

    def _record(self, name: str) -> dict[str, Any]:
        record = self.chart.records[name]
        return {
            **{key: ZEROS[each.type] for key, each in record.fields.items()},
            "event_id": EPOCH,
        }


class History:
    """One history: its entries (just one, of no key, unless the chart is keyed) and its chain."""

    def __init__(self, chart: Chart, id: UUID) -> None:
        self.chart = chart
        self.id = id
        self.begin()

    def begin(self) -> None:
        """An empty history, as the first time and when a deleted one's id is free again."""
        self.entries: dict[Any, Entry] = {}
        self.chain: list[Link] = []
        self.start = 0
        self.restart = 0
        self.since_snapshot = 0
        self.deleted_at: float | None = None
        self.trimmed_at: float | None = None

    @property
    def head(self) -> Ulid:
        """The vid."""
        if self.deleted_at is not None or not self.chain:
            return EPOCH
        head = self.chain[-1].id
        assert head is not None
        return head

    @property
    def visible(self) -> list[Link]:
        """The events that readers see."""
        return [] if self.deleted_at is not None else self.chain[self.start :]

    @property
    def listed(self) -> dict[Any, Entry]:
        """The entries of a keyed chart that are not in the initial state."""
        return {
            key: entry
            for key, entry in self.entries.items()
            if entry.machine.state != self.chart.initial
        }

    def entry(self, arguments: Mapping[str, Any]) -> Entry:
        """The entry that a command is about."""
        key = arguments[self.chart.keyed_by] if self.chart.keyed_by else None
        if key not in self.entries:
            self.entries[key] = Entry(self.chart)
        return self.entries[key]

    def rule(self, command: str, entry: Entry) -> Rule | None:
        """The rule that holds; a deleted history reads as empty."""
        state = self.chart.initial if entry.machine.state == DELETED else entry.machine.state
        rules = self.chart.commands[command].rules
        return next((each for each in rules if state in each.states), None)

    def compared(self, command: str) -> list[str]:
        """The arguments that the command compares in some state."""
        rules = self.chart.commands[command].rules
        return [name for rule in rules for name in rule.same]

    def differing(self, command: str, arguments: Mapping[str, Any]) -> list[str]:
        """The compared arguments that are not those carried, in the chart's order."""
        carried = self.entry(arguments).carried
        return [name for name in self.compared(command) if arguments[name] != carried[name]]

    def cells(self, command: str, arguments: Mapping[str, Any]) -> list[Cell]:
        """The cells of the table that the command is told in."""
        state = self.entry(arguments).machine.state
        if not self.compared(command):
            return [(command, None, state)]
        if state in (self.chart.initial, DELETED):
            # Nothing is carried that arguments could be compared with.
            return [(command, True, state), (command, False, state)]
        return [(command, not self.differing(command, arguments), state)]

    def tell(
        self, command: str, arguments: Mapping[str, Any], now: float
    ) -> Refusal | Sequence[Link]:
        """The refusal, or the events appended; what they carry enters with ``told``."""
        entry = self.entry(arguments)
        state = entry.machine.state
        rule = self.rule(command, entry)
        differing = self.differing(command, arguments)
        answer = entry.machine.tell(command, same=not differing)
        if answer.outcome == "reject":
            assert answer.error is not None
            assert entry.machine.state == state
            return self._refusal(answer.error, rule, command, arguments, state, differing)
        if answer.outcome == "delete":
            self.deleted_at = now
            self.entries = {None: entry}
            return ()
        if answer.outcome == "noop":
            return ()
        assert answer.event is not None
        assert rule is not None
        sources = (rule.emit or {})[answer.event]
        fields = {
            name: self._value(sources.get(name, name), declared.type, arguments)
            for name, declared in self.chart.events[answer.event].fields.items()
        }
        return (Link(answer.event, fields),)

    def told(self, links: Sequence[Link], arguments: Mapping[str, Any], vid: Ulid) -> None:
        """The events were appended, and the last one's id is known."""
        for link in links:
            self.chain.append(link)
            self.since_snapshot += 1
            if link.name in self.chart.events:
                link.id = vid
                self.entry(arguments).apply(link.name, link.fields, vid)
                if self.chart.keyed_by and self.entry(arguments).machine.state == (
                    self.chart.initial
                ):
                    self.entry(arguments).reset()
            elif link.name == "SnapshotBegin":
                self.restart = len(self.chain) - 1
            elif link.name == "SnapshotEnd":
                link.id = vid
                self.since_snapshot = 0

    def snapshot(self, only_if_saving: bool) -> Refusal | Sequence[Link]:
        """What the snapshot command answers."""
        said = self.chart.snapshot
        assert said is not None
        listed = self.listed
        if self.since_snapshot == 0:
            return ()
        if len(listed) > said.limit.entries:
            return Refusal(said.limit.error)
        cost = said.saving.base + said.saving.per_entry * len(listed)
        if only_if_saving and not (
            self.since_snapshot >= said.saving.events and self.since_snapshot > cost
        ):
            return Refusal(said.saving.error)
        ordered = sorted(listed.items(), key=lambda item: (item[1].carried[said.order_by], item[0]))
        entries = {key: (entry.machine.state, dict(entry.carried)) for key, entry in ordered}
        middle = [Link("SnapshotState", {"entries": entries})] if entries else []
        return (Link("SnapshotBegin", {}), *middle, Link("SnapshotEnd", {}))

    def trim(self, now: float) -> bool:
        """Move the start to the newest snapshot, at most every 30 days."""
        recent = self.trimmed_at is not None and now - self.trimmed_at < 30 * DAY
        if self.restart == self.start or recent:
            return False
        self.start, self.trimmed_at = self.restart, now
        return True

    def collect(self, now: float) -> None:
        """Free the id of a history that was deleted 30 days ago."""
        if self.deleted_at is not None and now - self.deleted_at >= 30 * DAY:
            self.begin()

    def _refusal(
        self,
        error: str,
        rule: Rule | None,
        command: str,
        arguments: Mapping[str, Any],
        state: str,
        differing: Sequence[str],
    ) -> Refusal:
        if error == "HistoryDeletedError":
            return Refusal(error, {"id": self.id})
        if error == "StateConflictError":
            reads_as = self.chart.initial if state == DELETED else state
            return Refusal(error, {"what": command, "state": reads_as})
        if error == "ArgumentNotIdempotentError":
            words = differing[0].split("_")
            return Refusal(error, {"arg": "".join(word.capitalize() for word in words)})
        declared = self.chart.errors[error].fields
        named = (rule.error or {}).get(error, {}) if rule is not None else {}
        return Refusal(
            error,
            {
                name: self._value(named.get(name, name), each.type, arguments)
                for name, each in declared.items()
            },
        )

    @staticmethod
    def _value(source: str | Constant, kind: Type, arguments: Mapping[str, Any]) -> Any:
        if not isinstance(source, Constant):
            return arguments[source]
        match kind:
            case Type.UUID:
                return UUID(str(source.constant))
            case Type.ULID:
                return Ulid.parse(str(source.constant))
            case _:
                return source.constant


def all_cells(chart: Chart) -> set[Cell]:
    """Every cell of the chart's table, read from its rules alone."""
    states = [*chart.states, *([DELETED] if chart.deletes else [])]
    return {
        (name, same, state)
        for name, command in chart.commands.items()
        for same in ((True, False) if any(rule.same for rule in command.rules) else (None,))
        for state in states
    }


def paths(chart: Chart) -> dict[str, list[str]]:
    """A shortest way of commands to every state, found by the machine."""
    machine = Machine(chart)
    found: dict[str, list[str]] = {chart.initial: []}
    for state in (queue := [chart.initial]):
        for command in chart.commands:
            if state == DELETED:
                continue
            machine.reset(state)
            answer = machine.tell(command)
            if answer.state not in found:
                found[answer.state] = [*found[state], command]
                queue.append(answer.state)
    return found
