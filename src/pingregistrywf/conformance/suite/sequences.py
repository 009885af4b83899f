"""The n-complete suite of a chart: which commands to tell, one after the other (level 1).

The chart's table is a Mealy machine: a column is a state, a row an input, and what the answer shows
is an output.  A suite is m-complete if every deterministic implementation with at most m states
that departs from the machine fails it.  This is the W-method (Chow 1978; Vasilevskii 1973): reach
every state, tell every sequence of up to m - n + 1 inputs, then find out which state that led to.
One preset distinguishing sequence does the last where there is one, the shortest; else each state
has a set of sequences, and any two states share one that tells them apart (harmonized state
identifiers, HSI; Petrenko 1991).

Pure functions on charts, with no adapter and no arguments.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from pingregistrywf.chart.ir import Cell, Chart, Outcome, Row
from pingregistrywf.conformance.suite.levels import SuiteError
from pingregistrywf.conformance.suite.scenario import Bound, within

Word: TypeAlias = tuple[Row, ...]
Output: TypeAlias = tuple[str, str]

TWIN: Final = "′"
"""What is added to a state's name to name another state that is like it."""
WIDEST_SEARCH: Final = 200_000
"""So many sets of states are looked at for a distinguishing sequence, then there is none."""


class NotMinimalError(SuiteError):
    """Two states of a chart answer every sequence of commands alike.

    Attributes:
        states: the two states.
    """

    def __init__(self, chart: str, states: tuple[str, str]) -> None:
        super().__init__(chart, states)
        self.chart = chart
        self.states = states

    def __str__(self) -> str:
        one, other = self.states
        return (
            f"no sequence of commands tells {one} of {self.chart} from {other}: "
            "merge the two states, or let a command answer differently in one of them"
        )


class Mealy:
    """A chart's table as a Mealy machine: the rows of the commands that are about one state."""

    def __init__(self, chart: Chart) -> None:
        self.name = chart.name
        self.inputs: Word = tuple(row for row in chart.rows if row[0] in chart.stepping)
        self.initial = chart.initial
        cells = {
            (state, row): chart.cells[row, state] for row in self.inputs for state in chart.columns
        }
        self.target: Mapping[tuple[str, Row], str] = {at: cells[at].target for at in cells}
        self.output: Mapping[tuple[str, Row], Output] = {at: _output(cells[at]) for at in cells}
        reached = access(self)
        # Only retired rules lead to the others, so that no command shows what is there.
        self.states: tuple[str, ...] = tuple(each for each in chart.columns if each in reached)

    def after(self, state: str, word: Word) -> str:
        """The state after a sequence of inputs."""
        for row in word:
            state = self.target[state, row]
        return state

    def answers(self, state: str, word: Word) -> tuple[Output, ...]:
        """The outputs to a sequence of inputs."""
        outputs = []
        for row in word:
            outputs.append(self.output[state, row])
            state = self.target[state, row]
        return tuple(outputs)


def _output(cell: Cell) -> Output:
    """What the answer alone shows: a noop on an empty history looks like a delete."""
    match cell.outcome:
        case Outcome.EMIT:
            return ("event", str(cell.event))
        case Outcome.REJECT:
            return ("error", str(cell.error))
        case _:
            return ("nothing", "")


def access(machine: Mealy) -> dict[str, Word]:
    """The shortest sequence to each state, by breadth first, in the order of states found."""
    found: dict[str, Word] = {machine.initial: ()}
    queue = deque([machine.initial])
    while queue:
        state = queue.popleft()
        for row in machine.inputs:
            target = machine.target[state, row]
            if target not in found:
                found[target] = (*found[state], row)
                queue.append(target)
    return found


def distinguishing(machine: Mealy) -> Word | None:
    """The shortest sequence that every two states answer differently; None if there is none."""
    start = frozenset([frozenset((state, state) for state in machine.states)])
    queue: deque[tuple[frozenset[frozenset[tuple[str, str]]], Word]] = deque([(start, ())])
    seen = {start}
    while queue and len(seen) < WIDEST_SEARCH:
        blocks, word = queue.popleft()
        if not blocks:
            return word
        for row in machine.inputs:
            split = _split(machine, blocks, row)
            if split is not None and split not in seen:
                seen.add(split)
                queue.append((split, (*word, row)))
    return None


