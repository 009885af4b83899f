"""The state machine that an implementation has, learned from its answers, against the chart.

AALpy's L* asks sequences of commands, each on a new history.  What is learned is compared with the
chart, from the first state on; every command that answers otherwise or leads elsewhere is reported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import DELETED, Arguments, Cell, Chart, Outcome, Row
from pingregistrywf.conformance.oracle import code_of
from pingregistrywf.conformance.run.session import Session
from pingregistrywf.conformance.suite.sequential import spoken
from pingregistrywf.conformance.suite.values import ordinary

Json: TypeAlias = Any
Output: TypeAlias = tuple[str, str]

MOST_REQUESTS: Final = 40_000
"""After so many requests nothing is learned."""


def differences(chart: Chart, capabilities: Collection[str], session: Session) -> list[str]:
    """Return how the implementation's machine differs from the chart, in words.

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


def _compared(chart: Chart, rows: Sequence[Row], learned: Any) -> list[str]:
    """Walk the chart and the learned machine side by side."""
    differing: dict[str, None] = {}
    queue: deque[tuple[str, Any]] = deque([(chart.initial, learned.initial_state)])
    seen = {(chart.initial, learned.initial_state.state_id)}
    while queue:
        state, there = queue.popleft()
        for row in rows:
            cell = chart.cells[row, state]
            answer, found = there.output_fun[row]
            meant = _meant(cell)
            target = chart.initial if cell.target == DELETED else cell.target
            start = f"from {state}, {spoken(row)}"
            if answer != meant:
                differing[f"{start} {answer}, should {_infinitive(meant)}"] = None
            elif found != target:
                differing[f"{start} goes to {found}, should go to {target}"] = None
            else:
                after = there.transitions[row]
                if (cell.target, after.state_id) not in seen:
                    seen.add((cell.target, after.state_id))
                    queue.append((cell.target, after))
    return list(differing)


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
