"""Level 1: the n-complete suite of a chart, as scripts; of a keyed chart, of one of its entries."""

from __future__ import annotations

from collections.abc import Iterator

from pingregistrywf.chart.table import Arguments, Row, Table
from pingregistrywf.conformance.suite.script import Script, Tell
from pingregistrywf.conformance.suite.sequences import Mealy, Word, access, suite


def sequential(table: Table, level: int) -> Iterator[Script]:
    """The scripts of the suite, from the least bound to the greatest."""
    machine = Mealy(table)
    for word, start, bound in suite(machine):
        # The last input before the identifying ones is the one whose cell is in question.
        at = machine.after(machine.initial, word[: max(start - 1, 0)])
        yield Script(
            level,
            table.chart.chart,
            f"{spoken(word[start - 1])} in {at}, and which state that leads to"
            if start
            else f"which state {at} is",
            tuple(told_as(row) for row in word),
            rule=table.cells[word[start - 1], at].rule if start else "find",
            bound=bound,
        )


def told_as(row: Row) -> Tell:
    """A row of the table as something to tell."""
    command, arguments = row
    return Tell(command, arguments)


def as_stored(table: Table, command: str) -> Tell:
    """A command as something to tell, with the arguments that are stored where it compares any."""
    compares = (command, Arguments.SAME) in table.rows
    return Tell(command, Arguments.SAME if compares else Arguments.ANY)


def reach(table: Table) -> dict[str, tuple[Tell, ...]]:
    """What to tell to reach each state, by the shortest way."""
    words: dict[str, Word] = access(Mealy(table))
    return {state: tuple(told_as(row) for row in word) for state, word in words.items()}


def spoken(row: Row) -> str:
    """A row in words."""
    command, arguments = row
    if arguments is Arguments.ANY:
        return command
    return f"{command} with {'the same' if arguments is Arguments.SAME else 'other'} arguments"
