"""The state machine that an implementation has, learned from its answers, against the chart.

AALpy's L* asks sequences of commands, each on a new history.  What is learned is compared with the
chart: every cell of the table that answers otherwise or leads elsewhere is reported.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart, Outcome, Row
from pingregistrywf.conformance.oracle import code_of
from pingregistrywf.conformance.run.result import WrongCell
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.suite.values import ordinary

Json: TypeAlias = Any
Output: TypeAlias = tuple[str, str]

REFINED: Final = 2
"""So many times it is asked anew which learned state stands for which of the chart's."""
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

    subject = Subject()
    oracle = WMethodEqOracle(rows, subject, len(chart.columns))
    try:
        learned = run_Lstar(rows, subject, oracle, automaton_type="mealy", print_level=0)
    # By SystemExit the library says that answers differ from one time to the next.
    except (UnlearnableError, SystemExit):
        return []
    return _compared(chart, rows, learned)


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
        match reply:
            case {"ok": {"events": [{"event": str(name)}, *_]}}:
                answer = f"appends {name}"
                self._stored.setdefault(command, args)
            case {"ok": {}}:
                answer = "appends nothing"
            case {"error": {"code": str(code)}}:
                answer = f"answers {code}"
            case _:
                raise UnlearnableError
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


def _compared(chart: Chart, rows: Sequence[Row], learned: Any) -> list[WrongCell]:
    """The cells by which the chart and the learned machine differ, as few as explain it."""
    first = {chart.initial: learned.initial_state}
    likely = [_correspondence(chart, rows, first, {})]
    for _ in range(REFINED):
        likely.append(_correspondence(chart, rows, first, likely[-1]))
    return min((_wrong(chart, rows, each) for each in likely), key=len)


def _correspondence(
    chart: Chart, rows: Sequence[Row], first: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """The learned state that stands for each state of the chart.

    It is the one to which most cells lead that should lead there, as far as the states before are
    known; else the one that is reached first.
    """
    found = dict(first)
    queue = deque(first)
    while queue:
        state = queue.popleft()
        for row in rows:
            cell = chart.cells[row, state]
            if cell.target not in found and _answers(found[state], row) == _meant(cell):
                votes = Counter(
                    known[each.state].transitions[other].state_id
                    for (other, _), each in chart.cells.items()
                    if each.target == cell.target != each.state
                    and other in rows
                    and each.state in known
                    and _answers(known[each.state], other) == _meant(each)
                )
                reached = found[state].transitions[row]
                elected = votes.most_common(1)
                if elected and reached.state_id != elected[0][0]:
                    continue
                found[cell.target] = reached
                queue.append(cell.target)
    return found


def _answers(there: Any, row: Row) -> str:
    answer: str = there.output_fun[row][0]
    return answer


def _wrong(chart: Chart, rows: Sequence[Row], standing: Mapping[str, Any]) -> list[WrongCell]:
    """The cells that differ, if learned states stand for the chart's as they are said to."""
    wrong = []
    for state, there in standing.items():
        for row in rows:
            if row[1] is Arguments.OTHER and state in (chart.initial, DELETED):
                continue  # nothing is carried: the arguments are neither the same nor others
            cell = chart.cells[row, state]
            answer, found = there.output_fun[row]
            meant, target = _meant(cell), cell.target
            shown = chart.initial if target == DELETED else target
            after = there.transitions[row]
            if answer != meant:
                what = f"{answer}, should {_infinitive(meant)}"
            elif found != shown:
                what = f"goes to {found}, should go to {shown}"
            elif target in standing and after.state_id != standing[target].state_id:
                what = f"goes to {_like(chart, rows, after, target)}, should go to {target}"
            else:
                continue
            wrong.append(WrongCell(state, row, what))
    return wrong


def _like(chart: Chart, rows: Sequence[Row], there: Any, but: str) -> str:
    """The state of the chart, but for one, that answers every command as a learned one does."""
    for state in chart.columns:
        cells = ((row, chart.cells[row, state]) for row in rows)
        if state != but and all(_answers(there, row) == _meant(cell) for row, cell in cells):
            return state
    return f"a state like {but} that is not {but}"


def _meant(cell: Cell) -> str:
    match cell.outcome:
        case Outcome.EMIT:
            return f"appends {cell.event}"
        case Outcome.REJECT:
            return f"answers {code_of(str(cell.error))}"
        case _:
            return "appends nothing"


def _infinitive(answer: str) -> str:
    verb, _, rest = answer.partition(" ")
    return f"{verb.removesuffix('s')} {rest}"
