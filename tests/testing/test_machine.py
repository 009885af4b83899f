"""A sound package passes; each of the faults that were put into a copy or a journal is found.

The copies are of this project's own workflow.  A fault is found within 99 examples, and told as a
program that repeats it.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from pingregistrywf import (
    NIL,
    HistoryDeletedError,
    Journal,
    Workflows,
    open_journal,
)
from pingregistrywf._generated import ping_registry
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head, Reading
from pingregistrywf.testing import TurnedClock
from pingregistrywf.testing.generated import chart_of
from pingregistrywf.testing.machine import SETTINGS, ChartMachine, machine_of
from pingregistrywf.testing.wrapped import WrappedJournal

from ..clients import Careless
from ..tiers import some

OWN = Path(str(ping_registry.__file__)).parent
PACKAGE = "packages_with_faults"
SEEKING = settings(
    SETTINGS, max_examples=99, stateful_step_count=10, database=None, phases=[Phase.generate]
)


def run(machine: type[ChartMachine], seeded: int = 0) -> None:
    run_state_machine_as_test(seed(seeded)(machine), settings=SEEKING)


# --- Faults in a package --------------------------------------------------------------------------


def cell(chart: Any, command: str, state: str, arguments: str = "any") -> Any:
    """A cell of a chart's document."""
    wanted = (command, arguments, state)
    return next(
        each
        for each in chart["table"]
        if (each["command"], each["arguments"], each["state"]) == wanted
    )


def drop_a_guard(chart: Any) -> None:
    cell(chart, "Init", "Initialized", "same").update(guard=None, compared=[])


def lead_elsewhere(chart: Any) -> None:
    chart["events"]["ServerPingsGathered"]["to"] = "Appending"


def carry_nothing(chart: Any) -> None:
    chart["events"]["PingRegistryStarted"]["carries"] = []


def carry_twice(chart: Any) -> None:
    chart["events"]["ServerPinged"]["carries"] *= 2


def raise_another_error(chart: Any) -> None:
    cell(chart, "Init", "Initialized", "other")["error"] = "StateConflictError"


def write_for_a_noop(chart: Any) -> None:
    emitting = cell(chart, "AbortExpired", "Summarized")
    fault = {name: emitting[name] for name in ("outcome", "event", "sources", "target")}
    cell(chart, "AbortExpired", "Completed").update(fault)


def refuse_what_is_allowed(chart: Any) -> None:
    fault = {"outcome": "reject", "event": None, "error": "StateConflictError", "sources": {}}
    cell(chart, "AppendPing", "Appending").update(fault)


def delete_too_early(chart: Any) -> None:
    fault = {"outcome": "delete", "error": None, "sources": {}, "target": "Deleted"}
    cell(chart, "Delete", "Summarized").update(fault)


def give_another_argument(facade: str) -> str:
    return facade.replace("code=code", "code=0")


def double_an_event(facade: str) -> str:
    return facade.replace(
        "    def new_event(",
        "    def draw(self, state, decision):\n"
        "        return super().draw(state, decision._replace(drafts=decision.drafts * 2))\n\n"
        "    def new_event(",
    )


def name_no_parent(facade: str) -> str:
    return facade.replace(
        "    def new_event(",
        "    def draw(self, state, decision):\n"
        "        return super().draw(self.new_state(state.id), decision)\n\n"
        "    def new_event(",
    )


IN_THE_CHART = [
    drop_a_guard,
    lead_elsewhere,
    carry_nothing,
    carry_twice,
    raise_another_error,
    write_for_a_noop,
    refuse_what_is_allowed,
    delete_too_early,
]
IN_THE_FACADE = [give_another_argument, double_an_event, name_no_parent]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package that is found, for the copies."""
    place = tmp_path_factory.mktemp("faults") / PACKAGE
    place.mkdir()
    sys.path.insert(0, str(place.parent))
    yield place
    sys.path.remove(str(place.parent))
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def copy(
    directory: Path, name: str, file: str = "", fault: Callable[[str], str] = str
) -> type[Workflows]:
    """The facade of a copy of this project's workflow, one of whose files was changed."""
    place = directory / name
    shutil.copytree(OWN, place, ignore=shutil.ignore_patterns("__pycache__"))
    if file:
        changed = place / file
        before = changed.read_text(encoding="utf-8")
        after = fault(before)
        assert after != before
        changed.write_text(after, encoding="utf-8")
    facade: type[Workflows] = importlib.import_module(f"{PACKAGE}.{name}").Workflows
    return facade


