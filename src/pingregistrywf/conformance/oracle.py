"""The oracle: what a command answers, and what is found and read after it, as the chart has it.

The expected answers of the suite come from here, and the self-test breaks this implementation on
purpose.  It interprets the lowered chart, shares no code with the run time, and treats ids as
values that it does not look into, so that they may be real ids or names of ids that a run fills in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Cell, Chart, Outcome
from pingregistrywf.chart.naming import pascal
from pingregistrywf.chart.parts import Constant, Incarnation, VidOfStep
from pingregistrywf.chart.types import Type

Json: TypeAlias = Any
"""A JSON value, in which ids may stand as names."""
Cells: TypeAlias = Mapping[tuple[ir.Row, str], Cell]
NewId: TypeAlias = Callable[[], Any]


def code_of(error: str) -> str:
    """The code of the adapter protocol for an error of the chart."""
    return error.removesuffix("Error")


EPOCH: Final = "0" * 26
STATE_CONFLICT: Final = code_of(ir.CONFLICT)
"""The code of the refusal that an earlier run of an operation may excuse."""
MARK_DAYS: Final = 30
"""After so many days the id of a deleted history is free (documentation: Behaviour, section 5)."""
ZERO: Final[Mapping[Type, Json]] = {
    Type.INT32: 0,
    Type.STRING: "",
    Type.BOOL: False,
    Type.UUID: None,
    Type.ULID: None,
}
"""What is found of a carried value that no event has set."""


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
class Result:
    """What a command did.

    Attributes:
        rule: the rule that it followed.
        error: the error answered, as the adapter protocol writes it; empty if there is none.
        events: the events appended.
        deleted: True if the history was deleted.
    """

    rule: str
    error: Mapping[str, Json] = field(default_factory=dict)
    events: tuple[Happened, ...] = ()
    deleted: bool = False


def refusal(code: str, **facts: Json) -> dict[str, Json]:
    """An error as the adapter protocol writes it."""
    return {"code": code, "definite": True, **facts}


@dataclass(slots=True)
class Entry:
    """A history's control state and what it carries; of a keyed chart, one entry's."""

    state: str
    carried: dict[str, Json]


class Histories:
    """Makes the histories of one chart, and decides for them.

    Args:
        chart: the chart.
        new_id: draws the id of an event.
        cells: the cells to follow instead of the chart's own.
    """

    def __init__(self, chart: Chart, new_id: NewId, cells: Cells | None = None) -> None:
        self.chart = chart
        self.new_id = new_id
        self.cells: Cells = chart.cells if cells is None else cells
        self._compared = {name: each.compared for name, each in chart.commands.items()}
        self._nothing: Mapping[str, Json] = {
            name: ZERO[each.type] if each.type else [] if each.kind == "list" else None
            for name, each in chart.carried.items()
        }

    def history(self) -> History:
        """A new, empty history."""
        return Keyed(self) if self.chart.key else Plain(self)

    def new_entry(self) -> Entry:
        """An entry in the initial state, which carries nothing."""
        return Entry(self.chart.initial, dict(self._nothing))

    def cell(self, command: str, entry: Entry, args: Mapping[str, Json]) -> tuple[Cell, str]:
        """The cell of a command with these arguments, and the first argument that differs.

        Where no rule compares arguments, those that are compared elsewhere still tell the rows
        apart, as soon as something is carried: the chart has the same in both, a mutant may not.
        """
        anywhere = self._compared[command]
        if not anywhere:
            return self.cells[(command, Arguments.ANY), entry.state], ""
        carried = entry.carried
        compared = self.cells[(command, Arguments.SAME), entry.state].compared or [
            name for name in anywhere if carried.get(name)
        ]
        guard = self.chart.commands[command].guard
        differing = next((each for each in compared if not holds(guard, each, args, carried)), "")
        wanted = Arguments.OTHER if differing else Arguments.SAME
        return self.cells[(command, wanted), entry.state], differing

    def emitted(self, cell: Cell, args: Mapping[str, Json], parent: Any) -> Happened:
        """The event that a cell emits; a mutant's fields that have no source are zero."""
        name = str(cell.event)
        fields = {
            field: _value(cell.sources[field], args) if field in cell.sources else ZERO[each.type]
            for field, each in self.chart.events[name].fields.items()
        }
        return Happened(name, self.new_id(), parent, fields)

    def refused(self, cell: Cell, differing: str) -> Result:
        """The refusal that a cell answers."""
        facts = {"arg": pascal(differing)} if cell.error == ir.NOT_IDEMPOTENT else {}
        return Result(cell.rule, refusal(code_of(str(cell.error)), **facts))

    def carry(self, entry: Entry, event: Happened) -> None:
        """Enter an event's fields into what an entry carries."""
        for carry in self.chart.events[event.name].carries:
            if carry.sources is None:
                value = event.fields[str(carry.field)]
            else:
                value = {name: event.fields[source] for name, source in carry.sources.items()}
                value["event_id"] = event.id
            before = entry.carried[carry.carried]
            entry.carried[carry.carried] = (
                [*before, value] if carry.operation == "append" else value
            )


