"""An implementation of charts and their operations, which departs from one of them if asked to."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import islice
from typing import Any, TypeAlias
from uuid import UUID, uuid5

from pingregistrywf.chart import ir
from pingregistrywf.conformance import oracle
from pingregistrywf.conformance.oracle import History, Result
from pingregistrywf.conformance.run.transcript import DIED
from pingregistrywf.conformance.selftest.operations import Departure
from pingregistrywf.conformance.selftest.subject import Subject

Json: TypeAlias = Any


class Operated(Subject):
    """Answers the requests of a subject, and runs operations.

    Args:
        model: the charts and their operations.
        departure: what it does otherwise.
    """

    def __init__(self, model: ir.Model, departure: Departure | None = None) -> None:
        others = [each for each in model.charts.values() if each is not model.main]
        super().__init__(model.main, others=others)
        self._operations = {
            name: Departure("", each)
            for of in model.operations.values()
            for name, each in of.operations.items()
        }
        if departure:
            self._operations[departure.operation.name] = departure
        self._first: dict[str, str] = {}
        self._last: Mapping[str, Json] = {}
        self._armed = ("", 0)

    def __call__(self, request: Mapping[str, Json]) -> dict[str, Json]:
        match request["op"]:
            case "crash":
                self._armed = (request["operation"], request["after_step"])
                return {"id": request["id"], "ok": {}}
            case "run":
                return {"id": request["id"], **self._answer_run(request)}
        return super().__call__(request)

    def _answer_run(self, request: Mapping[str, Json]) -> dict[str, Json]:
        departing = self._operations[request["operation"]]
        repeated, self._last = {**request, "id": None} == self._last, {**request, "id": None}
        if departing.habit == "once" and repeated:
            return _error(oracle.refusal(oracle.STATE_CONFLICT))
        killed, self._armed = self._armed, ("", 0)
        after = killed[1] if killed[0] == request["operation"] else None
        return self._run(departing, dict(request["args"]), after)

    def _run(
        self, departing: Departure, given: dict[str, Json], after: int | None
    ) -> dict[str, Json]:
        """Run an operation, or so many steps of it and die."""
        operation, habit = departing.operation, departing.habit
        vid = given.pop("vid", None)
        if habit == "one name":
            given = {name: self._first.setdefault(name, each) for name, each in given.items()}
        values = {name: value(each, given) for name, each in operation.arguments.items()}

        def history_of(chart: str, argument: str) -> History:
            return self._histories[chart][values[argument]]

        def tell(step: ir.Step, seen: History, args: Mapping[str, Json]) -> Result:
            if operation.steps.index(step) + 1 == departing.left_out:
                return Result("left out")
            return seen.tell(step.command, args)

        def current() -> dict[str, Json]:
            places = {step.chart: step.history for step in operation.steps}
            return {chart: history_of(chart, argument).vid for chart, argument in places.items()}

        before = current()
        kept = {place: _copy(history_of(*place)) for place in _places(operation)}
        head = expected = vid
        if habit == "acts first" and vid is not None:
            versioned = next(each for each in operation.steps if each.vid == "given")
            head, vid = history_of(versioned.chart, versioned.history).vid, None
        done = list(islice(oracle.steps(operation, history_of, values, vid, tell), after))
        if after is not None and len(done) == after and not (done and done[-1].stops):
            return {DIED: "as it was armed"}
        if head != expected:
            return _error(oracle.conflict(head, expected))
        last = done[-1]
        if last.stops:
            if habit == "undoes":
                for (chart, argument), history in kept.items():
                    self._histories[chart][values[argument]] = history
            own = operation.again and operation.again.own
            mine = _derived(own.derived, given) if own else None
            excuses = None if habit == "vid does not matter" else vid
            if last.excusable and oracle.finished(operation, history_of, values, mine, excuses):
                return {"ok": {"vids": current()}}
            return _error(last.result.error)
        vids: Mapping[str, Json] = current() | {each.step.chart: each.seen.vid for each in done}
        return {"ok": {"vids": departing.answered(before, vids) if departing.answered else vids}}


def _places(operation: ir.Operation) -> set[tuple[str, str]]:
    return {(step.chart, step.history) for step in operation.steps}


def _copy(history: History) -> History:
    return copy.deepcopy(history, {id(history.of): history.of})


def value(argument: ir.OperationArgument, given: Mapping[str, Json]) -> Json:
    """The value of an operation's argument, from what a request gives."""
    return _derived(argument.derived, given) if argument.derived else given[str(argument.input)]


def _derived(derived: ir.DerivedId, given: Mapping[str, Json]) -> str:
    return str(uuid5(UUID(derived.namespace), derived.prefix + given[derived.name]))


def _error(error: Mapping[str, Json]) -> dict[str, Json]:
    return {"error": {**error, "message": ""}}
