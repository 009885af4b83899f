"""The state machine that an implementation has, learned from its answers, against the chart.

AALpy's L* asks sequences of commands, each on a new history.  What is learned is compared with the
chart: every cell of the table that answers otherwise or leads elsewhere is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import DELETED, Arguments, Chart, Outcome, Row
from pingregistrywf.conformance.run.repair import (
    Change,
    Place,
    answer_of,
    answered,
    fewest_changes,
    otherwise,
)
from pingregistrywf.conformance.run.result import WrongCell
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.suite.sequences import TWIN
from pingregistrywf.conformance.suite.values import ordinary

Json: TypeAlias = Any
Output: TypeAlias = tuple[str, str]

MOST_REQUESTS: Final = 40_000
"""After so many requests nothing is learned."""


def wrong_cells(chart: Chart, capabilities: Collection[str], session: Session) -> list[WrongCell]:
    """Return the cells in which the implementation's machine differs from the chart.

    The list is empty, too, if nothing was learned.  Nothing is deleted if the adapter does not
    claim ``delete``.
    """
    # Imported here: it is large, and only needed when something fails.
    from aalpy.base import SUL
    from aalpy.learning_algs import run_Lstar
    from aalpy.oracles import WMethodEqOracle

    rows = [
        row for row in chart.rows if "delete" in capabilities or not chart.commands[row[0]].deletes
    ]
    asking = _Asking(chart, session)

    class Subject(SUL):  # type: ignore[misc]
        def pre(self) -> None:
            asking.begin()

        def post(self) -> None:
            pass

        def step(self, letter: Row | None) -> Output | None:
            return None if letter is None else asking.tell(letter)

    class OneMore(WMethodEqOracle):  # type: ignore[misc]
        """Looks for one more state than is known: to look for many at once takes too long."""

        def find_cex(self, hypothesis: Any) -> tuple[Row, ...] | None:
            self.m = max(len(chart.columns), len(hypothesis.states))
            self.m = min(self.m, len(hypothesis.states) + 1)
            found: tuple[Row, ...] | None = super().find_cex(hypothesis)
            return found

    subject = Subject()
    oracle = OneMore(rows, subject, len(chart.columns))
    try:
        learned = run_Lstar(rows, subject, oracle, automaton_type="mealy", print_level=0)
    # By SystemExit the library says that answers differ from one time to the next.
    except (UnlearnableError, SystemExit):
        return []
    changes = fewest_changes(chart, rows, learned)
    # What a twin does follows from the cell that leads to it.
    return [_wrong(chart, *each) for each in changes.items() if not each[0][0].endswith(TWIN)]


class UnlearnableError(Exception):
    """The implementation does not answer as a machine would."""


class _Asking:
    """Sends commands, to one history after the other."""

    def __init__(self, chart: Chart, session: Session) -> None:
        self._chart = chart
        self._session = session
        self._history = ""
        self._stored: dict[str, Json] = {}
        self._asked = 0

    def begin(self) -> None:
        self._history = self._session.new_id()
        self._stored = {}

    def tell(self, row: Row) -> Output:
        """Send a command; return what was answered, and the state that is found."""
        command, arguments = row
        args = self._arguments(command, arguments)
        reply = self._request({"op": "exec", "command": command, "args": args})
        answer = answered(reply)
        if not answer:
            raise UnlearnableError
        if reply.get("ok", {}).get("events"):
            self._stored.setdefault(command, args)
        match self._request({"op": "find"}):
            case {"ok": {"state": str(state)}}:
                return answer, state
            case {"error": {"code": str()}}:
                return answer, self._chart.initial
        raise UnlearnableError

    def _request(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        self._asked += 1
        if self._asked > MOST_REQUESTS:
            raise UnlearnableError
        chart = {"chart": self._chart.name}
        return self._session.ask({**chart, "workflow": self._history, **request})

    def _arguments(self, command: str, arguments: Arguments) -> dict[str, Json]:
        """The same arguments each time, or one other set."""
        declared = self._chart.commands[command].arguments
        first, second = (
            {name: ordinary(arg.type, at) for at, (name, arg) in enumerate(declared.items(), start)}
            for start in (1, 101)
        )
        stored: dict[str, Json] = self._stored.get(command, first)
        if arguments is Arguments.OTHER:
            return second if stored == first else first
        return stored


def _wrong(chart: Chart, place: Place, change: Change) -> WrongCell:
    """A cell that must be changed to explain the implementation, in words."""
    state, row = place
    cell = chart.cells[row, state]
    declared = answer_of(cell)
    shown = chart.initial if cell.target == DELETED else cell.target
    if change.answer != declared:
        deletes = cell.outcome is Outcome.DELETE
        what = otherwise(change.answer, "deletes the history" if deletes else declared)
    elif change.target != cell.target:
        twin = f"a state like {cell.target} that is not {cell.target}"
        reached = twin if change.target.endswith(TWIN) else change.target
        what = f"goes to {reached}, should go to {cell.target}"
    else:
        what = f"goes to {change.found}, should go to {shown}"
    return WrongCell(state, row, what, change.answer, change.target)
