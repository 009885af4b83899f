"""Random commands on any generated package, each answer compared with what the chart says.

``machine_of`` makes a state machine for Hypothesis, whose ``TestCase`` is a test as it stands::

    TestParcels = machine_of(Parcels).TestCase

It leads histories to every state and runs any command there: with matching, old and foreign vids,
with malformed arguments, through two facades with caches of their own that stand for two processes,
after time has passed and garbage was collected.  After every step it compares the answer, all
events and the state with what the chart's document says; it never asks the package's own table.

A failure is told as a program that repeats it, with what was expected of its last line.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from types import ModuleType
from typing import Any, ClassVar, Final, NoReturn, TypeAlias
from uuid import uuid4

from hypothesis import HealthCheck, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from pingregistrywf.chart.ir import DELETED, HISTORY_DELETED, Arguments, Chart
from pingregistrywf.runtime.errors import JournalError, WorkflowError
from pingregistrywf.runtime.ids import EPOCH, NO_VC, RETRY_NO_VC, Ulid, UlidSource, Vid
from pingregistrywf.runtime.journal import Journal, open_journal
from pingregistrywf.runtime.values import Event
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.expected import (
    NEVER_WRITTEN,
    ExpectedHistory,
    Goal,
    Refusal,
    Written,
    goals,
    ways,
)
from pingregistrywf.testing.generated import FacadeClass, chart_of, package_of
from pingregistrywf.testing.plain import plain, typed
from pingregistrywf.testing.script import Script
from pingregistrywf.testing.strategies import arguments, bad_arguments, keys

OpenJournal: TypeAlias = Callable[[TurnedClock], Sequence[Journal]]
"""Opens a new journal, which has this clock: once, or once for each process that shares it."""
SETTINGS: Final = settings(
    deadline=None, suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet
)
"""The settings of a machine, which tells of a failure by itself.

