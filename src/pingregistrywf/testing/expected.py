"""What one history must answer and hold, as the lowered chart has it.

The oracle of the conformance suite decides, from the chart's document alone.  What it leaves to the
journal is added: when the id of a deleted history is free again, and where a trimmed one begins.
Values are those of ``plain``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Chart, Outcome
from pingregistrywf.chart.naming import pascal
from pingregistrywf.chart.parts import Constant
from pingregistrywf.conformance.oracle import ZERO, Histories, Json, code_of
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import Retention

Goal: TypeAlias = tuple[str, Arguments, str]
"""A cell of the table: a command, the arguments that it is about, and a state."""
NEVER_WRITTEN: Final = str(Ulid(bytes([255] * 16)))
"""The id of an event that should have been written, and was not."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error that a command must raise, and its fields."""

    error: str
    fields: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """What a command must do that is not refused: append so many events, or delete the history."""

    events: int = 0
    deleted: bool = False


class ExpectedHistory:
    """One history.

    Args:
        chart: the chart.
        id: the history's id.
        retention: how long the journal keeps what was deleted.
    """

    def __init__(self, chart: Chart, id: UUID, retention: Retention) -> None:
        self.chart = chart
        self.id = id
        self._retention = retention
        self._ids: deque[str] = deque()
        self._histories = Histories(chart, self._next_id)
        self._begin()

    def _begin(self) -> None:
        self._history = self._histories.history()
        self._start = self._restart = 0
        self._deleted_at: float | None = None
        self._trimmed_at: float | None = None

    def _next_id(self) -> str:
        return self._ids.popleft() if self._ids else NEVER_WRITTEN

    # What it holds

    @property
    def head(self) -> Ulid:
        """The vid."""
        return Ulid.parse(self._history.vid)

    @property
    def events(self) -> Sequence[Json]:
        """The events that readers see."""
        return self._history.read()[self._start :]

    def entry(self, args: Mapping[str, Json]) -> tuple[str, Mapping[str, Json]]:
        """Return the state that a command with these arguments meets, and what it carries."""
        entry = self._history.entry(args)
        return entry.state, entry.carried

    def state(self) -> Json:
        """Return the state, or the entries of a keyed chart; None if there is nothing to find."""
        if self.chart.key is None:
            return self._found({}) if self.events else None
        entries = {
            key: self._found({self.chart.key.name: key})
            for key, state in self._history.states
            if state != self.chart.initial
        }
        return {"entries": entries, "events_since_snapshot": self._since_rewrite()}

    def _found(self, args: Mapping[str, Json]) -> Json:
        state, carried = self.entry(args)
        found = {name: self._whole(name, carried[name]) for name in carried}
        counts = {
            each.count: len(found[name]) for name, each in self.chart.carried.items() if each.count
        }
        return {"state": state, **found, **counts}

    def _whole(self, name: str, value: Json) -> Json:
        """A carried value, in which records have all their fields."""
        kind = self.chart.carried[name].record
        if kind is None:
            return value
        fields = self.chart.records[kind].fields
        zeros = {"event_id": None, **{each: ZERO[fields[each].type] for each in fields}}
        if isinstance(value, list):
            return [zeros | each for each in value]
        return zeros | (value or {})

    def _since_rewrite(self) -> int:
        rewriting = self.chart.rewriting
        end = rewriting.rewrite.end if rewriting and rewriting.rewrite else None
        names = [each["event"] for each in self._history.read()]
        return names[::-1].index(end) if end in names else len(names)

    # What changes it

    def tell(
        self, command: str, args: Mapping[str, Json], ids: Iterable[str], now: float
    ) -> Refusal | Written:
        """Run a command whose version is right.

        Args:
            command: the command.
            args: its arguments.
            ids: the ids of the events that were written.
            now: the time.
        """
        refusal = self._refusal(command, args)
        self._ids = deque(ids)
        result = self._history.tell(command, args)
        if result.error:
            return refusal or self._unrewritten(command, result.error["code"])
        if result.deleted:
            self._deleted_at = now
        if self.chart.commands[command].rewrite and result.events:
            self._restart = len(self._history.read()) - len(result.events)
        return Written(len(result.events), result.deleted)

    def trim(self, now: float) -> bool:
        """Move the start to the newest rewrite, and return whether there was anything to move."""
        done, interval = self._trimmed_at, self._retention.trim_interval.total_seconds()
        if self._restart == self._start or (done is not None and now - done <= interval):
            return False
        self._start, self._trimmed_at = self._restart, now
        return True

    def collect(self, now: float) -> None:
        """Collect garbage: the id of a history that was deleted long ago is free."""
        deleted = self._deleted_at
        if deleted is not None and now > self._retention.free_at(deleted):
            self._begin()

    # What a command meets

    def cells(self, command: str, args: Mapping[str, Json]) -> Iterable[Goal]:
        """Return the cells of the table that a command with these arguments is about."""
        if command not in self.chart.stepping:
            return ()
        state, carried = self.entry(args)
        compared = self.chart.commands[command].compared
        if not compared:
            return ((command, Arguments.ANY, state),)
        if state in (self.chart.initial, ir.DELETED):  # nothing is carried to compare with
            return ((command, Arguments.SAME, state), (command, Arguments.OTHER, state))
        same = all(args[name] == carried[name] for name in compared)
        return ((command, Arguments.SAME if same else Arguments.OTHER, state),)

    def _refusal(self, command: str, args: Mapping[str, Json]) -> Refusal | None:
        if command not in self.chart.stepping:
            return None
        entry = self._history.entry(args)
        cell, differing = self._histories.cell(command, entry, args)
        if cell.outcome is not Outcome.REJECT or cell.error is None:
            return None
        match cell.error:
            case ir.HISTORY_DELETED:
                return Refusal(cell.error, {"id": str(self.id)})
            case ir.CONFLICT:
                reads_as = self.chart.initial if entry.state == ir.DELETED else entry.state
                return Refusal(cell.error, {"what": command, "state": reads_as})
            case ir.NOT_IDEMPOTENT:
                return Refusal(cell.error, {"arg": pascal(differing)})
        fields = {
            name: source.constant if isinstance(source, Constant) else args[source.argument]
            for name, source in cell.sources.items()
        }
        return Refusal(cell.error, fields)

    def _unrewritten(self, command: str, code: str) -> Refusal:
        rewrite = self.chart.commands[command].rewrite
        assert rewrite is not None
        errors = (rewrite.limit.error, rewrite.saving.error)
        return Refusal(next(each for each in errors if code_of(each) == code))


def ways(chart: Chart) -> Mapping[str, Sequence[str]]:
    """Return a shortest way of commands to every state."""
    found: dict[str, list[str]] = {chart.initial: []}
    for state in (queue := [chart.initial]):
        for cell in chart.moves():
            if cell.state == state and cell.target not in found:
                found[cell.target] = [*found[state], cell.command]
                queue.append(cell.target)
    return found


def goals(chart: Chart) -> Sequence[Goal]:
    """Return every cell of the table, but those of a command that rewrites the history."""
    return [
        (each.command, each.arguments, each.state)
        for each in chart.table
        if each.command in chart.stepping
    ]
