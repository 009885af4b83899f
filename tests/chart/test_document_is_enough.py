"""``chart.json`` is enough: a small interpreter of it agrees with the generated packages."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import NO_VC, Ulid, WorkflowError, open_journal
from pingregistrywf.chart.lower import read_model
from pingregistrywf.chart.naming import snake
from pingregistrywf.generate import artefacts
from pingregistrywf.runtime.engine import Engine

from . import interpreter
from .interpreter import ZERO, Chart, RefusedError

OWN = ("ping_registry", "ping_registry_index")
OTHERS = ("leases", "split_repo")
PACKAGE = "packages_for_the_interpreter"
MOST_LINES = 130
SEQUENCES = 1000
LENGTH = 12

IDS = [str(UUID(int=number)) for number in (1, 2)]
DRAWN: dict[str, list[Any]] = {
    "int32": [1, -1, 0],
    "string": ["a", "\U0001d518", "\uffff", ""],
    "bool": [True, False],
    "uuid": [*IDS, ZERO["uuid"]],
    "ulid": [str(Ulid(bytes(15) + bytes([number]))) for number in (1, 2)] + [ZERO["ulid"]],
}
"""Values of each type, the zero last."""
PARSE: dict[str, Callable[[Any], Any]] = {
    "int32": int,
    "string": str,
    "bool": bool,
    "uuid": UUID,
    "ulid": Ulid.parse,
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], ModuleType]]:
    """Import a generated package: this project's own, or one of another team's charts."""
    place = tmp_path_factory.mktemp("enough") / PACKAGE
    files = [Path(__file__).parents[1] / "other_workflow" / f"{name}.yaml" for name in OTHERS]
    artefacts.write(artefacts.theirs(read_model(files)), place)
    sys.path.insert(0, str(place.parent))
    yield lambda name: importlib.import_module(
        f"{'pingregistrywf._generated' if name in OWN else PACKAGE}.{name}"
    )
    sys.path.remove(str(place.parent))
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


LAST = Ulid(bytes([255] * 16))


class GivenIds:
    """The ids that the interpreter's events have.

    The reference draws one more before the journal refuses an event for a deleted history.
    """

    def __init__(self) -> None:
        self.waiting: deque[str] = deque()

    def next(self, after: Ulid) -> Ulid:
        return Ulid.parse(self.waiting.popleft()) if self.waiting else LAST


class Both:
    """A chart on both sides: interpreted from its document, and as a package on a journal."""

    def __init__(self, package: ModuleType) -> None:
        self.package = package
        path = Path(str(package.__file__)).with_name("chart.json")
        self.document = json.loads(path.read_text(encoding="utf-8"))
        self.chart = Chart(self.document)
        self.states = {each["code"]: name for name, each in self.document["states"].items()}
        self.ids = GivenIds()
        self.engine = Engine(package.Behavior, open_journal("memory:"), ids=self.ids)
        self.numbers = count(1)
        self.reached: set[tuple[str, str, str]] = set()
        self.answers: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """Begin another history."""
        self.history = UUID(int=next(self.numbers))
        self.state = self.chart.empty()

    def send(self, command: str, args: dict[str, Any]) -> None:
        """Send a command to both sides, and compare the answer, the events and the state."""
        self.reached.update(self.cells(command, args))
        events = []
        try:
            outcome, appended = self.chart.decide(self.state, command, args)
        except RefusedError as refused:
            outcome, appended = refused.args[0], []
            answer: Any = refused.args
        else:
            if outcome == "delete":
                self.state = {**self.chart.empty(), "state": "Deleted"}
            for name, fields in appended:
                event_id = str(Ulid(next(self.numbers).to_bytes(16, "big")))
                events.append((name, event_id, self.state["vid"], fields))
                self.state = self.chart.evolve(self.state, name, fields, event_id)
                self.ids.waiting.append(event_id)
            answer = (self.state["vid"], events)
        self.answers[outcome] += 1
        assert answer == self._reference(command, args), (command, args)
        assert not self.ids.waiting
        # A deleted history reads as empty.
        deleted = self.state.get("state") == "Deleted"
        empty = {"state": self.document["initial"]} if deleted else {}
        assert {**self.state, **empty} == self._state(self.engine.find(self.history))

    def cells(self, command: str, args: dict[str, Any]) -> list[tuple[str, str, str]]:
        """The cells of the table that the command is about in the present state."""
        if self.document["commands"][command]["rewrite"]:
            return [cell for cell in self.chart.cells if cell[0] == command]
        at = self.at(args)
        same = self.chart.cells.get((command, "same", at["state"]))
        if same is None:
            return [(command, "any", at["state"])]
        if not same["compared"]:
            return [(command, which, at["state"]) for which in ("same", "other")]
        equal = all(args[name] == at["carried"][name] for name in same["compared"])
        return [(command, "same" if equal else "other", at["state"])]

    def moves(self, command: str, args: dict[str, Any]) -> bool:
        """True if the command would append events."""
        try:
            return bool(self.chart.decide(self.state, command, args)[1])
        except RefusedError:
            return False

    def is_new(self, command: str, args: dict[str, Any]) -> bool:
        """True if a cell that the command is about was not reached yet."""
        return not self.reached.issuperset(self.cells(command, args))

    def at(self, args: dict[str, Any]) -> dict[str, Any]:
        """What the arguments are about: the state, or an entry of a keyed chart."""
        if not self.chart.key:
            return self.state
        entry = self.state["entries"].get(args.get(self.chart.key))
        return entry or {"state": self.document["initial"], "carried": {}}

    # --- The reference, as JSON -------------------------------------------------------------------

    def _reference(self, command: str, args: dict[str, Any]) -> Any:
        """The vid and the events, or the error's name and fields."""
        types = self.document["commands"][command]["arguments"]
        values = {name: PARSE[types[name]["type"]](value) for name, value in args.items()}
        sent = getattr(self.package, f"Cmd{command}")(**values)
        try:
            result = self.engine.tell(self.history, NO_VC, sent)
        except WorkflowError as error:
            return self._error(getattr(error, "err", error))
        return str(result.vid), [self._event(event) for event in result.events]

    def _error(self, error: Any) -> Any:
        name = type(error).__name__
        if name == "ArgumentNotIdempotentError":
            return name, {"argument": snake(error.arg)}
        fields = self.document["errors"].get(name, {"fields": ()})["fields"]
        return name, {field: _plain(getattr(error, field)) for field in fields}

    def _event(self, event: Any) -> Any:
        name = type(event).__name__
        declared = self.document["events"][name]
        fields = {field: _plain(getattr(event, field)) for field in declared["fields"]}
        if listing := declared["listing"]:
            rows = [self._listed(entry, listing) for entry in getattr(event, listing["name"])]
            fields = {listing["name"]: rows}
        return name, str(event.id), str(event.parent), fields

    def _listed(self, entry: Any, listing: Any) -> dict[str, Any]:
        values = {self.chart.key: _plain(getattr(entry, self.chart.key)), **self._carried(entry)}
        zeros = {name: ZERO[field["type"]] for name, field in listing["fields"].items()}
        return {name: value for name, value in values.items() if value != zeros[name]}

    def _carried(self, state: Any) -> dict[str, Any]:
        attributes = {name: each["attribute"] for name, each in self.document["carried"].items()}
        return {name: _plain(getattr(state, each)) for name, each in attributes.items()}

    def _entry(self, state: Any) -> dict[str, Any]:
        return {"state": self.states[state.state_code], "carried": self._carried(state)}

    def _state(self, state: Any) -> dict[str, Any]:
        if not self.chart.key:
            return {"vid": str(state.vid), **self._entry(state)}
        entries = {_plain(key): self._entry(each) for key, each in state.entries.items()}
        since = state.events_since_snapshot
        return {"vid": str(state.vid), "entries": entries, "since": since, "listed": {}}