``settings(SETTINGS, max_examples=20)`` varies them.
"""

_NO_FIELDS: Final = Refusal("")
_HISTORIES: Final = 2
_CELLS_A_VISIT: Final = 4
_CONFLICT: Final = "VersionConflictError"
_OF_THE_JOURNAL: Final = (_CONFLICT, HISTORY_DELETED)


def machine_of(
    facade: FacadeClass, journal: Journal | OpenJournal | None = None, *, chart: Chart | None = None
) -> type[ChartMachine]:
    """Return a state machine that compares a package with its chart, on a journal.

    Args:
        facade: the package's facade.
        journal: an open journal, in which every example has histories of its own; or what opens a
            new one for each example.  None: new ones in memory.
        chart: the lowered chart to compare with; that of the package's ``chart.json`` unless given.
    """

    class Machine(ChartMachine):
        pass

    Machine.__name__ = Machine.__qualname__ = f"{facade.__name__}Machine"
    Machine.facade, Machine.package = facade, package_of(facade)
    Machine.chart = chart or chart_of(facade)
    Machine.journal = journal or _in_memory
    Machine.goals = goals(Machine.chart)
    Machine.reached = set()
    Machine.TestCase.settings = SETTINGS
    return Machine


def _in_memory(clock: TurnedClock) -> Sequence[Journal]:
    return [open_journal("memory:", clock=clock)]


class ChartMachine(RuleBasedStateMachine):
    """Two histories on a journal, and what the chart says of each; ``machine_of`` makes it whole.

    Attributes:
        goals: the cells of the chart's table from which those to reach are drawn.
        reached: the cells in which a command was run with a vid that matched.
    """

    facade: ClassVar[FacadeClass]
    package: ClassVar[ModuleType]
    chart: ClassVar[Chart]
    journal: ClassVar[Journal | OpenJournal]
    goals: ClassVar[Sequence[Goal]]
    reached: ClassVar[set[Goal]]

    def __init__(self) -> None:
        super().__init__()
        self._opened = ExitStack()
        journal, self._clock = type(self).journal, TurnedClock()
        if callable(journal):
            views = [self._opened.enter_context(each) for each in journal(self._clock)]
        else:
            views = [journal]
            if isinstance(journal.clock, TurnedClock):
                self._clock = journal.clock
        self._turns = views[0].clock is self._clock
        self._script = Script(self.facade)
        self._journals = dict(zip(self._script.facades, islice(cycle(views), 2), strict=True))
        self._last = views[-1]
        self._ids = UlidSource(views[0].clock, random.Random(0).randbytes)
        self._facades = {name: self._new_facade(each) for name, each in self._journals.items()}
        self._ways = ways(self.chart)
        self._histories = [self._new_history() for _ in range(_HISTORIES)]

    def teardown(self) -> None:
        self._opened.close()

    def _new_history(self) -> ExpectedHistory:
        history = ExpectedHistory(self.chart, uuid4(), self._last.retention)
        self._script.history(history.id)
        return history

    def _new_facade(self, journal: Journal) -> Any:
        """A facade with an empty cache."""
        return self.facade(journal, ids=self._ids, sleep=_no_sleep)

    # Steps

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Lead every history to a drawn state, and run commands there."""
        for place in range(_HISTORIES):
            self._visit(data, place)

    @rule(data=st.data(), place=st.integers(0, _HISTORIES - 1))
    def begin_anew(self, data: st.DataObject, place: int) -> None:
        """Put another history in the place of one, and lead it to a drawn state."""
        self._histories[place] = self._new_history()
        self._visit(data, place)

    @rule(data=st.data())
    def run_anything(self, data: st.DataObject) -> None:
        """Run any command with any vid, by any process."""
        self._run_drawn(data, data.draw(st.sampled_from(list(self.chart.commands)), "command"))

    @precondition(lambda self: self.chart.rewriting is not None)
    @rule(data=st.data())
    def rewrite(self, data: st.DataObject) -> None:
        """Run the command that rewrites a history."""
        rewriting = self.chart.rewriting
        assert rewriting is not None
        self._run_drawn(data, rewriting.name)

    @precondition(lambda self: any(each.arguments for each in self.chart.commands.values()))
    @rule(data=st.data())
    def run_nonsense(self, data: st.DataObject) -> None:
        """Give a command a malformed argument, whatever the vid and the state."""
        taking = [name for name, each in self.chart.commands.items() if each.arguments]
        history = data.draw(st.sampled_from(self._histories), "history")
        command = data.draw(st.sampled_from(taking), "command")
        values = self._typed(command, self._arguments(data, command, history))
        name = data.draw(st.sampled_from(sorted(values)), "argument")
        declared = self.chart.commands[command].arguments[name]
        values[name] = data.draw(bad_arguments(declared), "bad")
        answer = self._call(data, history, command, values, self._vid(data, history))
        self._expect(self._told(answer), "InvalidCommandError()")
        self._compare(history)

    @precondition(lambda self: self._turns)
    @rule(
        days=st.sampled_from([0.0, 1.0, 14.9, 15.1, 30.1]),
        seconds=st.sampled_from([0.0, 0.001, -5.0]),
    )
    def turn_the_clock_and_collect_garbage(self, days: float, seconds: float) -> None:
        """Let time pass, or go back a little, and remove what was deleted long ago."""
        self._clock.turn(days=days, seconds=seconds)
        self._last.collect()
        self._script.add(f"clock.turn(days={days}, seconds={seconds})")
        self._script.add("journal.collect()")
        for history in self._histories:
            history.collect(self._clock.now)
            self._compare(history)

    @rule(data=st.data())
    def start_again(self, data: st.DataObject) -> None:
        """Start a process again, with nothing cached."""
        name = data.draw(st.sampled_from(self._script.facades), "facade")
        self._facades[name] = self._new_facade(self._journals[name])
        self._script.add(self._script.new_facade(name))

    @precondition(lambda self: self._turns and self.chart.rewriting is not None)
    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        """Move a history's start to its newest rewrite."""
        history = data.draw(st.sampled_from(self._histories), "history")
        self._script.add(f"journal.trim({self._script.value(history.id)})")
        trimmed = self._last.trim(history.id)
        self._expect(str(trimmed), str(history.trim(self._clock.now)))
        self._compare(history)

    # What is drawn

    def _arguments(
        self,
        data: st.DataObject,
        command: str,
        history: ExpectedHistory,
        *,
        key: Any = None,
        wanted: Arguments | None = None,
    ) -> dict[str, Any]:
        """Arguments of a command, as JSON: those that it compares are at times as carried."""
        declared, key_of = self.chart.commands[command].arguments, self.chart.key
        drawn = {name: plain(data.draw(arguments(each), name)) for name, each in declared.items()}
        if key_of and key_of.name in declared:
            drawn[key_of.name] = plain(key or data.draw(st.sampled_from(keys(self.chart)), "key"))
        compared = self.chart.commands[command].compared
        if not compared:
            return drawn
        state, carried = history.entry(drawn)
        if state not in (self.chart.initial, DELETED):
            others = st.none() if wanted is Arguments.SAME else st.sampled_from(compared)
            other = data.draw(others if wanted else st.none() | others, "other")
            drawn |= {name: carried[name] for name in compared if name != other}
        return drawn

    def _vid(self, data: st.DataObject, history: ExpectedHistory) -> Vid:
        """A vid: mostly one that matches."""
        ways = ["right", "right", "none", "none", "retry", "old", "foreign", "any"]
        match data.draw(st.sampled_from(ways), "version"):
            case "right":
                return history.head
            case "none":
                return NO_VC
            case "retry":
                return RETRY_NO_VC
            case "old":
                known = [Ulid.parse(each["id"]) for each in history.events]
                return data.draw(st.sampled_from([EPOCH, *known]), "vid")
            case "foreign":
                return data.draw(st.sampled_from([each.head for each in self._histories]), "vid")
            case _:
                return Ulid(data.draw(st.binary(min_size=16, max_size=16), "vid"))

    def _typed(self, command: str, values: Mapping[str, Any]) -> dict[str, Any]:
        declared = self.chart.commands[command].arguments
        return {name: typed(declared[name].type, each) for name, each in values.items()}

    # Run, and compared with the chart

    def _visit(self, data: st.DataObject, place: int) -> None:
        """Lead a history (all entries of a keyed one) to a drawn state, and run commands there."""
        history = self._histories[place]
        goal = data.draw(st.sampled_from(self.goals), "cell")
        state, (*others, last) = goal[-1], keys(self.chart)
        for key in others:
            self._lead(data, history, key, data.draw(st.sampled_from(list(self._ways)), "state"))
        self._lead(data, history, last, state)
        in_the_state = [each for each in self.goals if each[-1] == state]
        for _ in range(_CELLS_A_VISIT):
            command, wanted, _ = goal
            values = self._arguments(data, command, history, key=last, wanted=wanted)
            matching: list[Vid] = [history.head, NO_VC, RETRY_NO_VC]
            vid = data.draw(st.sampled_from(matching), "version")
            self._run(data, history, command, values, vid)
            if history.entry(values)[0] != state:
                break
            goal = data.draw(st.sampled_from(in_the_state), "cell")
        self._compare(history)

    def _lead(self, data: st.DataObject, history: ExpectedHistory, key: Any, state: str) -> None:
        for step in self._ways[state]:
            values = self._arguments(data, step, history, key=key, wanted=Arguments.SAME)
            self._run(data, history, step, values, NO_VC)

    def _run_drawn(self, data: st.DataObject, command: str) -> None:
        history = data.draw(st.sampled_from(self._histories), "history")
        values = self._arguments(data, command, history)
        self._run(data, history, command, values, self._vid(data, history))
        self._compare(history)

    def _run(
        self,
        data: st.DataObject,
        history: ExpectedHistory,
        command: str,
        values: Mapping[str, Any],
        vid: Vid,
    ) -> None:
        declared, head = self.chart.commands[command], history.head
        answer = self._call(data, history, command, self._typed(command, values), vid)
        if isinstance(vid, Ulid) and vid != head and not declared.starts:
            conflict = Refusal(_CONFLICT, {"stored": plain(head), "expected": plain(vid)})
            self._expect(self._told(answer, conflict), _shown(conflict))
            return
        self.reached.update(history.cells(command, values))
        # The events that were written give their ids, and are judged afterwards.
        found = _answer(lambda: self._fresh().events(history.id))
        ids = [str(each.id) for each in found] if isinstance(found, tuple) else []
        new = ids[len(history.events) :]
        match history.tell(command, values, new, self._clock.now):
            case Refusal() as refusal:
                self._expect(self._told(answer, refusal), _shown(refusal))
            case Written():
                self._expect(
                    self._told(answer), self._told(None if declared.deletes else history.head)
                )

    def _call(
        self,
        data: st.DataObject,
        history: ExpectedHistory,
        command: str,
        values: Mapping[str, Any],
        vid: Vid,
    ) -> Any:
        """Call a method of a drawn facade, and return what it returned or raised."""
        name = data.draw(st.sampled_from(self._script.facades), "facade")
        declared, script = self.chart.commands[command], self._script
        method = getattr(self._facades[name], declared.method)
        given = ", ".join(f"{each}={script.value(value)}" for each, value in values.items())
        shown = [script.value(history.id)]
        if declared.starts:
            kind = getattr(self.package, f"Cmd{command}")
            answer = _answer(lambda: method(history.id, kind(**values)))
            shown.append(f"{kind.__name__}({given})")
        else:
            answer = _answer(lambda: method(history.id, vid, **values))
            shown += filter(None, (script.value(vid), given))
        script.call(f"{name}.{declared.method}({', '.join(shown)})", answer)
        return answer

    def _compare(self, history: ExpectedHistory) -> None:
        """Compare every view of a history, cached and rebuilt, with what the chart says."""
        named, fresh = self._script.value(history.id), self._fresh()
        rebuilt = f"{self.facade.__name__}(journal)"
        found = _answer(lambda: fresh.events(history.id))
        call = f"{rebuilt}.events({named})"
        if isinstance(found, tuple):
            self._expect(_text([self._event(each) for each in found]), _text(history.events), call)
            self._check_chain(found, call)
        else:
            self._expect(self._told(found), _text(history.events), call)
        state = history.state()
        if state is None:
            wanted = _shown(Refusal("UninitializedError", {"id": str(history.id)}))
        else:
            wanted = _text({"id": str(history.id), "vid": str(history.head), **state})
        views = {**self._facades, rebuilt: fresh}
        states = {name: _answer(partial(each.find_id, history.id)) for name, each in views.items()}
        for name, view in states.items():
            call = f"{name}.find_id({named})"
            self._expect(self._view(view), wanted, call)
            if view != states[rebuilt]:
                self._fail(repr(view), repr(states[rebuilt]), call)

    def _check_chain(self, events: Sequence[Event], call: str) -> None:
        before = events[0].parent if events else EPOCH
        for event in events:
            read = type(event).unmarshal_proto(event.marshal_proto())
            if read != event:
                self._fail(repr(read), repr(event), call)
            if not before < event.id:
                self._fail(f"{event.id} after {before}", "ids that grow", call)
            before = event.id

    def _fresh(self) -> Any:
        """A facade of yet another process."""
        return self._new_facade(self._last)

    # What the package says, as the chart's document has it

    def _event(self, event: Event) -> dict[str, Any]:
        name = type(event).__name__
        declared = self.chart.events[name]
        fields = {each: plain(getattr(event, each)) for each in declared.fields}
        if listing := declared.listing:
            rows = getattr(event, listing.name)
            fields[listing.name] = [self._listed(each, list(listing.fields)) for each in rows]
        return {"event": name, "id": str(event.id), "parent": str(event.parent), "fields": fields}

    def _listed(self, entry: Any, names: Sequence[str]) -> dict[str, Any]:
        """An entry as a rewrite lists it: what is zero is left out."""
        values = {name: plain(getattr(entry, self._attribute(name))) for name in names}
        return {name: value for name, value in values.items() if value}

    def _attribute(self, name: str) -> str:
        carried = self.chart.carried.get(name)
        return carried.attribute if carried else name

    def _view(self, found: Any) -> str:
        """What ``find_id`` returned or raised."""
        if isinstance(found, Exception):
            return self._told(found, Refusal("", {"id": None}))
        shown = {"id": str(found.id), "vid": str(found.vid)}
        if self.chart.key is None:
            return _text({**shown, **self._found(found)})
        entries = {plain(key): self._found(entry) for key, entry in found.entries.items()}
        since = found.events_since_snapshot
        return _text({**shown, "entries": entries, "events_since_snapshot": since})

    def _found(self, state: Any) -> dict[str, Any]:
        """A state, or an entry of one: its name in the chart, if its number is the chart's too."""
        code = state.state_code
        name = next((each.name for each in self.chart.states.values() if each.code == code), "")
        carried = {
            name: plain(getattr(state, each.attribute)) for name, each in self.chart.carried.items()
        }
        counts = [each.count for each in self.chart.carried.values() if each.count]
        return {"state": name, **carried, **{each: getattr(state, each) for each in counts}}

    def _told(self, answer: Any, like: Refusal = _NO_FIELDS) -> str:
        """An answer in words: of an error, the fields that the expected one has."""
        if not isinstance(answer, WorkflowError):
            new = isinstance(answer, Ulid) and str(answer) == NEVER_WRITTEN
            return "the vid of a new event" if new else self._script.value(answer)
        error = answer.err if isinstance(answer, JournalError) else answer
        fields = {name: plain(getattr(error, name, None)) for name in like.fields}
        words = [_shown(Refusal(type(error).__name__, fields))]
        if isinstance(answer, JournalError) is not (type(error).__name__ in _OF_THE_JOURNAL):
            words.append("in a JournalError" if error is not answer else "in no JournalError")
        if not answer.definite:
            words.append("not definite")
        if not self.package.is_package_error(answer):
            words.append("which is_package_error does not know")
        return ", ".join(words)

    def _expect(self, came: str, wanted: str, call: str = "") -> None:
        if came != wanted:
            self._fail(came, wanted, call)

    def _fail(self, came: str, wanted: str, call: str) -> NoReturn:
        """Tell what was done so far, with what came of the last line.

        Raises:
            AssertionError: always.
        """
        if call:
            self._script.add(call)
        raise AssertionError(
            f"{self.facade.__name__} does not do what its chart says\n\n"
            f"{self._script}\n# expected: {wanted}\n# but came: {came}\n"
        )


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # whatever it is, it is told
        return error


def _shown(refusal: Refusal) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in refusal.fields.items())
    return f"{refusal.error}({fields})"


def _text(shown: Any) -> str:
    """JSON as text, which tells true from 1."""
    return json.dumps(shown, sort_keys=True, ensure_ascii=False)


def _no_sleep(_: float) -> None:
    raise AssertionError("nobody else was writing, so there was nothing to wait for")
