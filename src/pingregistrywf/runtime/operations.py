"""Operations of several steps, as declared data, and the one interpreter that runs them.

An operation has no loops and no conditions: waiting and counting stay with the caller.  What its
steps rely on is read before the first one, or given by a caller that has read it (``views``).
Observers are called before and after each step; logs, simulated schedulers and crash points are
observers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias, TypeVar
from uuid import UUID, uuid5

from pingregistrywf.runtime import views
from pingregistrywf.runtime.deciding import Deciding
from pingregistrywf.runtime.declaration import FieldType, Sources
from pingregistrywf.runtime.engine import Checkpoint, View, check_history, unanswered
from pingregistrywf.runtime.errors import (
    BehaviorError,
    InvalidCommandError,
    JournalError,
    JournalLevelError,
    JournalUnusableError,
    StateConflictError,
    VersionConflictError,
)
from pingregistrywf.runtime.facade import Facade
from pingregistrywf.runtime.ids import NO_VC, RETRY_NO_VC, IdSource, Ulid, Vid
from pingregistrywf.runtime.journal.protocol import WorkflowJournal
from pingregistrywf.runtime.values import Command, Event

F = TypeVar("F", bound=Facade[Any, Any, Any])

Checkpoints: TypeAlias = Mapping[UUID, Checkpoint[Any]]
"""Where histories were when they were read, by their ids."""


@dataclass(frozen=True, slots=True)
class VidOfStep:
    """The vid after an earlier step, counted from 1."""

    step: int


@dataclass(frozen=True, slots=True)
class Step:
    """One command of an operation.

    Attributes:
        history: the operation's argument that names the history.
        sources: take its arguments from the operation's arguments, which have names, and from the
            vids after earlier steps, which have the steps' numbers.
        vid: the version to expect: ``given`` by the caller, ``none``, ``retry``, or the vid after
            an earlier step.  If the caller gave none, the first step retries.  A later one expects
            that its history, or the entry that it names there, is as before the first step.
        on_refusal: whether the operation stops with the error, goes on or is done when the chart
            refuses.
        incarnation: whether it sees only the incarnation that the operation is about.
    """

    chart: str
    history: str
    command: type[Command]
    sources: Sources
    vid: Literal["given", "none", "retry"] | VidOfStep
    on_refusal: Literal["stop", "continue", "done"]
    incarnation: bool = False


@dataclass(frozen=True, slots=True)
class Incarnation:
    """Which of the histories that had one id after another an operation is about.

    It is the one that a keyed history lists before the first step.  To all steps, another history
    of that id is empty, and another's entry absent.

    Attributes:
        chart: the keyed chart.
        history: the operation's argument that names the keyed history.
        entry: the operation's argument that is the key of the entry and the id of the history.
        began_with: the entry's attribute that is the id of the history's first event.
    """

    chart: str
    history: str
    entry: str
    began_with: str


@dataclass(frozen=True, slots=True)
class DerivedId:
    """How an id follows from a name: it is UUID version 5 of a prefix and the name.

    The whole of a name matches ``pattern``, a regular expression, which ``rule`` puts in words.
    """

    pattern: str
    rule: str
    namespace: UUID
    prefix: str

    def id_of(self, name: str, namespace: UUID | None = None) -> UUID:
        """Return the id that follows from a name, in the declared namespace or in another."""
        return uuid5(namespace or self.namespace, f"{self.prefix}{name}")


@dataclass(frozen=True, slots=True)
class Again:
    """When an earlier run has done all the work of an operation that the chart refuses.

    Attributes:
        chart: the chart of the history.
        history: the operation's argument that names the history that the earlier run was about.
        states: the states of the history in which nothing is left to be done.
        listed: in place of the states, where it is listed if nothing is left to be done.
        own: the attribute of the state that must be an id, and how that id follows from an input.
    """

    chart: str
    history: str
    states: frozenset[str]
    listed: Incarnation | None
    own: tuple[str, OperationArgument] | None


@dataclass(frozen=True, slots=True)
class OperationArgument:
    """An argument of an operation: an input as it is, or the id that is derived from the input."""

    type: FieldType
    input: str
    derived: DerivedId | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Several commands that belong together.

    Attributes:
        arguments: what its steps take.
        versioned: True if the caller may give a vid.
        about: which of the histories that have one id in turn it is about, if that matters.
        again: when an earlier run has done all its work, although the chart refuses a step.
    """

    name: str
    arguments: Mapping[str, OperationArgument]
    versioned: bool
    steps: tuple[Step, ...]
    about: Incarnation | None = None
    again: Again | None = None

    @property
    def late(self) -> Step | None:
        """The step after the first that takes the caller's vid, if there is one."""
        return next((each for each in self.steps[1:] if each.vid == "given"), None)

    @property
    def inputs(self) -> tuple[str, ...]:
        """What somebody outside gives, beside a vid."""
        return tuple(dict.fromkeys(each.input for each in self.arguments.values()))

    def resolve(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments that follow from what somebody outside gave.

        Raises:
            InvalidCommandError: an input is missing or unknown, or a name breaks its rule.
        """
        if set(inputs) != set(self.inputs):
            raise InvalidCommandError(f"{self.name} takes {', '.join(self.inputs)}")
        return {
            name: self.derive(name, inputs[each.input]) if each.derived else inputs[each.input]
            for name, each in self.arguments.items()
        }

    def derive(self, argument: str, name: object, namespace: UUID | None = None) -> UUID:
        """Return the id that follows from a name, in the declared namespace or in another.

        Raises:
            InvalidCommandError: the name breaks its rule.
            LookupError: the argument does not follow from a name.
        """
        kind, derived = self.arguments[argument].input, self.arguments[argument].derived
        if derived is None:
            raise LookupError(f"{argument} of {self.name} is given, and follows from no name")
        if not isinstance(name, str) or not re.fullmatch(derived.pattern, name):
            raise InvalidCommandError(f"{name!r} is not the name of a {kind}. {derived.rule}")
        return derived.id_of(name, namespace)

    def own_id(self, inputs: Mapping[str, Any]) -> UUID | None:
        """Return the id that the history of an earlier run must carry, if that matters."""
        if self.again is None or self.again.own is None:
            return None
        _, argument = self.again.own
        return argument.derived.id_of(inputs[argument.input]) if argument.derived else None


@dataclass(frozen=True, slots=True)
class Ran:
    """What an operation did.

    Attributes:
        vids: the vid after each step that ran or was refused, by step number from 1.
        by_chart: the vid after the last step of each chart.
        events: the events appended, in order.
        refused: the refusals that the operation went on after, by step number.
    """

    vids: Mapping[int, Ulid] = field(default_factory=dict)
    by_chart: Mapping[str, Ulid] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    refused: Mapping[int, BehaviorError] = field(default_factory=dict)


class Observer(Protocol):
    """Observes the steps as they run."""

    def before(self, operation: Operation, number: int) -> None:
        """Step ``number``, counted from 1, is about to run."""
        ...

    def after(self, operation: Operation, number: int) -> None:
        """Step ``number`` is done or was refused; what it wrote is durable."""
        ...


class Interpreter:
    """Operations on a journal; a generated class has each of them as a method.

    Threads may share it.

    Args:
        journal: where the events rest; ``open_journal`` opens one.
        ids: where new event ids come from; the journal's clock and the system's randomness unless
            given.
        observers: are called before and after each step, in their order.  On a service, which runs
            the steps itself, they are not called.
    """

    declared: ClassVar[Mapping[str, Operation]]
    facades: ClassVar[tuple[type[Facade[Any, Any, Any]], ...]]

    def __init__(
        self,
        journal: WorkflowJournal,
        *,
        ids: IdSource | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._run_on([kind(journal, ids=ids) for kind in self.facades], observers)

    @classmethod
    def on(
        cls, facades: Iterable[Facade[Any, Any, Any]], *, observers: Iterable[Observer] = ()
    ) -> Self:
        """Return the operations on facades of the same journal, one for each chart."""
        made = cls.__new__(cls)
        made._run_on(facades, observers)
        return made

    def _run_on(
        self, facades: Iterable[Facade[Any, Any, Any]], observers: Iterable[Observer]
    ) -> None:
        self._facades = {each.engine.declaration.name: each for each in facades}
        self._engines = {name: each.engine for name, each in self._facades.items()}
        self._observers = tuple(observers)
        deciders = (each.decider for each in self._engines.values())
        self._decider: Deciding | None = next(deciders, None)

    def facade(self, kind: type[F]) -> F:
        """Return the facade of a chart through which the operations run, by its class.

        Raises:
            LookupError: no step is a command of that chart.
        """
        facade = self._facades.get(kind.behavior.declaration.name)
        if not isinstance(facade, kind):
            raise LookupError(f"no operation has a step on a {kind.__name__}")
        return facade

    def run(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None = None,
        *,
        read: Checkpoints | None = None,
    ) -> Ran:
        """Run an operation to its end, with the caller's vid for the step that takes it.

        Args:
            read: what the caller has read and decided upon.  What else the operation relies on, it
                reads before its first step.

        Raises:
            InvalidCommandError: an argument is malformed; no step was run.
            JournalError: a history is not at the caller's vid; no step was run.
            WorkflowError: what a step raised; the steps before it stay done, and running the
                operation again finishes it.
        """
        commands_of(operation, arguments)
        if self._decider is not None:
            return self._ask(self._decider, operation, arguments, vid, read)
        before = self._before(operation, arguments, read or {})
        if vid is not None and operation.late:
            _expect(vid, before[arguments[operation.late.history]].head.vid)
        vids: dict[int, Ulid] = {}
        by_chart: dict[str, Ulid] = {}
        events: list[Event] = []
        refused: dict[int, BehaviorError] = {}
        for number, step in enumerate(operation.steps, start=1):
            command = _command(step, arguments, vids)
            history: UUID = arguments[step.history]
            for observer in self._observers:
                observer.before(operation, number)
            engine = self._engines[step.chart]
            view = self._view(operation, step, arguments, before)
            expected = view
            if vid is None and step is operation.late:
                expected = views.unchanged(engine, history, command, before[history], view)
            try:
                result = engine.tell(history, _vid(step, vid, vids), command, view=expected)
            except BehaviorError as refusal:
                if step.on_refusal == "stop":
                    raise
                refused[number] = refusal
                vids[number] = by_chart[step.chart] = view(engine.checkpoint(history)).head.vid
            else:
                vids[number] = by_chart[step.chart] = result.vid
                events += result.events
            for observer in self._observers:
                observer.after(operation, number)
            if number in refused and step.on_refusal == "done":
                break
        return Ran(vids, by_chart, tuple(events), refused)

    def _ask(
        self,
        decider: Deciding,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None,
        read: Checkpoints | None,
    ) -> Ran:
        """Let the journal's keeper run an operation."""
        if read:
            error = JournalUnusableError(
                operation.name,
                PermissionError("a service takes nothing that the caller has read before"),
            )
            raise JournalError(error) from error
        drawn = self._engines[operation.steps[0].chart].draw()
        charts = {name: each.declaration for name, each in self._engines.items()}
        try:
            decided = decider.run(operation, arguments, vid, charts, drawn)
        except JournalLevelError as error:
            raise unanswered(error, drawn) from error
        steps = zip(operation.steps, decided.vids, strict=False)  # a refusal may have ended it
        events = (self._engines[chart].decoded([event]) for chart, event in decided.events)
        return Ran(
            dict(enumerate(decided.vids, start=1)),
            {step.chart: each for step, each in steps},
            tuple(event for (event,) in events),
            decided.refused,
        )

    def _before(
        self, operation: Operation, arguments: Mapping[str, Any], read: Checkpoints
    ) -> Checkpoints:
        """Return the histories that the operation relies on, as they are before the first step."""
        relied_on = (each for each in (operation.late, operation.about) if each is not None)
        return {
            (history := arguments[each.history]): read.get(history)
            or self._engines[each.chart].checkpoint(history)
            for each in relied_on
        }

    def _view(
        self, operation: Operation, step: Step, arguments: Mapping[str, Any], before: Checkpoints
    ) -> View[Any]:
        """Return what a step sees: all that is read, or one of several incarnations."""
        about = operation.about
        if about is None or not step.incarnation:
            return views.whole
        key = arguments[about.entry]
        origin = views.origin(before[arguments[about.history]], key, about.began_with)
        if step.history == about.entry:
            return views.history(self._engines[step.chart], key, origin)
        return views.entry(key, about.began_with, origin)

    def run_from(
        self, operation: Operation, inputs: Mapping[str, Any], vid: Ulid | None = None
    ) -> Mapping[str, Ulid]:
        """Run an operation on what somebody outside gave; return each chart's vid after it.

        Raises:
            InvalidCommandError: an input is malformed; no step was run.
            WorkflowError: what a step raised; the steps before it stay done.
        """
        arguments = operation.resolve(inputs)
        try:
            vids = dict(self.run(operation, arguments, vid).by_chart)
        except StateConflictError:
            own = operation.own_id(inputs)
            if (current := self.finished(operation, arguments, vid, own=own)) is None:
                raise
            return current
        for step in operation.steps:
            if step.chart not in vids:  # a refusal ended the operation before its first step there
                vids[step.chart] = self._engines[step.chart].find(arguments[step.history]).vid
        return vids

    def finished(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None = None,
        *,
        own: UUID | None = None,
    ) -> Mapping[str, Ulid] | None:
        """Return each chart's vid if an earlier run has done all the work of a refused operation.

        Args:
            vid: the vid that the refused run was given.
            own: the id that the history must carry.

        Returns:
            None, if the refusal stands.

        Raises:
            JournalError: whatever the journal raised.
        """
        again = operation.again
        if again is None or (vid is not None and operation.late is None):
            return None
        engine = self._engines[again.chart]
        found = engine.checkpoint(arguments[again.history])
        if not found.head.vid or (again.own and getattr(found.state, again.own[0]) != own):
            return None
        if (listed := again.listed) is not None:
            listing = self._engines[listed.chart].checkpoint(arguments[listed.history])
            began = views.origin(listing, arguments[listed.entry], listed.began_with)
            done = began == found.origin
        else:
            done = engine.declaration.state_names[found.state.state_code] in again.states
        if not done:
            return None
        return {
            step.chart: self._engines[step.chart].find(arguments[step.history]).vid
            for step in operation.steps
        }


def commands_of(operation: Operation, arguments: Mapping[str, Any]) -> tuple[Command, ...]:
    """Return the command of each step, with some vid for those of earlier steps.

    Raises:
        InvalidCommandError: an argument is malformed.
    """
    vids = dict.fromkeys(range(1, len(operation.steps) + 1), NO_VC.value)
    if operation.about:
        check_history(arguments[operation.about.history])
        check_history(arguments[operation.about.entry])
    for step in operation.steps:
        check_history(arguments[step.history])
    return tuple(_command(step, arguments, vids) for step in operation.steps)


def _expect(vid: Ulid, head: Ulid) -> None:
    """Check the caller's vid for a later step before anything is written."""
    if vid != head:
        conflict = VersionConflictError(head, vid)
        raise JournalError(conflict) from conflict


def _command(step: Step, arguments: Mapping[str, Any], vids: Mapping[int, Ulid]) -> Command:
    values: dict[Any, Any] = {**arguments, **vids}
    return step.command(**{name: source(values) for name, source in step.sources.items()})


def _vid(step: Step, given: Ulid | None, vids: Mapping[int, Ulid]) -> Vid:
    match step.vid:
        case VidOfStep(number):
            return vids[number]
        case "given":
            return RETRY_NO_VC if given is None else given
        case "retry":
            return RETRY_NO_VC
        case "none":
            return NO_VC