def holds(
    guard: ir.Guard | None, name: str, args: Mapping[str, Json], carried: Mapping[str, Json]
) -> bool:
    """Whether a guard holds for an argument."""
    match guard:
        case "same":
            return bool(args[name] == carried.get(name))
        case None:
            return True


def _value(source: ir.StepSource, args: Mapping[str, Json], after: Sequence[Json] = ()) -> Json:
    match source:
        case VidOfStep(step=number):
            return after[number - 1]
        case Constant(constant=value):
            return value
        case ir.FromArgument(argument=name):
            return args[name]


@dataclass(slots=True)
class _Events:
    """The events of one history."""

    of: Histories
    events: list[Happened] = field(default_factory=list)

    @property
    def vid(self) -> Any:
        """The id of the newest event, or the epoch."""
        return self.events[-1].id if self.events else EPOCH

    @property
    def began(self) -> Any:
        """The id of the first event, or the epoch."""
        return self.events[0].id if self.events else EPOCH

    def collect(self, days: int) -> None:
        """Collect garbage so many days later: the id of a deleted history may be free again."""

    @property
    def visible(self) -> list[Happened]:
        """The events that can be read: all, unless the history was trimmed."""
        return self.events

    def read(self) -> list[dict[str, Json]]:
        """What ``events`` answers."""
        return [event.reply() for event in self.visible]


class Plain(_Events):
    """A history that is one entry, and can be deleted."""

    def __init__(self, of: Histories) -> None:
        super().__init__(of)
        self._entry = of.new_entry()

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        """The state of each entry, by its key; a history that is one entry has the empty key."""
        return (("", self._entry.state),)

    def kept(self, known: Mapping[Any, Any]) -> tuple[Any, ...]:  # noqa: ARG002
        """What it keeps of the events of other histories: nothing."""
        return ()

    def entry(self, args: Mapping[str, Json]) -> Entry:  # noqa: ARG002 (there is one)
        """The entry that a command with these arguments is about."""
        return self._entry

    def tell(self, command: str, args: Mapping[str, Json]) -> Result:
        """Tell a command whose arguments are well-formed and whose version is right."""
        cell, differing = self.of.cell(command, self._entry, args)
        events: tuple[Happened, ...] = ()
        if cell.outcome is Outcome.EMIT:
            events = (self.of.emitted(cell, args, self.vid),)
            self.events += events
            self.of.carry(self._entry, events[0])
        if cell.outcome is Outcome.DELETE:
            self.events = []
            self._entry = self.of.new_entry()
        self._entry.state = cell.target
        if cell.outcome is Outcome.REJECT:
            return self.of.refused(cell, differing)
        return Result(cell.rule, events=events, deleted=cell.outcome is Outcome.DELETE)

    def collect(self, days: int) -> None:
        if self._entry.state == ir.DELETED and days > MARK_DAYS:
            self._entry = self.of.new_entry()

    def find(self) -> dict[str, Json]:
        """What ``find`` answers: an object with ``ok`` or ``error``."""
        if not self.events:
            return {"error": refusal("Uninitialized")}
        # What is found follows from the history; what is allowed, from the control state.
        state = self.of.chart.events[self.events[-1].name].to
        return {"ok": {"state": state, "vid": self.vid, **self._entry.carried}}