def _split(
    machine: Mealy, blocks: frozenset[frozenset[tuple[str, str]]], row: Row
) -> frozenset[frozenset[tuple[str, str]]] | None:
    """The blocks of states that are still alike after an input; None if two have become one."""
    finer: set[frozenset[tuple[str, str]]] = set()
    for block in blocks:
        by_output: dict[Output, set[tuple[str, str]]] = {}
        for start, state in block:
            output = machine.output[state, row]
            by_output.setdefault(output, set()).add((start, machine.target[state, row]))
        for alike in by_output.values():
            if len({state for _, state in alike}) < len(alike):
                return None
            if len(alike) > 1:
                finer.add(frozenset(alike))
    return frozenset(finer)


def separating(machine: Mealy, one: str, other: str) -> Word:
    """The shortest sequence that two states answer differently.

    Raises:
        NotMinimalError: there is none.
    """
    queue: deque[tuple[str, str, Word]] = deque([(one, other, ())])
    seen = {(one, other)}
    while queue:
        left, right, word = queue.popleft()
        for row in machine.inputs:
            if machine.output[left, row] != machine.output[right, row]:
                return (*word, row)
            pair = machine.target[left, row], machine.target[right, row]
            if pair not in seen and pair[0] != pair[1]:
                seen.add(pair)
                queue.append((*pair, (*word, row)))
    raise NotMinimalError(machine.name, (one, other))


def identifiers(machine: Mealy) -> dict[str, tuple[Word, ...]]:
    """For each state the sequences that tell it from every other.

    Raises:
        NotMinimalError: two states are alike.
    """
    pairs = {pair: separating(machine, *pair) for pair in itertools.combinations(machine.states, 2)}
    word = distinguishing(machine)
    if word is not None:
        return dict.fromkeys(machine.states, (word,))
    return {
        state: tuple(dict.fromkeys(word for pair, word in pairs.items() if state in pair))
        for state in machine.states
    }


def suite(machine: Mealy, up_to: Bound) -> Iterator[tuple[Word, int, Bound]]:
    """The sequences of the suite, each once, with the least bound that it belongs to.

    They are made one after the other and none is kept, for the greatest bound has very many.

    Yields:
        The inputs; how many of them come before the identifying ones; and the bound.

    Raises:
        NotMinimalError: two states are alike.
    """
    parts = _Parts(machine)
    for extra, bound in enumerate(within(up_to)):
        # What has less between its ends belongs to a lesser bound.
        for at, reach in enumerate(parts.reaches):
            for length in (0, 1) if extra == 0 else (extra + 1,):
                for middle in itertools.product(machine.inputs, repeat=length):
                    start = (*reach, *middle)
                    for identify in parts.identifying(start):
                        word = (*start, *identify)
                        if parts.first(word) == (extra, at, len(start)):
                            yield word, len(start), bound


def size(machine: Mealy, up_to: Bound) -> int | None:
    """How many sequences the suite has, without making them.

    Returns:
        None if no one sequence identifies every state: two of the suite can then be the same, which
        shows only when they are made.

    Raises:
        NotMinimalError: two states are alike.
    """
    if len({*identifiers(machine).values()}) > 1:
        return None
    reached, inputs = len(machine.states), len(machine.inputs)
    # All but one of the shortest ways are another one with an input after it.
    onward = reached * inputs - (reached - 1)
    total: int = reached + sum(onward * inputs**extra for extra in range(len(within(up_to))))
    return total


class _Parts:
    """The ends of a suite's sequences: what reaches each state, and what identifies it."""

    def __init__(self, machine: Mealy) -> None:
        self._machine = machine
        self._known = identifiers(machine)
        self._endings = tuple(dict.fromkeys(itertools.chain.from_iterable(self._known.values())))
        self.reaches = tuple(access(machine).values())

    def identifying(self, start: Word) -> tuple[Word, ...]:
        """What identifies the state after a sequence."""
        return self._known[self._machine.after(self._machine.initial, start)]

    def first(self, word: Word) -> tuple[int, int, int]:
        """Where a sequence is made first: extra states, number of its reach, length to there."""
        return min(
            (max(len(start) - len(reach) - 1, 0), at, len(start))
            for ending in self._endings
            if word[len(word) - len(ending) :] == ending
            for start in (word[: len(word) - len(ending)],)
            for at, reach in enumerate(self.reaches)
            if start[: len(reach)] == reach and ending in self.identifying(start)
        )


def covers(machine: Mealy, word: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """The cells that a sequence of inputs comes by."""
    state = machine.initial
    for row in word:
        yield state, row
        state = machine.target[state, row]