def in_json(fault: Callable[[Any], None]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        document = json.loads(text)
        fault(document)
        return json.dumps(document)

    return changed


@pytest.mark.parametrize("fault", some([*IN_THE_CHART, *IN_THE_FACADE], every=4))
def test_a_fault_in_a_package(directory: Path, fault: Any) -> None:
    name = fault.__name__
    if fault in IN_THE_CHART:
        facade = copy(directory, name, "chart.json", in_json(fault))
    else:
        facade = copy(directory, name, "facade.py", fault)
    sound = chart_of(Workflows)
    with pytest.raises(AssertionError, match="does not do what its chart says"):
        run(machine_of(facade, chart=sound))


def test_without_a_fault(directory: Path) -> None:
    machine = machine_of(copy(directory, "sound"))
    run_state_machine_as_test(machine, settings=settings(SEEKING, max_examples=5))
    assert machine.reached <= set(machine.goals)
    assert machine.reached


# --- Faults in a journal --------------------------------------------------------------------------


class LosesEvents(WrappedJournal):
    """Acknowledges what it does not keep."""

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        if after.vid:
            return Head(entries[-1].id)
        return self.wrapped.commit(history, after, entries, chart=chart, restart=restart)


class ReadsStale(WrappedJournal):
    """Reads what was there, when it is asked what is new."""

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        reading = self.wrapped.read(history, after, whole=whole)
        if after is not None and after.vid and reading.continues:
            return reading._replace(entries=(), head=after)
        return reading


class DeletesNothing(WrappedJournal):
    """Acknowledges a deletion, and keeps the events."""

    def delete(self, history: UUID, after: Head) -> None:
        """Do nothing."""


class FreesAtOnce(WrappedJournal):
    """Gives the id of a deleted history to the next one at once."""

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        try:
            return self.wrapped.commit(history, after, entries, chart=chart, restart=restart)
        except HistoryDeletedError:
            self.wrapped.collect(self.clock() + self.retention.deleted_mark.total_seconds() + 1)
            return self.wrapped.commit(history, after, entries, chart=chart, restart=restart)


IN_THE_JOURNAL = [LosesEvents, Careless, ReadsStale, DeletesNothing, FreesAtOnce]


def opener(kind: type[WrappedJournal]) -> Callable[[TurnedClock], Sequence[Journal]]:
    return lambda clock: [kind(open_journal("memory:", clock=clock))]


@pytest.mark.parametrize("fault", some(IN_THE_JOURNAL, every=3))
def test_a_fault_in_a_journal(fault: type[WrappedJournal]) -> None:
    with pytest.raises(AssertionError, match="does not do what its chart says"):
        run(machine_of(Workflows, opener(fault)))


def test_journals_that_only_pass_on_pass() -> None:
    machine = machine_of(Workflows, opener(WrappedJournal))
    run_state_machine_as_test(machine, settings=settings(SEEKING, max_examples=5))


def test_examples_may_share_a_journal() -> None:
    with open_journal("memory:", clock=TurnedClock()) as journal:
        machine = machine_of(Workflows, journal)
        run_state_machine_as_test(machine, settings=settings(SEEKING, max_examples=5))
        assert list(journal.histories())


# --- What a failure says --------------------------------------------------------------------------


def test_a_failure_is_a_program_that_repeats_it(directory: Path) -> None:
    facade = copy(directory, "to_be_repeated", "chart.json", in_json(carry_nothing))
    with pytest.raises(AssertionError) as caught:
        run(machine_of(facade, chart=chart_of(Workflows)))
    title, _, program = str(caught.value).partition("\n\n")
    assert title == "Workflows does not do what its chart says"
    *lines, call, expected, came = program.strip().splitlines()
    assert ".find_id(UUID(int=" in call
    assert '"registry_id": null' not in expected
    assert '"registry_id": null' in came
    repeated = "\n".join((*lines, f"print({call}.registry_id)"))
    done = subprocess.run(
        [sys.executable, "-c", repeated],
        cwd=directory.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(NIL)


def test_a_vid_has_the_name_of_the_call_that_returned_it(directory: Path) -> None:
    facade = copy(directory, "wrong_noop", "chart.json", in_json(write_for_a_noop))
    with pytest.raises(AssertionError, match=r"# expected: vid\d+\n# but came: vid\d+\n"):
        run(machine_of(facade, chart=chart_of(Workflows)))
