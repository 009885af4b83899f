"""Level 1: the n-complete suite of a chart, as scenarios; of a keyed chart, of one entry."""

from __future__ import annotations

from collections.abc import Iterator

from pingregistrywf.chart.ir import Arguments, Chart, Row
from pingregistrywf.conformance.suite.scenario import WHOLE, Bound, Scenario, Tell
from pingregistrywf.conformance.suite.sequences import Mealy, Word, access, suite


def sequential(chart: Chart, up_to: Bound = WHOLE) -> Iterator[Scenario]:
    """The scenarios of the suite, from the least bound to the greatest that is asked for."""
    machine = Mealy(chart)
    for word, start, bound in suite(machine, up_to):
        # The last input before the identifying ones is the one whose cell is in question.
        at = machine.after(machine.initial, word[: max(start - 1, 0)])
        yield Scenario(
            f"{spoken(word[start - 1])} in {at}, and which state that leads to"
            if start
            else f"which state {at} is",
            tuple(tell_of(row) for row in word),
            rule=chart.cells[word[start - 1], at].rule if start else "find",
            bound=bound,
        )


def tell_of(row: Row) -> Tell:
    """A row of the table as something to tell."""
    command, arguments = row
    return Tell(command, arguments)


def as_stored(chart: Chart, command: str) -> Tell:
    """A command as something to tell, with the arguments that are stored where it compares any."""
    compares = chart.commands[command].compared
    return Tell(command, Arguments.SAME if compares else Arguments.ANY)


def reach(chart: Chart) -> dict[str, tuple[Tell, ...]]:
    """What to tell to reach each state, by the shortest way."""
    words: dict[str, Word] = access(Mealy(chart))
    return {state: tuple(tell_of(row) for row in word) for state, word in words.items()}


def spoken(row: Row) -> str:
    """A row in words."""
    command, arguments = row
    if arguments is Arguments.ANY:
        return command
    return f"{command} with {'the same' if arguments is Arguments.SAME else 'other'} arguments"