class Keyed(_Events):
    """A history of many entries, each named by its key."""

    def __init__(self, of: Histories) -> None:
        super().__init__(of)
        self._entries: dict[str, Entry] = {}
        self._since_rewrite = 0
        self._start = 0
        self._key = of.chart.key.name if of.chart.key else ""

    @property
    def states(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((key, entry.state) for key, entry in self._entries.items()))

    def kept(self, known: Mapping[Any, Any]) -> tuple[Any, ...]:
        """What its entries keep of the events of other histories: for each id what is known of it.

        An id of which nothing is known is that of an event which is no more.
        """
        return tuple(
            (key, name, known.get(entry.carried[name]))
            for key, entry in sorted(self._entries.items())
            for name, carried in self.of.chart.carried.items()
            if carried.type is Type.ULID and entry.carried[name]
        )

    def entry(self, args: Mapping[str, Json]) -> Entry:
        return self._entries.get(args[self._key]) or self.of.new_entry()

    def tell(self, command: str, args: Mapping[str, Json]) -> Result:
        chart = self.of.chart
        rewrite = chart.commands[command].rewrite
        if rewrite:
            return self._rewrite(chart.commands[command].rules[0].id, rewrite, args)
        entry = self.entry(args)
        cell, differing = self.of.cell(command, entry, args)
        if cell.outcome is Outcome.REJECT:
            return self.of.refused(cell, differing)
        if cell.outcome is Outcome.NOOP:
            return Result(cell.rule)
        event = self.of.emitted(cell, args, self.vid)
        self.events.append(event)
        self._since_rewrite += 1
        if cell.target == chart.initial:
            self._entries.pop(args[self._key], None)
        else:
            entry.state = cell.target
            self.of.carry(entry, event)
            self._entries[args[self._key]] = entry
        return Result(cell.rule, events=(event,))

    @property
    def visible(self) -> list[Happened]:
        """The events from the one on at which readers start since the history was trimmed."""
        return self.events[self._start :]

    def trim(self) -> bool:
        """Let readers start at the newest rewrite; False if they do already, or there is none."""
        rewriting = self.of.chart.rewriting
        begin = rewriting.rewrite.begin if rewriting and rewriting.rewrite else None
        begun = [at for at, event in enumerate(self.events) if event.name == begin]
        before, self._start = self._start, begun[-1] if begun else self._start
        return self._start != before

    def listed(self, key: Json, name: str) -> Any:
        """The id of an event that an entry carries by that name, or the epoch."""
        entry = self._entries.get(key)
        return EPOCH if entry is None else entry.carried[name]

    def without(self, key: Json) -> Keyed:
        """The same history, without one entry."""
        other = copy(self)
        other._entries = {each: entry for each, entry in self._entries.items() if each != key}
        return other

    def _rewrite(self, rule: str, rewrite: ir.Rewrite, args: Mapping[str, Json]) -> Result:
        listed, limit, saving = len(self._entries), rewrite.limit, rewrite.saving
        if not self._since_rewrite:
            return Result(rule)
        if listed > limit.entries:
            return Result(rule, refusal(code_of(limit.error)))
        cost = saving.base + saving.per_entry * listed
        saves = self._since_rewrite >= saving.events and self._since_rewrite > cost
        if args[rewrite.option] and not saves:
            return Result(rule, refusal(code_of(saving.error)))
        before = len(self.events)
        for name in (rewrite.begin, *([rewrite.list] if listed else []), rewrite.end):
            listing = self.of.chart.events[name].listing
            fields = {listing.name: self._listed(rewrite, list(listing.fields))} if listing else {}
            self.events.append(Happened(name, self.of.new_id(), self.vid, fields))
        self._since_rewrite = 0
        return Result(rule, events=tuple(self.events[before:]))

    def _listed(self, rewrite: ir.Rewrite, names: list[str]) -> list[dict[str, Json]]:
        rows = [{**entry.carried, self._key: key} for key, entry in self._entries.items()]
        rows.sort(key=lambda row: (row[rewrite.order_by], row[self._key]))
        return [{name: row[name] for name in names if row[name]} for row in rows]

    def find(self) -> dict[str, Json]:
        chart = self.of.chart
        listed = {
            state.lower(): sorted(
                key for key, entry in self._entries.items() if entry.state == state
            )
            for state in chart.states
            if state != chart.initial
        }
        return {"ok": {"vid": self.vid, **listed}}


History: TypeAlias = Plain | Keyed


# --- Operations of several steps -----------------------------------------------------------------


