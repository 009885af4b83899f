"""A behaviour of a generated system as a link of the explorer, whose format is in ``link.mjs``.

The explorer runs one thing after the other.  So the link holds the commands of the steps that
changed a history, in their order.  In the explorer a mark of deletion never expires: where an id is
used again, the next history takes its place.  Snapshots are left out, because nothing else
changes by them.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, Final

from pingregistrywf.chart.ir import FromArgument, Model
from pingregistrywf.chart.parts import Constant, VidOfStep
from pingregistrywf.chart.types import Type
from pingregistrywf.formal.behaviour import (
    LEFT_OUT,
    Variables,
    Written,
    by_name,
    charts_of,
    input_of,
    operations_of,
    run_at_once,
    written,
)
from pingregistrywf.formal.timeline import RUNNING, TYPE
from pingregistrywf.formal.trace import Trace
from pingregistrywf.generate.link import ANY_VERSION, COMMAND, POOL, fragment, link_hash
from pingregistrywf.runtime.ids import EPOCH, Ulid

_BEGINNING: Final = 1_767_225_600_000
"""The time of the explorer's first event, in milliseconds since 1970: the first of January 2026."""
_SECOND: Final = 1000
_WORD: Final = 0xFFFFFFFF


class LinkError(Exception):
    """No link can show the behaviour; the text says why."""


def explorer_link(trace: Trace, model: Model) -> str:
    """Return the fragment of a link that shows the histories of a behaviour.

    Args:
        trace: a behaviour of a system of the model.
        model: the model.

    Raises:
        LinkError: a link cannot name so many histories.
    """
    session = _Session(trace, model)
    for before, after in pairwise(trace.states):
        session.step(before.variables, after.variables, after.action)
    return fragment(model, session.rows)


class _Session:
    """The rows of a link, and the ids that the explorer draws when it plays them."""

    def __init__(self, trace: Trace, model: Model) -> None:
        self.rows: list[Any] = []
        self._model = model
        self._charts = charts_of(trace, model)
        self._operations = operations_of(model)
        self._words = _words(model)
        self._ids: dict[tuple[str, Any, int, int], Ulid] = {}
        self._numbers: dict[tuple[str, Any], int] = {}
        self._taken: Counter[str] = Counter()
        self._listed: dict[tuple[Any, Any], int] = {}
        self._others: dict[str, list[Any]] = {}
        self._drawn = 0
        for name in self._charts:
            first: Any = trace.states[0].variables[name]
            for key, _ in by_name(first):
                self._take(name, key)

    def step(self, before: Variables, after: Variables, action: str) -> None:
        """Add the command of a step, if it changes a history."""
        for each in written(before, after, self._charts):
            if each.is_free_again:
                self._take(each.chart.name, each.key)
                continue
            running = (
                before[RUNNING][participant]
                for participant, run in by_name(after[RUNNING])
                if before[RUNNING][participant] != run
            )
            run = next(running, None) or run_at_once(action, each, self._operations)
            self._tell(run, each)

    def _tell(self, run: Variables, changed: Written) -> None:
        """Add the command of a step, and name the events that it appends."""
        operation = self._operations[run["operation"]]
        step = operation.steps[run["step"] - 1]
        chart = changed.chart
        command = chart.commands[step.command]
        if command.rewrite:
            return
        arguments = []
        for argument in command.arguments.values():
            match step.sources[argument.name]:
                case Constant(constant=constant):
                    arguments.append(constant)
                case FromArgument(argument=name):
                    key = run.get(input_of(operation.arguments[name]))
                    arguments.append(self._value(changed, argument.name, argument.type, key))
                case VidOfStep(step=number):
                    earlier = operation.steps[number - 1]
                    key = run[input_of(operation.arguments[earlier.history])]
                    arguments.append(self._vid(earlier.chart, key, run[f"vid{number}"]))
        place = list(chart.commands).index(step.command)
        row = list(self._model.charts).index(chart.name)
        history = self._numbers[chart.name, changed.key]
        self.rows.append([COMMAND, row, history, place, ANY_VERSION, arguments])
        if not changed.is_deleted:
            first, last = len(changed.before["events"]), len(changed.after["events"])
            for number in range(first + 1, last + 1):
                place_of = (chart.name, changed.key, changed.after["incarnation"], number)
                self._ids[place_of] = self._draw()

    def _take(self, chart: str, key: Any) -> None:
        """Give a history of the behaviour the next one of the explorer."""
        self._taken[chart] += 1
        if self._taken[chart] > POOL:
            raise LinkError(f"a link names at most {POOL} histories of {chart}")
        self._numbers[chart, key] = self._taken[chart]

    def _value(self, changed: Written, name: str, type_: Type, key: Any) -> Any:
        """Return an argument: an id as its place among those that a link can name."""
        if type_ is not Type.UUID:
            return LEFT_OUT.get(type_, str(EPOCH)) if key is None else str(key)
        for chart, known in self._numbers:
            if known == key and self._charts[chart].key is None:
                return self._place(chart, self._number_in(changed, chart, key))
        others = self._others.setdefault(name, [])
        if key not in others:
            others.append(key)
        return self._place(name, others.index(key) + 1)

    def _number_in(self, changed: Written, chart: str, key: Any) -> int:
        """Return the number of the history that is meant by an id where a history is changed.

        What is listed stays the same when the id is used again.
        """
        number = self._numbers[chart, key]
        if changed.chart.key is None:
            return number
        number = self._listed.setdefault((changed.key, key), number)
        if changed.chart.events[changed.after["events"][-1][TYPE]].to == changed.chart.initial:
            del self._listed[changed.key, key]
        return number

    def _place(self, word: str, number: int) -> int:
        return self._words.index(word) * POOL + number - 1

    def _vid(self, chart: str, key: Any, vid: tuple[int, int]) -> str:
        incarnation, number = vid
        return str(self._ids[chart, key, incarnation, number] if number else EPOCH)

    def _draw(self) -> Ulid:
        """Return the id that the explorer draws for the next event."""
        self._drawn += 1
        milliseconds = _BEGINNING + len(self.rows) * _SECOND
        drawn = _bytes_of(f"{len(self.rows)}/{self._drawn}", 10)
        return Ulid(milliseconds.to_bytes(6, "big") + drawn)


def _words(model: Model) -> list[str]:
    """Return the kinds of ids that a link can name: the charts, and arguments that are ids."""
    commands = (each for chart in model.charts.values() for each in chart.commands.values())
    operations = operations_of(model).values()
    arguments = [each.arguments.values() for each in commands]
    arguments += [each.arguments.values() for each in operations]
    ids = [each.name for those in arguments for each in those if each.type is Type.UUID]
    return list(dict.fromkeys([*model.charts, *ids]))


def _bytes_of(seed: str, count: int) -> bytes:
    """Return bytes that depend on a text alone, as in ``ids.mjs``."""
    value = link_hash(seed) or 1
    drawn = []
    for _ in range(count):
        value ^= value << 13 & _WORD
        value ^= value >> 17
        value ^= value << 5 & _WORD
        drawn.append(value >> 11 & 255)
    return bytes(drawn)
