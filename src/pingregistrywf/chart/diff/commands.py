"""Changes of commands: their arguments, and what they do in each state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pingregistrywf.chart.diff.change import Change
from pingregistrywf.chart.diff.events import DEVIATE
from pingregistrywf.chart.diff.pairing import Pairing
from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart, FromArgument, Outcome, Source

_RETIRE: Final = " with its rules retired (retired: true)"


def command_changes(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    """Yield the changes of commands."""
    yield from pairing.name_changes("commands", old.commands, new.commands, _RETIRE)
    for name in new.commands:
        if name not in pairing.commands.values():
            what, deviate = f"the command {name} is new", "deviate until they have it"
            yield Change(f"commands.{name}", what, implementations=deviate)
    for before, after in pairing.commands.items():
        yield from _arguments(old, new, pairing, before, after)
        yield from _Table(old, new, pairing, before, after).changes()
        if old.commands[before].rewrite != new.commands[after].rewrite:
            what = "it snapshots in other cases, or in another order"
            yield Change(f"commands.{after}", what, implementations=DEVIATE)


def _arguments(
    old: Chart, new: Chart, pairing: Pairing, before: str, after: str
) -> Iterator[Change]:
    path = f"commands.{after}.arguments"
    was, now = old.commands[before].arguments, new.commands[after].arguments
    yield from pairing.name_changes(path, was, now)
    pairs = pairing.pairs(path, was, now)
    for name in now:
        if name not in pairs.values():
            yield Change(f"{path}.{name}", "the argument is new", implementations="must give it")
    for one, other in pairs.items():
        if was[one].type is not now[other].type:
            what = f"it is of type {now[other].type}, and was of type {was[one].type}"
            yield Change(f"{path}.{other}", what, implementations="must give another type")
        if was[one].nonzero is not now[other].nonzero:
            may = "must not" if now[other].nonzero else "may"
            what = f"it {may} be zero, empty or nil"
            yield Change(f"{path}.{other}", what, implementations=DEVIATE)
    order = [pairs[each] for each in was if each in pairs]
    if order != [each for each in now if each in order]:
        what = "the arguments have another order"
        yield Change(path, what, implementations="give them by their names, or in the new order")


class _Table:
    """What a command does in each state, in two versions of a chart."""

    def __init__(self, old: Chart, new: Chart, pairing: Pairing, before: str, after: str) -> None:
        self._old = old
        self._new = new
        self._pairing = pairing
        self._before = before
        self._after = after
        self._arguments = pairing.pairs(
            f"commands.{after}.arguments",
            old.commands[before].arguments,
            new.commands[after].arguments,
        )

    def changes(self) -> Iterator[Change]:
        for state, now in {**self._pairing.states, DELETED: DELETED}.items():
            if state not in self._old.columns or now not in self._new.columns:
                continue
            for same in (True, False):
                before = _cell(self._old, self._before, state, same=same)
                after = _cell(self._new, self._after, now, same=same)
                if what := self._difference(before, after):
                    path = f"commands.{self._after}"
                    yield Change(path, f"in {now} it {what}", implementations=DEVIATE)
                    break

    def _difference(self, before: Cell, after: Cell) -> str:
        """Return in words what a cell does otherwise, empty if it does the same."""
        pairing = self._pairing
        event = before.event and pairing.events.get(before.event, before.event)
        error = before.error and pairing.errors.get(before.error, before.error)
        was = (before.outcome, event or error, before.guard)
        now = (after.outcome, after.event or after.error, after.guard)
        does, _ = _spoken(after, now[1])
        if was != now:
            return f"{does}; before, it {_spoken(before, was[1])[1]}"
        if [self._arguments.get(each) for each in before.compared] != after.compared:
            return "compares other arguments"
        sources = self._sources(before, event)
        if any(source != after.sources.get(name, source) for name, source in sources.items()):
            return f"{does} with other values"
        return ""

    def _sources(self, cell: Cell, event: str | None) -> dict[str, Source]:
        """Return where the values of an old cell come from, by new names."""
        names = {name: name for name in cell.sources}
        if cell.event and event in self._new.events:
            new = self._new.events[event].fields
            names = dict(self._pairing.pairs(f"events.{event}.fields", cell.sources, new))
        return {
            names[name]: self._source(each) for name, each in cell.sources.items() if name in names
        }

    def _source(self, source: Source) -> Source:
        if not isinstance(source, FromArgument):
            return source
        return FromArgument(argument=self._arguments.get(source.argument, source.argument))


def _cell(chart: Chart, command: str, state: str, *, same: bool) -> Cell:
    """Return the cell that is about the same arguments, or about others."""
    for arguments in (Arguments.SAME if same else Arguments.OTHER, Arguments.ANY):
        if ((command, arguments), state) in chart.cells:
            return chart.cells[(command, arguments), state]
    raise AssertionError("the table is total")


def _spoken(cell: Cell, named: str | None) -> tuple[str, str]:
    """Return what a cell does with the event or error of a name, in the present and in the past."""
    same = " with the same arguments" if cell.guard else ""
    match cell.outcome:
        case Outcome.EMIT:
            return f"emits {named}", f"emitted {named}"
        case Outcome.NOOP:
            return f"does nothing{same}", f"did nothing{same}"
        case Outcome.REJECT:
            return f"is refused with {named}", f"was refused with {named}"
        case Outcome.DELETE:
            return "deletes the history", "deleted the history"
        case Outcome.REWRITE:
            return "writes a snapshot", "wrote a snapshot"
