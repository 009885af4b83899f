"""The fewest cells that explain an implementation: changed so, the chart answers as it does.

A wrong cell makes the answers of many cells wrong, for what follows it starts from another state.
So the cells are not compared one by one.  The chart and the learned machine are run side by side,
and where they first differ, one of the cells on the way there is wrong: each is changed in turn,
and if one change does not suffice, two are tried.  If that is not enough, the change that explains
most is kept, and the search goes on from there.

A cell may also lead to a state that the chart does not have, the twin of the one that it should
lead to: a twin has the cells of its state until they are changed.

What is found in a history is compared only where an answer changes it, because an implementation
may keep the state in which it decides apart from the one that it shows.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart, Outcome, Row
from pingregistrywf.conformance.oracle import code_of
from pingregistrywf.conformance.suite.sequences import TWIN

Json: TypeAlias = Any
Place: TypeAlias = tuple[str, Row]

NOTHING: Final = "appends nothing"
"""The answer that neither appends an event nor is an error."""
TOGETHER: Final = 2
"""So many wrong cells are looked for together; more are found one after the other."""


class Change(NamedTuple):
    """What a cell does instead: its answer, the state that is found, and where it leads."""

    answer: str
    found: str
    target: str


class _Met(NamedTuple):
    """A cell that both machines came by, and what the learned one did there."""

    place: Place
    answer: str
    found: str
    differs: bool


class _Reached(NamedTuple):
    """Where both machines are: in the changed chart, in the learned one, and what is found.

    Nothing is known of the values that are carried once another event was appended than the chart
    has, and none are once the history was seen to be empty.
    """

    state: str
    learned: Any
    shown: str
    carried: bool

    @property
    def key(self) -> tuple[str, str, str, bool]:
        return self.state, self.learned.state_id, self.shown, self.carried


Changes: TypeAlias = Mapping[Place, Change]


def fewest_changes(chart: Chart, rows: Sequence[Row], learned: Any) -> Changes:
    """Return the fewest cells to change, and how; with more than two there may be fewer.

    Args:
        chart: the chart.
        rows: the rows that were asked of the implementation.
        learned: its Mealy machine, whose outputs are an answer and the state that is found.
    """
    search = _Search(chart, rows, learned)
    for most in range(TOGETHER + 1):
        if (found := search.within(most, {})) is not None:
            return found
    return search.one_by_one()


@dataclass(frozen=True)
class _Search:
    chart: Chart
    rows: Sequence[Row]
    learned: Any

    @cached_property
    def _events(self) -> frozenset[str]:
        return frozenset(map(appends, self.chart.events))

    def within(self, most: int, changes: Changes) -> Changes | None:
        """These changes and at most so many more that explain the machine."""
        way, _ = self._to_difference(changes)
        if not way:
            return changes
        if most:
            for place, change in self._possible(way, changes):
                if (found := self.within(most - 1, {**changes, place: change})) is not None:
                    return found
        return None

    def one_by_one(self) -> Changes:
        """Changes of which each explains the most, given those before it."""
        changes: Changes = {}
        while True:
            way, _ = self._to_difference(changes)
            tried = [{**changes, place: change} for place, change in self._possible(way, changes)]
            if not tried:
                return changes
            changes = max(tried, key=lambda each: self._to_difference(each)[1])

    def _possible(self, way: Sequence[_Met], changes: Changes) -> Iterator[tuple[Place, Change]]:
        """The changes that could explain the difference at the end of a way."""
        for met in way:
            if met.place in changes:
                continue
            own = self._cell(met.place).target
            targets = [own, *(each for each in self.chart.columns if each != own), own + TWIN]
            for target in targets if met.differs else targets[1:]:
                yield met.place, Change(met.answer, met.found, target)

    def _to_difference(self, changes: Changes) -> tuple[Sequence[_Met], float]:
        """The shortest way to a cell that the changed chart has otherwise; () if there is none.

        With it comes how many cells were alike before.
        """
        start = _Reached(
            self.chart.initial, self.learned.initial_state, self.chart.initial, carried=False
        )
        queue: deque[tuple[_Reached, tuple[_Met, ...]]] = deque([(start, ())])
        seen = {start.key}
        alike = 0
        while queue:
            reached, way = queue.popleft()
            for row in self.rows:
                if self._is_undecided(row, reached):
                    continue
                place = reached.state, row
                answer, found = reached.learned.output_fun[row]
                declared = self._declared(place, reached.shown)
                meant = changes.get(place, declared)
                differs = (answer, found) != (meant.answer, meant.found)
                met = (*way, _Met(place, answer, found, differs))
                if differs:
                    return met, alike
                alike += 1
                other_event = answer != declared.answer and answer in self._events
                unknown = other_event or found == self.chart.initial
                carried = not unknown and (reached.carried or self._is_empty(reached.state))
                after = _Reached(meant.target, reached.learned.transitions[row], found, carried)
                if after.key not in seen:
                    seen.add(after.key)
                    queue.append((after, met))
        return (), math.inf

    def _is_undecided(self, row: Row, reached: _Reached) -> bool:
        """Whether nothing is carried by which the arguments could be the same or others."""
        if self._is_empty(reached.state):
            return row[1] is Arguments.OTHER
        return row[1] is not Arguments.ANY and not reached.carried

    def _is_empty(self, state: str) -> bool:
        return _own(state) in (self.chart.initial, DELETED)

    def _declared(self, place: Place, shown: str) -> Change:
        """What the chart has in a cell; what changes nothing leaves what is shown as it is."""
        cell = self._cell(place)
        if cell.outcome in (Outcome.EMIT, Outcome.DELETE):
            shown = self.chart.initial if cell.target == DELETED else cell.target
        at_home = cell.target == cell.state
        return Change(answer_of(cell), shown, place[0] if at_home else cell.target)

    def _cell(self, place: Place) -> Cell:
        state, row = place
        return self.chart.cells[row, _own(state)]


def _own(state: str) -> str:
    """The state of which another is the twin, or the state itself."""
    return state.removesuffix(TWIN)


def appends(event: str) -> str:
    """Return the answer that tells of an event, in words."""
    return f"appends {event}"


def answer_of(cell: Cell) -> str:
    """Return what a cell of the chart answers, in words."""
    match cell.outcome:
        case Outcome.EMIT:
            return appends(str(cell.event))
        case Outcome.REJECT:
            return f"answers {code_of(str(cell.error))}"
        case _:
            return NOTHING


def answered(reply: Mapping[str, Json] | None) -> str:
    """Return what a command's answer tells, in the same words; empty if it is no answer."""
    match reply:
        case {"ok": {"events": [{"event": str(name)}, *_]}}:
            return appends(name)
        case {"ok": {}}:
            return NOTHING
        case {"error": {"code": str(code)}}:
            return f"answers {code}"
        case _:
            return ""


def otherwise(got: str, declared: str) -> str:
    """Return an answer beside the one that should be given."""
    verb, _, rest = declared.partition(" ")
    return f"{got}, should {verb.removesuffix('s')} {rest}"
