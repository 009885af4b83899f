"""The total table of a chart: one cell for every state and command, and the rule it comes from.

Where a rule compares arguments with those carried, the command has two rows, ``same`` and
``other``.  A chart whose history can be deleted has a last column, ``Deleted``, which is no state
of the chart: it follows the journal's rule for every chart (behaviour.md, section 5), that a
deleted history reads as empty and that its id cannot be used again until it is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from pingregistrywf.chart.vocabulary import ArgumentSource, Chart, Rule

DELETED: Final = "Deleted"
HISTORY_DELETED: Final = "HistoryDeletedError"
OTHERWISE: Final = "otherwise"


class Arguments(StrEnum):
    """Which arguments a row of the table is about."""

    ANY = "any"
    SAME = "same"
    OTHER = "other"


class Outcome(StrEnum):
    """What a cell says."""

    EMIT = "emit"
    NOOP = "noop"
    REJECT = "reject"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a command does in a state.

    Attributes:
        command: the command.
        arguments: any; or same or other than those carried.
        state: the state it is told in.
        outcome: emit, noop, reject or delete.
        target: the state after it; ``state`` itself unless it emits or deletes.
        rule: where it comes from: ``COMMAND.N``, the command's Nth rule, or ``otherwise``.
        event: the event emitted, if any.
        error: the error answered, if any.
        sources: where the event's or error's fields come from, by field.
        compared: the arguments that a ``same`` or ``other`` row compares.
        reason: why a noop is one.
        doc: the rule's prose.
    """

    command: str
    arguments: Arguments
    state: str
    outcome: Outcome
    target: str
    rule: str
    event: str | None = None
    error: str | None = None
    sources: Mapping[str, ArgumentSource] | None = None
    compared: tuple[str, ...] = ()
    reason: str = ""
    doc: str = ""


Row = tuple[str, Arguments]


class Table:
    """The total table of a chart.

    Args:
        chart: a chart that the reader accepted.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The columns: the chart's states by code, then ``Deleted`` if it can be."""
        states = sorted(self.chart.states, key=lambda name: self.chart.states[name].code)
        return (*states, DELETED) if self.chart.deletes else tuple(states)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows: each command with its arguments' variants, in the chart's order."""
        rows: list[Row] = []
        for name, command in self.chart.commands.items():
            if any(rule.same for rule in command.rules):
                rows += [(name, Arguments.SAME), (name, Arguments.OTHER)]
            else:
                rows.append((name, Arguments.ANY))
        return tuple(rows)

    @cached_property
    def cells(self) -> Mapping[tuple[Row, str], Cell]:
        """Every cell, by row and state."""
        return {
            (row, state): self._deleted(row) if state == DELETED else self._cell(row, state)
            for row in self.rows
            for state in self.states
        }

    def cell(self, command: str, state: str, *, same: bool = True) -> Cell:
        """The cell of a command told in a state, with the same arguments as carried or others."""
        variant = Arguments.SAME if same else Arguments.OTHER
        row = (command, variant) if (command, variant) in self.rows else (command, Arguments.ANY)
        return self.cells[row, state]

    def moves(self) -> Iterator[Cell]:
        """The cells that emit or delete, once for each command, state and event."""
        seen = set()
        for cell in self.cells.values():
            key = (cell.command, cell.state, cell.outcome, cell.event)
            if cell.outcome in (Outcome.EMIT, Outcome.DELETE) and key not in seen:
                seen.add(key)
                yield cell

    def _cell(self, row: Row, state: str) -> Cell:
        command, arguments = row
        for number, rule in enumerate(self.chart.commands[command].rules, start=1):
            if state in rule.states:
                return self._from_rule(row, state, rule, f"{command}.{number}")
        return Cell(
            command=command,
            arguments=arguments,
            state=state,
            outcome=Outcome.REJECT,
            target=state,
            rule=OTHERWISE,
            error=self.chart.otherwise,
        )

    def _from_rule(self, row: Row, state: str, rule: Rule, number: str) -> Cell:
        command, arguments = row
        outcome, target, event, error = Outcome.NOOP, state, None, None
        sources: Mapping[str, ArgumentSource] | None = None
        if rule.emit:
            ((event, sources),) = rule.emit.items()
            outcome, target = Outcome.EMIT, self.chart.events[event].to
        elif rule.delete:
            outcome, target = Outcome.DELETE, DELETED
        elif rule.error:
            ((error, sources),) = rule.error.items()
            outcome = Outcome.REJECT
        elif rule.same and arguments is Arguments.OTHER:
            outcome, error = Outcome.REJECT, rule.otherwise
        return Cell(
            command=command,
            arguments=arguments,
            state=state,
            outcome=outcome,
            target=target,
            rule=number,
            event=event,
            error=error,
            sources=sources,
            compared=tuple(rule.same),
            reason=rule.noop or "" if outcome is Outcome.NOOP else "",
            doc=rule.doc,
        )

    def _deleted(self, row: Row) -> Cell:
        command, arguments = row
        empty = self._cell(row, self.chart.initial)
        emits = empty.outcome is Outcome.EMIT
        return Cell(
            command=command,
            arguments=arguments,
            state=DELETED,
            outcome=Outcome.REJECT if emits else empty.outcome,
            target=DELETED,
            rule=DELETED if emits else empty.rule,
            error=HISTORY_DELETED if emits else empty.error,
            sources=None if emits else empty.sources,
            reason=empty.reason,
            doc="The id of a deleted history is not free yet." if emits else empty.doc,
        )