HistoryOf: TypeAlias = Callable[[str, str], History]
"""Gives a history by its chart and by the operation's argument that names it."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that was run.

    Attributes:
        step: the step.
        seen: the history as the step saw it.
        hidden: True if that was not the whole history.
        args: the arguments of its command.
        expected: the version that it expected of the history; None if it took any.
        result: what its command did.
    """

    step: ir.Step
    seen: History
    hidden: bool
    args: Mapping[str, Json]
    expected: Json | None
    result: Result

    @property
    def stops(self) -> bool:
        """True if the operation ends here with the step's error."""
        refused = bool(self.result.error)
        return refused and (self.step.on_refusal == "stop" or self.result.rule == "version")

    @property
    def excusable(self) -> bool:
        """True if the chart refused it, so that an earlier run may have done all the work."""
        return self.result.rule != "version" and self.result.error["code"] == STATE_CONFLICT


def _told(step: ir.Step, seen: History, args: Mapping[str, Json]) -> Result:
    return seen.tell(step.command, args)


def steps(
    operation: ir.Operation,
    history_of: HistoryOf,
    values: Mapping[str, Json],
    vid: Json | None = None,
    tell: Callable[[ir.Step, History, Mapping[str, Json]], Result] = _told,
) -> Iterator[Stepped]:
    """Run an operation with its arguments, one step at a time, until it or a refusal ends it.

    A vid that a later step expects is compared before anything is done.

    Args:
        history_of: gives the history that an argument names, by its chart and the argument.
        vid: the caller's vid, if there is one.
        tell: tells a step's command to what the step sees of a history.
    """
    after: list[Json] = []
    about = operation.about
    began = about and _listed(history_of(about.chart, about.history), values[about.entry], about)
    late = next((step for step in operation.steps[1:] if step.vid == "given"), None)
    if late and vid is not None and vid != (head := history_of(late.chart, late.history)).vid:
        yield Stepped(late, head, False, {}, vid, Result("version", conflict(head.vid, vid)))
        return
    for step in operation.steps:
        history = history_of(step.chart, step.history)
        seen = _seen(history, step, values, about, began) if about and step.incarnation else history
        expected = _expected(step, vid if step is not late else None, after)
        args = {name: _value(each, values, after) for name, each in step.sources.items()}
        if expected not in (None, seen.vid):
            result = Result("version", conflict(seen.vid, expected))
        else:
            result = tell(step, seen, args)
            if seen is not history and (result.events or result.deleted):
                result = Result("version", conflict(history.vid, EPOCH))
        after.append(seen.vid)
        stepped = Stepped(step, seen, seen is not history, args, expected, result)
        yield stepped
        if stepped.stops or (result.error and step.on_refusal == "done"):
            return


def finished(
    operation: ir.Operation,
    history_of: HistoryOf,
    values: Mapping[str, Json],
    own: Json,
    vid: Json | None = None,
) -> bool:
    """True if an earlier run has done all the work of an operation that the chart refuses.

    Args:
        own: the id that the history of the earlier run must carry.
        vid: the caller's vid, if there is one.
    """
    again = operation.again
    if again is None or (vid is not None and operation.steps[0].vid == "given"):
        return False
    history = history_of(again.chart, again.history)
    if not history.events:
        return False
    if again.own and history.entry(values).carried[again.own.carried] != own:
        return False
    if again.listed:
        listing = history_of(again.listed.chart, again.listed.history)
        return bool(_listed(listing, values[again.listed.entry], again.listed) == history.began)
    return all(state in again.states for _, state in history.states)


def _expected(step: ir.Step, vid: Json | None, after: Sequence[Json]) -> Json | None:
    """The version that a step expects; None if it takes any."""
    if step.starts:
        return None
    if isinstance(step.vid, VidOfStep):
        return after[step.vid.step - 1]
    return vid if step.vid == "given" else None


def _listed(history: History, key: Json, about: Incarnation) -> Any:
    """The id of the first event of the history that is listed under a key, or the epoch."""
    return history.listed(key, about.began_with) if isinstance(history, Keyed) else EPOCH


def _seen(
    history: History, step: ir.Step, values: Mapping[str, Json], about: Incarnation, began: Any
) -> History:
    """What a step sees of a history: nothing of another one that had or has its id."""
    if step.history == about.entry:
        return history if history.began in (began, EPOCH) else history.of.history()
    key = values[about.entry]
    if isinstance(history, Plain) or _listed(history, key, about) in (began, EPOCH):
        return history
    return history.without(key)


def conflict(stored: Json, expected: Json) -> dict[str, Json]:
    """The error for a version that is not the head."""
    return refusal("VersionConflict", stored=stored, expected=expected)