def _plain(value: Any) -> Any:
    """A value of the reference as in JSON."""
    if isinstance(value, str | int):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, Ulid):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return [_plain(each) for each in value] if isinstance(value, Sequence) else str(value)


def _arguments(both: Both, command: str, draw: Random) -> dict[str, Any]:
    """Arguments of a command: often those that are carried, and often the key of an entry."""
    values = {}
    arguments = both.document["commands"][command]["arguments"].values()
    for argument in arguments:
        drawn = DRAWN[argument["type"]]
        values[argument["name"]] = draw.choice(drawn[:-1] if argument["nonzero"] else drawn)
    carried = both.at(values)["carried"]
    for argument in arguments:
        name, stored = argument["name"], carried.get(argument["name"])
        zero = stored in (None, ZERO[argument["type"]])
        if not (zero and argument["nonzero"]) and stored is not None and draw.random() < 0.6:
            values[name] = stored
    return values


@pytest.mark.parametrize("name", [*OWN, *OTHERS])
@pytest.mark.slow
def test_every_cell_and_random_sequences(package: Callable[[str], ModuleType], name: str) -> None:
    both, draw = Both(package(name)), Random(name)
    names = list(both.document["commands"])
    for _ in range(SEQUENCES):
        both.begin()
        for _ in range(draw.randrange(1, LENGTH)):
            asked = [(command, _arguments(both, command, draw)) for command in names]
            new = [each for each in asked if both.is_new(*each)]
            moving = [each for each in asked if both.moves(*each)]
            both.send(*draw.choice(new or (moving if draw.random() < 0.7 else []) or asked))
    assert both.reached == set(both.chart.cells)
    rewrites = [each["rewrite"] for each in both.document["commands"].values() if each["rewrite"]]
    assert (both.answers["rewrite"] > 0) == bool(rewrites)


def test_a_rewrite_in_all_its_ways(package: Callable[[str], ModuleType]) -> None:
    """The limits of this project's own index are too wide for random sequences."""
    both = Both(package("ping_registry_index"))
    first, second = DRAWN["ulid"][:2]

    def send(command: str, number: int, **event: str) -> None:
        both.send(command, {"workflow_id": str(UUID(int=number)), **event})

    def snapshot(*, if_storage_reduction: bool) -> None:
        both.send("Snapshot", {"if_storage_reduction": if_storage_reduction})

    for number in range(1, 334):
        send("BeginPingRegistry", number, workflow_event_id=first)
        send("CommitPingRegistry", number, workflow_event_id=second)
        send("DeletePingRegistry", number)
    snapshot(if_storage_reduction=True)
    assert both.answers["SmallStorageReductionError"] == 1
    send("BeginPingRegistry", 1, workflow_event_id=second)
    snapshot(if_storage_reduction=True)
    assert both.answers["rewrite"] == 1
    snapshot(if_storage_reduction=True)
    assert both.answers["noop"] == 1
    for number in range(2, 202):
        send("BeginPingRegistry", number, workflow_event_id=first)
    snapshot(if_storage_reduction=False)
    assert both.answers["TooManyWorkflowsError"] == 1


def test_the_interpreter_is_small_and_stands_alone() -> None:
    source = Path(str(interpreter.__file__)).read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES
    imported = {
        each.module for each in ast.walk(ast.parse(source)) if isinstance(each, ast.ImportFrom)
    }
    assert imported <= set(sys.stdlib_module_names)
    assert not [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Import)]
