"""A behaviour of a generated system as a scenario, which the tests replay on the product.

``tests/scenarios/README.md`` describes the language.  Each participant is a process that runs its
operations and is paused between two steps while others go on.  The answers are those of the model.
For what a behaviour does not tell, there is ``…``: whether a last step that writes nothing was
refused, and what a snapshot lists.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from pingregistrywf.chart.ir import Chart, Model, Operation
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
from pingregistrywf.formal.timeline import CRASHES, IDLE, RUNNING, TYPE
from pingregistrywf.formal.trace import Trace

_DAYS: Final = 31
"""How long a scenario waits for a mark of deletion to expire."""
_UNTOLD: Final = "…"
"""What stands for lines of an answer that a behaviour does not tell."""
_READ: Final = "read"
"""What a run holds of the version that its participant has read."""


def scenario(trace: Trace, model: Model, title: str) -> str:
    """Return the scenario of a behaviour.

    Args:
        trace: a behaviour of a system of the model.
        model: the model.
        title: the comment at the top, in one line.
    """
    story = _Story(trace, model)
    commands = [*_joined(story.steps()), *story.histories()]
    return "\n\n".join([f"# {title}", *map(str, commands)]) + "\n"


@dataclass(frozen=True, slots=True)
class _Command:
    """A command and its answer.

    Attributes:
        words: the command.
        answer: the lines of its answer.
        process: the process that runs an operation; empty for other commands.
        paused: the step before which the operation is paused; None if it is over.
    """

    words: tuple[str, ...]
    answer: tuple[str, ...]
    process: str = ""
    paused: int | None = None

    def __str__(self) -> str:
        words, answer = list(self.words), list(self.answer)
        if self.process:
            words.append(f"by={self.process}")
        if self.paused is not None:
            words.append(f"pause={self.paused}")
            answer.append(f"paused before step {self.paused}")
        return "\n".join([shlex.join(words), "----", *answer])


def _joined(commands: Iterable[_Command]) -> list[_Command]:
    """Join the steps between which nothing else happens."""
    joined: list[_Command] = []
    for command in commands:
        verb, *options = command.words
        if joined and verb == "resume" and joined[-1].process == command.process:
            last = joined.pop()
            command = replace(
                command,
                words=(*last.words, *options),
                answer=last.answer + command.answer,
            )
        joined.append(command)
    return joined


class _Story:
    """A behaviour as commands.

    Marks of deletion expire on the days of which the story keeps count, and the events of the
    histories that were deleted until then are removed.
    """

    def __init__(self, trace: Trace, model: Model) -> None:
        self._states = trace.states
        self._charts = charts_of(trace, model)
        self._operations = operations_of(model)
        self._names: dict[tuple[str, int, int], str] = {}
        self._counted: Counter[str] = Counter()
        self._days = 0
        self._dead = 0

    def steps(self) -> Iterator[_Command]:
        """Yield the commands of each step of the behaviour."""
        for before, after in pairwise(self._states):
            yield from self._step(before.variables, after.variables, after.action)

    def histories(self) -> Iterator[_Command]:
        """Yield commands that show how each history is in the end."""
        for chart in self._charts.values():
            histories: Any = self._states[-1].variables[chart.name]
            for key, history in by_name(histories):
                name = _history(chart, key)
                yield _Command(("events", name), tuple(self._events(chart, name, history)))

    # --- Steps -----------------------------------------------------------------------------------

    def _step(self, before: Variables, after: Variables, action: str) -> Iterator[_Command]:
        changed = {
            _history(each.chart, each.key): each for each in written(before, after, self._charts)
        }
        freed = [name for name, each in changed.items() if each.is_free_again]
        if freed:
            yield from self._wait(freed)
            return
        crashed = before[CRASHES] != after[CRASHES]
        moved = {
            str(participant): (before[RUNNING][participant], run)
            for participant, run in by_name(after[RUNNING])
            if before[RUNNING][participant] != run
        }
        for process, (run, following) in moved.items():
            paused = None if following["operation"] == IDLE else following["step"]
            if run["operation"] == IDLE:
                yield _Command(self._begun(following), (), process, paused)
                continue
            stop = (f"stop={run['step']}",) if crashed else ()
            over = crashed or paused is None
            answer = self._answer(run, changed, crashed=crashed, over=over)
            yield _Command(("resume", *stop), answer, process, paused)
        if not moved:
            for each in changed.values():
                run = run_at_once(action, each, self._operations)
                stop = ("stop=1",) if crashed else ()
                answer = self._answer(run, changed, crashed=crashed, over=True)
                yield _Command((*self._begun(run), *stop), answer, each.author)

    def _wait(self, freed: Sequence[str]) -> Iterator[_Command]:
        """Yield the commands after which a mark of deletion has expired."""
        self._days += _DAYS
        yield _Command(("wait", f"days={_DAYS}"), (f"day {self._days}",))
        removed, self._dead = self._dead, 0
        answer = f"{removed} entries removed; free again: [{'; '.join(freed)}]"
        yield _Command(("collect",), (answer,))

    def _begun(self, run: Variables) -> tuple[str, ...]:
        """Return the command that begins an operation."""
        operation = self._operations[run["operation"]]
        given = [f"{name}={self._argument(operation, name, run)}" for name in operation.arguments]
        if _READ in run:
            history = self._argument(operation, operation.steps[0].history, run)
            given.append(f"vid={self._vid(history, run[_READ])}")
        return ("run", operation.name, *given)

    def _answer(
        self, run: Variables, changed: Mapping[str, Written], *, crashed: bool, over: bool
    ) -> tuple[str, ...]:
        """Return what a step answers."""
        operation, number = self._operations[run["operation"]], run["step"]
        step = operation.steps[number - 1]
        history = self._argument(operation, step.history, run)
        lines = [f"step {number}: {step.command} of {history}"]
        if history in changed:
            lines += self._lines(history, changed[history])
        else:
            lines.append(_UNTOLD if over else "nothing appended")
        if crashed:
            lines.append("the process ends here")
        return tuple(lines)

    def _lines(self, history: str, written: Written) -> Iterator[str]:
        if written.is_deleted:
            self._dead += len(written.before["events"])
            yield "deleted"
            return
        first = len(written.before["events"])
        for line in self._events(written.chart, history, written.after, first):
            yield line if line == _UNTOLD else f"+ {line}"

    # --- Values ----------------------------------------------------------------------------------

    def _argument(self, operation: Operation, name: str, run: Variables) -> str:
        """Return the value of an operation's argument."""
        argument = operation.arguments[name]
        key = run.get(input_of(argument))
        if key is None:
            return str(LEFT_OUT.get(argument.type, name))
        named = (self._charts[step.chart] for step in operation.steps if step.history == name)
        chart = next(named, None)
        return str(key) if chart is None else _history(chart, key)

    def _events(self, chart: Chart, history: str, now: Variables, first: int = 0) -> Iterator[str]:
        """Yield the events of a history, from one on."""
        for number, event in enumerate(now["events"][first:], start=first + 1):
            declared = chart.events[event[TYPE]]
            name = self._name(history, now["incarnation"], number)
            parent = self._vid(history, (now["incarnation"], number - 1))
            if declared.rewrite:
                yield _UNTOLD
                continue
            fields = []
            for field in declared.fields.values():
                value = event.get(field.name, LEFT_OUT.get(field.type))
                if field.type is Type.ULID:
                    value = self._vid(str(event[chart.key.name]) if chart.key else history, value)
                shown = json.dumps(str(value)) if field.type is Type.STRING else str(value)
                fields.append(f"{field.name}={shown}")
            yield " ".join([f"{name} after {parent}", declared.name, *fields])

    def _vid(self, history: str, vid: tuple[int, int]) -> str:
        """Return the name of a version, which is that of an event or ``epoch``."""
        incarnation, number = vid
        return self._name(history, incarnation, number) if number else "epoch"

    def _name(self, history: str, incarnation: int, number: int) -> str:
        place = (history, incarnation, number)
        if place not in self._names:
            self._counted[history] += 1
            self._names[place] = f"{history}:{self._counted[history]}"
        return self._names[place]


def _history(chart: Chart, key: object) -> str:
    """Return the name of a history; a scenario tells by its beginning what is an index."""
    return f"index_of_{key}" if chart.key else str(key)
