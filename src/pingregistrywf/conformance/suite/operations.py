"""Declared operations of several steps, as cases run and interrupt them.

How an operation's outside arguments (a registry's name) give the ids that its steps take is the
workflow's own affair and comes in as a ``Site``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pingregistrywf.chart.vocabulary import Constant, Operation, Operations, StepVid
from pingregistrywf.conformance.suite.case import Ref, Step
from pingregistrywf.conformance.suite.script import Run

if TYPE_CHECKING:
    from pingregistrywf.conformance.suite.play import Play

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Site:
    """Where operations are run: how their arguments follow from a name.

    Attributes:
        operations: the declared operations.
        place: the outside argument that is a name, such as ``registry``.
        namespace: the namespace of the ids that follow from it.
        derived: the operations' arguments that follow from the name, each by the text that stands
            before the name in a UUID of version 5.
        given: the outside argument for each of the operations' other ids.
        plan: the operations to interrupt, each with what to run or tell before and after it.
    """

    operations: Operations
    place: str
    namespace: str
    derived: Mapping[str, str]
    given: Mapping[str, str]
    plan: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]

    def run(self, play: Play, action: Run) -> None:
        """Play an operation: one request, on the histories of all its steps."""
        operation = self.operations.operations[action.operation]
        name = f"{self.place}1"
        play.ids.setdefault(name, "name")
        values: dict[str, Json] = {}
        for argument in operation.args:
            if argument in self.derived:
                values[argument] = self._derived(play, operation, argument, name)
            elif argument in self.given:
                values[argument] = self._history(play, operation, argument)
        outside = {self.place: Ref(name)} | {
            self.given[each]: values[each] for each in operation.args if each in self.given
        }
        if action.crash is not None:
            armed = {"op": "crash", "operation": action.operation, "after_step": action.crash}
            play.needs.add("crash")
            play.add(Step(armed, {"ok": {}}, "operation"))
        answer = self._steps(play, operation, values, action.crash)
        send = {"op": "run", "operation": action.operation, "args": outside}
        play.add(Step(send, answer or {}, "operation", died=answer is None))
        play.observe(0)

    def _derived(self, play: Play, operation: Operation, argument: str, name: str) -> Ref:
        """The id that follows from the name, and the history that it names, if it is one's."""
        made = {"uuid5": [self.namespace, self.derived[argument], Ref(name)]}
        chart = next((s.chart for s in operation.steps if s.history == argument), None)
        id_name = play.id_name(chart, 1) if chart else argument
        play.ids[id_name] = made
        return Ref(id_name)

    @staticmethod
    def _history(play: Play, operation: Operation, argument: str) -> Ref:
        chart = next(step.chart for step in operation.steps if step.history == argument)
        play.history(chart, 1)
        return Ref(play.id_name(chart, 1))

    @staticmethod
    def _steps(
        play: Play, operation: Operation, values: Mapping[str, Json], crash: int | None
    ) -> Mapping[str, Json] | None:
        """Tell the steps; the answer, or None if the process dies before there is one."""
        after: list[Json] = []
        for number, step in enumerate(operation.steps, start=1):
            if crash is not None and number > crash:
                return None
            history = play.history(step.chart, 1)
            commands = play.player.model.charts[step.chart].commands
            if step.command in commands:
                args = {
                    name: _value(step.args.get(name, name), values, after)
                    for name in commands[step.command].args
                }
            else:
                args = {name: _value(source, values, after) for name, source in step.args.items()}
            told = history.tell(step.command, args)
            _, answer = play.answer(step.chart, history, told)
            after.append(history.vid)
            if told.error and step.on_refusal == "stop":
                return answer
            if told.error and step.on_refusal == "done":
                break
        if crash is not None:
            return None
        charts = dict.fromkeys(step.chart for step in operation.steps)
        return {"ok": {"vids": {chart: play.history(chart, 1).vid for chart in charts}}}


def _value(source: Any, values: Mapping[str, Json], after: list[Json]) -> Json:
    match source:
        case StepVid(step=number):
            return after[number - 1]
        case Constant(constant=value):
            return value
        case name:
            return values[name]
