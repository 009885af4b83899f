"""Random command sequences on any generated package, compared with the model after every step.

Written once for every chart: a ``Subject`` names the chart, its package, and how to open a journal.
``drive`` fails if an answer, an event or a state is not the model's, if a cached state is not the
rebuilt one, if a chain is broken or its ids do not grow, or if a cell of the table was not reached.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    InvalidCommandError,
    Journal,
    JournalError,
    Ulid,
    UlidSource,
    UninitializedError,
    VersionConflictError,
    WorkflowError,
    open_journal,
)
from pingregistrywf.chart.ir import DELETED
from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Argument, Chart

from ..tiers import EXHAUSTIVE
from .model import Cell, Entry, History, Link, Refusal, all_cells, paths

SETTINGS = settings(
    max_examples=60 if EXHAUSTIVE else 15,
    stateful_step_count=50 if EXHAUSTIVE else 20,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    # Shrinking a failure takes minutes: it is for those who ask for it (SHRINK=1).
    phases=list(Phase) if os.environ.get("SHRINK") == "1" else [Phase.generate],
)
SEEKING = settings(SETTINGS, max_examples=10, stateful_step_count=5)
RUNS = 6
HISTORIES = 2
IDS = [UUID(int=number) for number in range(1, 4)]


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Subject:
    """A generated package under test.

    Attributes:
        chart: its chart, as it was read.
        package: the package.
        open: opens a new journal, and gives as many views of it as there are processes.
        reached: the cells that were told a command with a version that matched.
    """

    chart: Chart
    package: ModuleType
    open: Callable[[Clock], Sequence[Journal]]
    reached: set[Cell] = field(default_factory=set)


def drive(subject: Subject) -> None:
    """Run it, and see that every cell of the table is reached; a few more runs seek the rare ones.

    Each run is seeded, so that all are the same everywhere.
    """
    every = all_cells(subject.chart)
    for run in range(RUNS):
        sought = every - subject.reached if run else every
        if not sought:
            break

        class Bound(Driven):
            pass

        Bound.subject = subject
        Bound.paths = paths(subject.chart)
        Bound.cells = st.sampled_from(sorted(sought, key=str))
        reproducible = seed(run)(Bound)
        run_state_machine_as_test(reproducible, settings=SEEKING if run else SETTINGS)
    missing = every - subject.reached
    assert not missing, f"cells that were not reached: {sorted(missing, key=str)}"
    assert subject.reached == every


def opener(kind: str, place: Path) -> Callable[[Clock], Sequence[Journal]]:
    """Opens new journals of a kind below a directory, each twice as two processes would."""
    numbers = count()

    def opened(clock: Clock) -> Sequence[Journal]:
        if kind == "memory":
            journal = open_journal("memory:", clock=clock)
            return [journal, journal]
        url = f"sqlite:{place / f'{next(numbers)}.db'}"
        return [open_journal(url, clock=clock), open_journal(url, clock=clock)]

    return opened


# --- Values of the chart's types -------------------------------------------------------------

_VALUES: Mapping[Type, st.SearchStrategy[Any]] = {
    Type.INT32: st.sampled_from([0, 1, -1, 2**31 - 1, -(2**31)]) | st.integers(-(2**31), 2**31 - 1),
    Type.STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    Type.UUID: st.sampled_from([NIL, *IDS]) | st.uuids(),
    Type.ULID: st.binary(min_size=16, max_size=16).map(Ulid),
    Type.BOOL: st.booleans(),
}
_BAD: Mapping[Type, Sequence[Any]] = {
    Type.INT32: [2**31, -(2**31) - 1, True, 1.0, "1", None],
    Type.STRING: ["\ud800", "a\udfff", b"x", None, 0],
    Type.UUID: [str(NIL), None, 0, bytes(16)],
    Type.ULID: [str(EPOCH), bytes(16), None, NIL],
    Type.BOOL: [0, 1, None, "true"],
}
_ZERO: Mapping[Type, Any] = {
    Type.INT32: 0,
    Type.STRING: "",
    Type.UUID: NIL,
    Type.ULID: EPOCH,
    Type.BOOL: False,
}


KEYS: Mapping[Type, Sequence[Any]] = {
    Type.UUID: IDS,
    Type.STRING: ["a", "\0", "\U0001f600 e\u0301"],
    Type.ULID: [Ulid(bytes([number]) * 16) for number in range(1, 4)],
}
"""The keys of the entries that a keyed history is told of."""


def values(argument: Argument) -> st.SearchStrategy[Any]:
    """The values that the chart allows for an argument."""
    strategy = _VALUES[argument.type]
    if argument.nonzero:
        zero = _ZERO[argument.type]
        return strategy.filter(lambda value: value != zero)
    return strategy


def bad_values(argument: Argument) -> list[Any]:
    """Values that the chart does not allow."""
    zero = [_ZERO[argument.type]] if argument.nonzero else []
    return [*_BAD[argument.type], *zero]


# --- The driver ------------------------------------------------------------------------------


class Driven(RuleBasedStateMachine):
    """Several histories, several views of one journal, and the model of each history."""

    subject: ClassVar[Subject]
    paths: ClassVar[dict[str, list[str]]]
    cells: ClassVar[st.SearchStrategy[Cell]]

    def __init__(self) -> None:
        super().__init__()
        self.chart = self.subject.chart
        self.package = self.subject.package
        self.clock = Clock()
        self.stack = ExitStack()
        self.journals = [self.stack.enter_context(each) for each in self.subject.open(self.clock)]
        self.ids = UlidSource(self.clock, Random(0).randbytes)
        self.facades = [self.new_facade(each) for each in self.journals]
        self.numbers = count(1)
        self.histories = [self.new_history() for _ in range(HISTORIES)]

    def teardown(self) -> None:
        self.stack.close()

    @property
    def key_type(self) -> Type:
        """The type of a keyed chart's key."""
        (kind,) = {
            each.args[self.chart.keyed_by or ""].type for each in self.chart.commands.values()
        }
        return kind

    def new_history(self) -> History:
        return History(self.chart, UUID(int=next(self.numbers) << 64))

    def new_facade(self, journal: Journal) -> Any:
        """The package's facade, with an empty cache."""
        return getattr(self.package, self.chart.facade)(journal, ids=self.ids, sleep=_no_sleep)

    # Steps

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Every history is led to a drawn state, and told a command there."""
        for place in range(HISTORIES):
            self.tell_in_a_cell(data, place)

    @rule(data=st.data(), place=st.integers(0, HISTORIES - 1))
    def begin_anew(self, data: st.DataObject, place: int) -> None:
        """Another history takes the place of one, and is led to a drawn state."""
        self.histories[place] = self.new_history()
        self.tell_in_a_cell(data, place)

    @rule(data=st.data())
    def tell_anything(self, data: st.DataObject) -> None:
        """Any command with any version, by any process."""
        history = data.draw(st.sampled_from(self.histories), label="history")
        facade = data.draw(st.sampled_from(self.facades), label="facade")
        command = data.draw(st.sampled_from(sorted(self.chart.commands)), label="command")
        arguments = self.arguments(data, command, None, history)
        vid = self.version(data, history)
        self.tell(history, facade, command, arguments, vid)
        self.compare(history)

    @rule(data=st.data())
    def tell_nonsense(self, data: st.DataObject) -> None:
        """A malformed argument is refused, whatever the version and the state."""
        taking = [name for name, each in self.chart.commands.items() if each.args]
        history = data.draw(st.sampled_from(self.histories), label="history")
        command = data.draw(st.sampled_from(taking), label="command")
        arguments = self.arguments(data, command, None, history)
        name = data.draw(st.sampled_from(sorted(arguments)), label="argument")
        bad = bad_values(self.chart.commands[command].args[name])
        arguments[name] = data.draw(st.sampled_from(bad), label="bad")
        answer = self.run(self.facades[0], history, command, arguments, self.version(data, history))
        assert isinstance(answer, InvalidCommandError), answer
        self.compare(history)

    @rule(
        days=st.sampled_from([0.0, 1.0, 14.9, 15.1, 30.1]),
        seconds=st.sampled_from([0.0, 0.001, -5.0]),
    )
    def turn_the_clock_and_collect_garbage(self, days: float, seconds: float) -> None:
        """Time passes (or goes back a little); what was deleted long ago is removed."""
        self.clock.now += days * 86_400 + seconds
        self.journals[-1].collect()
        for history in self.histories:
            history.collect(self.clock.now)
            self.compare(history)

    @rule(data=st.data())
    def start_again(self, data: st.DataObject) -> None:
        """A process starts again, with nothing cached."""
        which = data.draw(st.integers(0, len(self.facades) - 1), label="facade")
        self.facades[which] = self.new_facade(self.journals[which])

    @precondition(lambda self: self.chart.snapshot is not None)
    @rule(data=st.data(), only_if_saving=st.booleans())
    def take_a_snapshot(self, data: st.DataObject, only_if_saving: bool) -> None:
        """The command of a keyed chart that rewrites its map."""
        said = self.chart.snapshot
        assert said is not None
        history = data.draw(st.sampled_from(self.histories), label="history")
        facade = data.draw(st.sampled_from(self.facades), label="facade")
        vid = self.version(data, history)
        method = getattr(facade, snake(said.command.name))
        answer = _answer(lambda: method(history.id, vid, only_if_saving))
        if isinstance(vid, Ulid) and vid != history.head:
            self.expect_conflict(answer, history, vid)
        else:
            self.expect(answer, history, history.snapshot(only_if_saving), {})
        self.compare(history)

    @precondition(lambda self: self.chart.snapshot is not None)
    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        """The history's start moves to its newest snapshot."""
        history = data.draw(st.sampled_from(self.histories), label="history")
        assert self.journals[-1].trim(history.id) == history.trim(self.clock.now)
        self.compare(history)

    # What is drawn

    def arguments(
        self,
        data: st.DataObject,
        command: str,
        key: Any,
        history: History | None = None,
        same: bool | None = None,
    ) -> dict[str, Any]:
        """Arguments of the chart's types; what the command compares is at times as carried."""
        declared = self.chart.commands[command].args
        drawn = {name: data.draw(values(each), label=name) for name, each in declared.items()}
        if self.chart.keyed_by:
            drawn[self.chart.keyed_by] = key or data.draw(
                st.sampled_from(KEYS[self.key_type]), label="key"
            )
        compared = history.compared(command) if history is not None else []
        if history is not None and compared:
            entry = history.entry(drawn)
            if entry.machine.state not in (self.chart.initial, DELETED):
                choices = st.sampled_from(compared) if same is False else st.none()
                if same is None:
                    choices = st.none() | st.sampled_from(compared)
                other = data.draw(choices, label="other")
                drawn |= {name: entry.carried[name] for name in compared if name != other}
        return drawn

    def version(self, data: st.DataObject, history: History) -> Any:
        """A version argument: mostly one that matches."""
        mode = data.draw(
            st.sampled_from(["right", "right", "none", "none", "retry", "old", "foreign", "any"]),
            label="version",
        )
        match mode:
            case "right":
                return history.head
            case "none":
                return NO_VC
            case "retry":
                return RETRY_NO_VC
            case "old":
                known = [link.id for link in history.chain if link.id is not None]
                return data.draw(st.sampled_from([EPOCH, *known]), label="vid")
            case "foreign":
                return data.draw(st.sampled_from([each.head for each in self.histories]))
            case _:
                return data.draw(_VALUES[Type.ULID], label="vid")

    # Told, and compared with the model

    def tell_in_a_cell(self, data: st.DataObject, place: int) -> None:
        """Lead a history (all entries of a keyed one) to a drawn state; tell it a drawn command."""
        history, facade = self.histories[place], self.facades[place % len(self.facades)]
        command, same, state = data.draw(self.cells, label="cell")
        keys: list[Any] = [*KEYS[self.key_type]] if self.chart.keyed_by else [None]
        for key in keys:
            goal = state if key == keys[-1] else data.draw(st.sampled_from(sorted(self.paths)))
            for step in self.paths[goal]:
                arguments = self.arguments(data, step, key)
                self.tell(history, facade, step, arguments, NO_VC)
        arguments = self.arguments(data, command, keys[-1], history, same=same)
        vid = data.draw(st.sampled_from([history.head, NO_VC, RETRY_NO_VC]), label="version")
        self.tell(history, facade, command, arguments, vid)
        self.compare(history)

    def run(
        self, facade: Any, history: History, command: str, arguments: dict[str, Any], vid: Any
    ) -> Any:
        """The answer of the facade's method, or the error that it raised."""
        method = getattr(facade, snake(command))
        if self.chart.starts(command):
            kind = getattr(self.package, f"Cmd{command}")
            return _answer(lambda: method(history.id, kind(**arguments)))
        return _answer(lambda: method(history.id, vid, **arguments))

    def tell(
        self, history: History, facade: Any, command: str, arguments: dict[str, Any], vid: Any
    ) -> None:
        checked = isinstance(vid, Ulid) and not self.chart.starts(command)
        answer = self.run(facade, history, command, arguments, vid)
        if checked and vid != history.head:
            self.expect_conflict(answer, history, vid)
        else:
            self.subject.reached.update(history.cells(command, arguments))
            expected = history.tell(command, arguments, self.clock.now)
            self.expect(answer, history, expected, arguments, command)

    def expect_conflict(self, answer: Any, history: History, vid: Ulid) -> None:
        assert answer == JournalError(VersionConflictError(history.head, vid)), answer
        assert answer.definite

    def expect(
        self,
        answer: Any,
        history: History,
        expected: Refusal | Sequence[Link],
        arguments: Mapping[str, Any],
        command: str = "",
    ) -> None:
        if isinstance(expected, Refusal):
            home = self.package if hasattr(self.package, expected.error) else pingregistrywf
            error = getattr(home, expected.error)(**expected.fields)
            if expected.error == "HistoryDeletedError":
                error = JournalError(error)
            assert answer == error, answer
            assert answer.definite
            assert self.package.is_package_error(answer)
            return
        deletes = command and any(rule.delete for rule in self.chart.commands[command].rules)
        if deletes:
            assert answer is None, answer
        elif expected:
            assert isinstance(answer, Ulid), answer
            assert answer > history.head
            history.told(expected, arguments, answer)
        else:
            assert answer == history.head, answer

    def compare(self, history: History) -> None:
        """Every view of the history, cached and rebuilt, is the model's."""
        fresh = self.new_facade(self.journals[-1])
        states = [self.find(facade, history) for facade in (*self.facades, fresh)]
        assert all(state == states[-1] for state in states), states
        self.compare_events(history, fresh.events(history.id))
        state = states[-1]
        if self.chart.keyed_by is None and history.head == EPOCH:
            assert state is None
            return
        assert state.id == history.id
        assert state.vid == history.head
        if self.chart.keyed_by is None:
            (entry,) = history.entries.values()
            self.compare_entry(state, entry)
            return
        assert set(state.entries) == set(history.listed)
        for key, entry in history.listed.items():
            assert getattr(state.entries[key], self.chart.keyed_by) == key
            self.compare_entry(state.entries[key], entry)
        assert state.events_since_snapshot == history.since_snapshot
        assert state.rewritten is None

    def find(self, facade: Any, history: History) -> Any:
        try:
            return facade.find_id(history.id)
        except UninitializedError as error:
            assert error.id == history.id  # noqa: PT017
            return None

    def compare_entry(self, state: Any, entry: Entry) -> None:
        names = self.package.DECLARATION.state_names
        assert names[state.state_code] == entry.machine.state
        assert state.state_code == self.chart.states[entry.machine.state].code
        for name, carried in self.chart.carried.items():
            actual = getattr(state, carried.attribute or name)
            expected = entry.carried[name]
            if carried.list is not None:
                assert [_plain(each) for each in actual] == expected
                if carried.count is not None:
                    assert getattr(state, carried.count) == len(expected)
            elif carried.record is not None:
                assert _plain(actual) == expected
            else:
                assert actual == expected
                assert type(actual) is type(expected)

    def compare_events(self, history: History, events: Sequence[Any]) -> None:
        links = history.visible
        assert [type(event).__name__ for event in events] == [link.name for link in links]
        previous: Ulid = EPOCH
        if history.start:
            before = history.chain[history.start - 1].id
            assert before is not None
            previous = before
        for event, link in zip(events, links, strict=True):
            assert event.parent == previous
            assert event.id > previous
            link.id = event.id if link.id is None else link.id
            if link.name == "SnapshotState":
                self.compare_snapshot(event, link)
            else:
                kind = getattr(self.package, link.name)
                assert event == kind(id=link.id, parent=previous, **link.fields)
            assert event.id == link.id
            assert type(event).unmarshal_proto(event.marshal_proto()) == event
            previous = event.id
        if events:
            assert previous == history.head

    def compare_snapshot(self, event: Any, link: Link) -> None:
        said = self.chart.snapshot
        assert said is not None
        told = getattr(event, said.message.entries)
        key = self.chart.keyed_by or ""
        assert [getattr(each, key) for each in told] == list(link.fields["entries"])
        for each in told:
            state, carried = link.fields["entries"][getattr(each, key)]
            assert self.package.DECLARATION.state_names[each.state_code] == state
            for name in said.message.fields:
                if name != key:
                    attribute = self.chart.carried[name].attribute or name
                    assert getattr(each, attribute) == carried[name]


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except WorkflowError as error:
        return error


def _plain(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _no_sleep(seconds: float) -> None:
    raise AssertionError("nobody else was at it, so nothing was to be waited for")
