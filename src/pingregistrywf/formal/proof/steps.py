"""The action of a step: a participant reads a history, decides, and writes, all at once.

It says for any ids what the formal model says in TLA+ for a few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import z3

from pingregistrywf.chart.invariant import PARTICIPANT
from pingregistrywf.chart.ir import DELETED, Arguments, Cell, FromArgument, Operation, Outcome
from pingregistrywf.chart.parts import Constant, VidOfStep
from pingregistrywf.formal.proof.moments import (
    EVENT,
    IDLE,
    RUNNING,
    Action,
    Change,
    Symbols,
    Term,
    entries,
    histories,
    same,
)


class StepAction:
    """What the action of a step is made of."""

    def __init__(self, symbols: Symbols, operation: Operation, number: int) -> None:
        self._symbols = symbols
        self._operation = operation
        self._number = number
        self._step = operation.steps[number - 1]
        self._module = symbols.module.charts[self._step.chart]
        self._chart = self._module.chart
        self._command = self._chart.commands[self._step.command]
        self._states = symbols.states[self._chart.name].members
        self._participant = symbols.constant(PARTICIPANT, PARTICIPANT)
        self._fresh = symbols.constant("new event", EVENT)
        key = symbols.module.key_of(operation, self._step)
        self._history = [self._input(self._step.history)]
        self._keys = [*self._history, self._run(key)] if key else self._history

    def action(self) -> Action:
        """Return the action."""
        module = self._symbols.module
        name = module.action(self._operation, self._number)
        inputs = [(each, self._run(each)) for each in module.inputs(self._operation)]
        return Action(
            name=name,
            guards=[self._run("next") == self._symbols.steps.members[name], *self._freshness()],
            constants=[(PARTICIPANT, self._participant), *inputs],
            changes=list(self._changes()),
        )

    # --- What it reads ----------------------------------------------------------------------------

    def _run(self, field: str) -> Term:
        return self._symbols.any.value(RUNNING, field, self._participant)

    def _input(self, argument: str) -> Term:
        return self._run(self._symbols.module.input_of(self._operation, argument))

    def _of_history(self, field: str) -> Term:
        return self._symbols.any.value(histories(self._chart.name), field, *self._history)

    def _stored(self, field: str) -> Term:
        """A field of the entry, or of the history if the chart has no entries."""
        return self._symbols.any.value((self._chart.name, len(self._keys)), field, *self._keys)

    @cached_property
    def _is_another(self) -> Term:
        """Whether the step is about another incarnation than the one that is there."""
        about = self._operation.about if self._step.incarnation else None
        if about is None:
            return self._symbols.false
        first = self._stored(about.began_with if self._chart.key else "first_vid")
        return first != self._run("first")

    @cached_property
    def _state(self) -> Term:
        """The state as the operation sees it: another incarnation is not there for it."""
        stored, nothing = self._stored("state"), self._states[self._chart.initial]
        if (deleted := self._states.get(DELETED)) is not None:
            nothing = z3.If(stored == deleted, deleted, nothing)
        return z3.If(self._is_another, nothing, stored)

    def _argument(self, name: str, field: str) -> Term:
        """What the step gives as an argument that a field takes, or is compared with."""
        match self._step.sources[name]:
            case FromArgument(argument=argument):
                given = self._symbols.module.input_of(self._operation, argument)
                told_apart = given in self._symbols.module.system.inputs
                return self._run(given) if told_apart else self._always(given, field)
            case VidOfStep(step=number):
                return self._run(f"vid{number}")
            case Constant(constant=value):
                return self._always(repr(value), field)

    def _always(self, name: str, field: str) -> Term:
        """A value of which nothing is known but that it is always the same."""
        return z3.Const(name, self._stored(field).sort())

    # --- What it decides --------------------------------------------------------------------------

    @cached_property
    def _cells(self) -> Sequence[tuple[Term, Cell]]:
        """The cells of the command, each with when it is the one that decides."""
        cells = (cell for cell in self._chart.table if cell.command == self._command.name)
        return [(self._applies(cell), cell) for cell in cells]

    def _applies(self, cell: Cell) -> Term:
        applies = self._state == self._states[cell.state]
        if not cell.guard:
            return applies
        stored = [self._stored(name) for name in cell.compared]
        given = [self._argument(name, name) for name in cell.compared]
        agree = same(given, stored)
        return z3.And(applies, agree if cell.arguments is Arguments.SAME else z3.Not(agree))

    def _decided(self, outcome: Outcome) -> Term:
        if self._command.rewrite:  # how many events there are, and whether that is too many
            return z3.Const(f"may {outcome}", self._symbols.false.sort())
        cells = [applies for applies, cell in self._cells if cell.outcome is outcome]
        return z3.And(z3.Not(self._conflicts), z3.Or([self._symbols.false, *cells]))

    @cached_property
    def _conflicts(self) -> Term:
        """Whether the version is another than the step expects."""
        conflicts = [self._symbols.false]
        module, step = self._symbols.module, self._step
        if isinstance(step.vid, VidOfStep):
            conflicts.append(self._of_history("vid") != self._run(f"vid{step.vid.step}"))
        elif step.vid == "given" and module.reads(self._operation):
            conflicts.append(self._of_history("vid") != self._run("read"))
        elif step.vid == "given" and self._number > 1:
            conflicts.append(self._stored("vid") != self._run("before"))
        if self._module.emits_on_nothing(self._command.name):
            hidden = [self._is_another, self._state != self._stored("state")]
            conflicts.append(z3.And(*hidden, self._of_history("vid") != self._symbols.epoch))
        return z3.Or(conflicts)

    # --- What it writes ---------------------------------------------------------------------------

    def _freshness(self) -> Iterator[Term]:
        """The id of a new event is in use nowhere."""
        yield self._fresh != self._symbols.epoch
        for table, fields in self._symbols.any.columns.items():
            keys = [self._symbols.constant(name, name) for name in self._symbols.keys[table]]
            for function in fields.values():
                if (used := function(*keys)).sort() == self._fresh.sort():
                    yield z3.ForAll(keys, used != self._fresh)

    def _changes(self) -> Iterator[Change]:
        emits, deletes = self._decided(Outcome.EMIT), self._decided(Outcome.DELETE)

        def written(old: Term, *, emitted: Term, deleted: Term) -> Term:
            return z3.If(emits, emitted, z3.If(deletes, deleted, old))

        epoch, vid = self._symbols.epoch, self._of_history("vid")
        vid_after = written(vid, emitted=self._fresh, deleted=epoch)
        yield Change(histories(self._chart.name), self._history, {"vid": vid_after})
        yield Change(RUNNING, [self._participant], self._next_run(vid_after))
        if self._command.rewrite:  # every entry stays as it is
            return
        row = {}
        for field in ("state", *self._module.carried):
            stored = self._stored(field)
            deleted = self._nothing(field)
            row[field] = written(stored, emitted=self._emitted(field), deleted=deleted)
        if self._chart.key:
            row["vid"] = z3.If(emits, self._fresh, self._stored("vid"))
        else:
            first = self._stored("first_vid")
            begun = z3.If(vid == epoch, self._fresh, first)
            row["first_vid"] = written(first, emitted=begun, deleted=epoch)
            row["parent"] = written(self._stored("parent"), emitted=vid, deleted=epoch)
        if self._symbols.module.reads(self._operation):
            row["saw"] = written(self._stored("saw"), emitted=self._run("read"), deleted=epoch)
        yield Change(entries(self._chart), self._keys, row)

    def _emitted(self, field: str) -> Term:
        """A field after the event that the command emits."""
        value = self._stored(field)
        for applies, cell in self._cells:
            if cell.outcome is Outcome.EMIT:
                value = z3.If(applies, self._after(cell, field), value)
        return value

    def _after(self, cell: Cell, field: str) -> Term:
        """A field after the event of a cell."""
        if field == "state":
            return self._states[cell.target]
        if self._chart.key and cell.target == self._chart.initial:
            return self._nothing(field)
        entering = dict(self._module.entering(self._chart.events[str(cell.event)]))
        if field not in entering:
            return self._stored(field)
        match cell.sources[entering[field]]:
            case FromArgument(argument=argument):
                return self._argument(argument, field)
            case Constant(constant=value):
                return self._always(repr(value), field)

    def _nothing(self, field: str) -> Term:
        """A field of what does not exist."""
        if field == "state":
            return self._states.get(DELETED, self._states[self._chart.initial])
        return self._symbols.nothing(self._stored(field).sort())

    def _next_run(self, vid: Term) -> Mapping[str, Term]:
        """What the participant does next, and the version that it remembers."""
        operation, steps = self._operation, self._symbols.steps.members
        idle = following = steps[IDLE]
        if self._number < len(operation.steps):
            following = steps[self._symbols.module.action(operation, self._number + 1)]
        refused = following if self._step.on_refusal == "continue" else idle
        refuses = self._decided(Outcome.REJECT)
        run = {"next": z3.If(self._conflicts, idle, z3.If(refuses, refused, following))}
        if self._number in self._symbols.module.referred(operation, self._number):
            run[f"vid{self._number}"] = vid
        return run
