"""The product, taken through the steps of behaviours of the formal model.

Every participant has caches of its own on one journal in memory.  Its operation runs in a thread,
but only while it is asked to go on: it hands over before each step and when it is over.  What
follows from each step is told in the values of the model, so that the two can be compared.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID, uuid5

from pyrsistent import pmap

from pingregistrywf import UlidSource, WorkflowError, Workflows, open_journal
from pingregistrywf._generated.ping_registry_index import Behavior as IndexBehavior
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import OPERATIONS, Operations
from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.formal.values import ModelValue, Value
from pingregistrywf.generate.tla.systems import SystemModule
from pingregistrywf.runtime.engine import Engine
from pingregistrywf.runtime.facade import Facade
from pingregistrywf.runtime.ids import EPOCH, Ulid
from pingregistrywf.runtime.operations import Operation, Ran

from ..coordination.simulation import index_that_saves

START: Final = 1_700_000_000.0
UNTIL_FREE: Final = 31 * 86_400.0
NAMESPACE: Final = UUID(int=1)
LEFT_OUT: Final = {"code": 0, "message": ""}
"""Inputs of operations that the model leaves out."""
NOTES: Final = {"by", "saw"}
"""What the model notes in events for its own use."""

State = Mapping[str, Any]
"""The variables of the model."""


class Disagreement(AssertionError):  # noqa: N818 (it is between the model and the product)
    """The product does not do what the model says."""


class EagerBehavior(IndexBehavior):
    """The index, of which a snapshot is written as soon as there is an event to leave out."""

    declaration = index_that_saves(events=1, base=0, per_entry=0)


class EagerIndexes(WorkflowIndexes):
    behavior = EagerBehavior


class Crash(BaseException):
    """Ends the operation of a participant that crashes; nothing of the product catches it."""


class Participant:
    """Somebody who runs one operation at a time, step by step; an observer of its steps.

    ``next`` is the step that comes next, by the operation's name and the step's number; None while
    no operation runs.  ``refused`` is true if its operation has ended with a refusal.
    """

    def __init__(self, facades: Sequence[Facade[Any, Any]]) -> None:
        engines = {each.engine.declaration.name: each.engine for each in facades}
        self.engines: Mapping[str, Engine[Any, Any]] = engines
        self.next: tuple[str, int] | None = None
        self.ran: Ran | None = None
        self.refused = False
        self._operations = Operations.on(facades, observers=[self])
        self._crashes = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)

    def begin(self, operation: Operation, arguments: Mapping[str, Any], vid: Ulid | None) -> None:
        """Begin an operation, and stop before its first step."""
        self.ran, self.refused = None, False
        threading.Thread(target=self._run, args=(operation, arguments, vid), daemon=True).start()
        self._back.acquire()

    def step(self, *, crash: bool) -> None:
        """Run the next step; the participant learns its answer unless it crashes right after it."""
        self._crashes = crash
        self._go.release()
        self._back.acquire()

    def end(self) -> None:
        """Crash before the next step, if an operation runs."""
        if self.next is not None:
            self.next = None
            self.step(crash=True)

    def before(self, operation: Operation, number: int) -> None:
        self.next = (operation.name, number)
        self._back.release()
        self._go.acquire()
        if self.next is None:
            raise Crash

    def after(self, operation: Operation, number: int) -> None:
        if self._crashes:
            raise Crash

    def _run(self, operation: Operation, arguments: Mapping[str, Any], vid: Ulid | None) -> None:
        with suppress(Crash):
            try:
                self.ran = self._operations.run(operation, arguments, vid)
                self.refused = len(operation.steps) in self.ran.refused
            except WorkflowError:
                self.refused = True
        self.next = None
        self._back.release()


class Product:
    """The product in the initial state of a system, and what the model's steps make of it.

    An input or a kind of participant must have one value if a step does not tell which it is.
    """

    def __init__(self, model: Model, system: str, initial: State) -> None:
        self.now = START
        self._module = SystemModule(model.systems[system], model)
        self._charts = {name: model.charts[name] for name in self._module.charts}
        self._starts = dict(self._at_once())
        self._journal = open_journal("memory:", clock=lambda: self.now)
        self._ids = UlidSource(lambda: self.now, random.Random(0).randbytes)
        self._reader = self._participant()
        self._participants = {name: self._participant() for name in initial["running"]}
        self._names: dict[UUID, ModelValue] = {}
        self._histories: dict[tuple[str, ModelValue], UUID] = {}
        for chart in self._charts:
            for name in initial[chart]:
                self._histories[chart, name] = self._id(chart, name)
        self._firsts: dict[tuple[str, ModelValue], list[Ulid]] = {
            place: [] for place in self._histories
        }
        self._vids: dict[Ulid, tuple[int, int]] = {EPOCH: (0, 0)}
        self._acknowledged: set[tuple[ModelValue, tuple[int, int]]] = set()

    def close(self) -> None:
        for participant in self._participants.values():
            participant.end()
        self._journal.close()

    def take(self, before: State, action: str, after: State) -> None:
        """Take a step of the model, and compare what follows from it.

        Raises:
            Disagreement: something else follows on the product.
        """
        crash = before["crashes"] != after["crashes"]
        changed = [name for name, run in after["running"].items() if run != before["running"][name]]
        if changed:
            (name,) = changed
            if before["running"][name]["operation"] == "none":
                self._begin(name, after["running"][name])
            else:
                self._step(name, before["running"][name], crash=crash)
                self._compare_answer(name, after)
        elif action in self._starts:
            kind, operation = self._starts[action]
            (name,) = (each for each in self._participants if _kind(each) == kind)
            run = {"operation": operation}
            self._begin(name, run)
            self._step(name, run, crash=crash)
            self._compare_answer(name, after)
        else:
            self.now += UNTIL_FREE
            while self._journal.collect():
                pass
        self._compare(after)

    # --- Steps ------------------------------------------------------------------------------------

    def _at_once(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the actions that begin an operation and run its only step."""
        for kind, participant in self._module.system.participants.items():
            for start, run in zip(self._module.starts(kind), participant.runs, strict=True):
                if start.at_once:
                    yield start.name, (kind, run.operation)

    def _begin(self, name: ModelValue, run: Mapping[str, Any]) -> None:
        participant, operation = self._participants[name], OPERATIONS[run["operation"]]
        arguments = operation.resolve({each: self._given(each, run) for each in operation.inputs})
        vid = None
        if "read" in run:
            step = operation.steps[0]
            vid = participant.engines[step.chart].checkpoint(arguments[step.history]).head.vid
        participant.begin(operation, arguments, vid)

    def _step(self, name: ModelValue, run: Mapping[str, Any], *, crash: bool) -> None:
        participant = self._participants[name]
        participant.step(crash=crash)
        runs = self._module.system.participants[_kind(name)].runs
        told = any(each.acknowledged for each in runs if each.operation == run["operation"])
        if told and participant.ran is not None and participant.ran.events:
            ((chart, vid),) = participant.ran.by_chart.items()
            history = run.get(self._module.indexed[chart]) or self._only(chart)
            self._number(chart, history)
            self._acknowledged.add((history, self._vids[vid]))

    def _given(self, name: str, run: Mapping[str, Any]) -> Any:
        """What the product gets for an input of an operation."""
        if name not in self._module.system.inputs:
            return LEFT_OUT[name]
        chart = next(each for each, key in self._module.indexed.items() if key == name)
        value = run.get(name) or self._only(chart)
        is_name = name in self._module.operations.names
        return str(value) if is_name else self._histories[chart, value]

    def _only(self, chart: str) -> ModelValue:
        """The name of a chart's only history."""
        (name,) = (name for each, name in self._histories if each == chart)
        return name

    def _id(self, chart: str, name: ModelValue) -> UUID:
        """The id of a history of the model; ids that follow from its name are known, too."""
        for operation in OPERATIONS.values():
            for argument, each in operation.arguments.items():
                if each.derived and each.input == self._module.indexed[chart]:
                    self._names[operation.derive(argument, str(name))] = name
        for operation in OPERATIONS.values():
            for step in operation.steps:
                if step.chart == chart and operation.arguments[step.history].derived:
                    return operation.derive(step.history, str(name))
        history = uuid5(NAMESPACE, str(name))
        self._names[history] = name
        return history

    def _participant(self) -> Participant:
        return Participant(
            [kind(self._journal, ids=self._ids) for kind in (Workflows, EagerIndexes)]
        )

    # --- What follows -----------------------------------------------------------------------------

    def _compare_answer(self, name: ModelValue, after: State) -> None:
        refused = self._participants[name].refused
        _agree(f"whether {name} is refused", refused, after["isRefused"])

    def _compare(self, after: State) -> None:
        for name, participant in self._participants.items():
            run = after["running"][name]
            following = None if run["operation"] == "none" else (run["operation"], run["step"])
            _agree(f"what {name} does next", participant.next, following)
        stored = {each.id: each for each in self._journal.histories()}
        for chart_and_name in self._histories:
            self._number(*chart_and_name)
        for (chart, name), history in self._histories.items():
            place, expected = f"{chart}[{name}]", after[chart][name]
            found = stored.get(history)
            deleted = found is not None and found.deleted_at is not None
            _agree(f"whether {place} is deleted", deleted, expected["deleted"])
            incarnation = len(self._firsts[chart, name])
            _agree(f"the incarnation of {place}", incarnation, expected["incarnation"])
            self._compare_history(place, self._charts[chart], history, expected["events"])
        _agree("what is acknowledged", self._acknowledged, after["acknowledged"])

    def _compare_history(
        self, place: str, chart: Chart, history: UUID, expected: Sequence[Mapping[str, Any]]
    ) -> None:
        engine = self._reader.engines[chart.name]
        events = engine.events(history)
        types = [each["type"] for each in expected]
        _agree(f"the events of {place}", [type(each).__name__ for each in events], types)
        for number, (event, wanted) in enumerate(zip(events, expected, strict=True), start=1):
            for field in wanted.keys() - NOTES - {"type"}:
                value = self._listed(chart, event, wanted) if field == "entries" else None
                value = self._told(getattr(event, field)) if value is None else value
                _agree(f"{field} of event {number} of {place}", value, wanted[field])
        state = engine.find(history)
        if chart.key is None:
            leads_to = chart.events[types[-1]].to if types else chart.initial
            _agree(f"the state of {place}", int(state.state_code), chart.states[str(leads_to)].code)
        else:
            self._compare_entries(place, chart, state, expected)

    def _compare_entries(
        self, place: str, chart: Chart, state: Any, expected: Sequence[Mapping[str, Any]]
    ) -> None:
        assert chart.key is not None
        for value, key in self._keys(chart):
            leads_to = chart.initial
            for event in expected:
                if event.get(chart.key.name) == value:
                    leads_to = str(chart.events[event["type"]].to)
            code = state.entries[key].state_code if key in state.entries else 0
            _agree(f"entry {value} of {place}", int(code), chart.states[leads_to].code)

    def _listed(self, chart: Chart, event: Any, wanted: Mapping[str, Any]) -> Value:
        """The entries that an event of a snapshot lists, and those that it does not list."""
        listing = chart.events[wanted["type"]].listing
        assert listing is not None
        assert chart.key is not None
        found = {getattr(each, chart.key.name): each for each in getattr(event, listing.name)}
        states = {state.code: name for name, state in chart.states.items()}
        told: dict[Value, Value] = {}
        for value, key in self._keys(chart):
            entry = found.get(key)
            fields = wanted["entries"][value].keys() - {"state"}
            told[value] = pmap(
                {"state": states[int(entry.state_code)] if entry else chart.initial}
                | {name: self._told(getattr(entry, name)) if entry else (0, 0) for name in fields}
            )
        return pmap(told)

    def _keys(self, chart: Chart) -> Iterator[tuple[ModelValue, UUID]]:
        """The keys of a keyed chart, as the model and the product have them."""
        for (_, name), history in self._histories.items():
            if self._module.system.inputs[_kind(name)].plural == self._module.keys(chart.name):
                yield name, history

    def _number(self, chart: str, name: ModelValue) -> None:
        """Give the new events of a history their numbers."""
        firsts = self._firsts[chart, name]
        entries = self._journal.read(self._histories[chart, name], whole=True).entries
        if entries and entries[0].id not in firsts:
            firsts.append(entries[0].id)
        for number, entry in enumerate(entries, start=1):
            self._vids[entry.id] = (len(firsts), number)

    def _told(self, value: Any) -> Value:
        """A value of the product as the model has it."""
        return self._vids[value] if isinstance(value, Ulid) else self._names[value]


def _kind(value: ModelValue) -> str:
    """The input or the kind of participant that a value of the model belongs to."""
    return value.name.rstrip("0123456789")


def _agree(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Disagreement(f"{what}: {found} on the product, {expected} in the model")
