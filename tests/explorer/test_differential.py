"""Random commands get the same answers from the engine under Node and the reference adapter."""

from __future__ import annotations

import importlib
import random
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pingregistrywf import open_journal
from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.chart.locate import model_directory
from pingregistrywf.chart.lower import read_model
from pingregistrywf.chart.types import Type
from pingregistrywf.generate import artefacts
from pingregistrywf.service.requests import Service
from pingregistrywf.service.stdio import Adapter

from ..tiers import EXHAUSTIVE
from .engine import started

OTHERS = Path(__file__).parents[1] / "other_workflow"
PACKAGE = "packages_of_the_explorers_tests"
RUNS = 60 if EXHAUSTIVE else 6
LONG = 60
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
EPOCH = "0" * 26
Answer = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """This project's charts and another team's, without their names for Python alone."""
    place = tmp_path_factory.mktemp("model")
    files = []
    for file in (*model_directory().glob("*.yaml"), *OTHERS.glob("*.yaml")):
        copy = place / file.name
        text = file.read_text(encoding="utf-8")
        copy.write_text(re.sub(r", attribute: \w+", "", text), encoding="utf-8")
        files.append(copy)
    return read_model(sorted(files))


@pytest.fixture(scope="module")
def packages(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("explorer") / PACKAGE
    artefacts.write(artefacts.theirs(model), place)
    sys.path.insert(0, str(place.parent))
    yield place
    sys.path.remove(str(place.parent))
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class Side:
    """One of the two, with the ids that it gave: the same event has the same number on both."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.ids = [EPOCH]

    def ask(self, request: dict[str, Any]) -> Any:
        """The reply with ids as numbers, without prose and bytes."""
        reply = self._answer(_mapped(request, lambda text: text))
        return self._numbered(reply)

    def _numbered(self, value: Any) -> Any:
        if isinstance(value, dict):
            kept = {name: each for name, each in value.items() if name not in ("message", "wire")}
            # Messages are prose in an error, data in a ping.
            if "message" in value and "definite" not in value:
                kept["message"] = value["message"]
            return {name: self._numbered(each) for name, each in sorted(kept.items())}
        if isinstance(value, list):
            return [self._numbered(each) for each in value]
        if isinstance(value, str) and ULID.fullmatch(value):
            if value not in self.ids:
                self.ids.append(value)
            return self.ids.index(value)
        return value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _mapped(each, change) for name, each in value.items()}
    return change(value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["ping_registry", "ping_registry_index", "split_repo", "leases"])
def test_random_commands(model: Model, packages: Path, name: str) -> None:
    chart = model.charts[name]
    package: ModuleType = importlib.import_module(f"{PACKAGE}.{name}")
    with started([packages / name / "chart.json"]) as node:
        for seed in range(RUNS):
            with open_journal("memory:") as journal:
                reference = Adapter(Service([package.Behavior], journal), "0")
                _walk(chart, random.Random(seed), Side(node.answer), Side(reference.answer))


def _walk(chart: Chart, draw: random.Random, *sides: Side) -> None:
    place = "index" if chart.key else "workflow"
    histories = [str(uuid.UUID(int=draw.getrandbits(128) | 1)) for _ in range(2)]
    fixed = [str(uuid.UUID(int=number)) for number in (7, 8)]
    known = {place: histories[0], "chart": chart.name}
    for number in range(LONG):
        command, args = _command(chart, draw, fixed)
        vid = draw.choice(["no_vc", "no_vc", "retry_no_vc", -1, -1, -2])
        requests = []
        for side in sides:
            ids = {name: side.ids[at % len(side.ids)] for name, at in args["ulids"].items()}
            at = side.ids[max(vid, -len(side.ids))] if isinstance(vid, int) else vid
            request = {"op": "exec", "command": command, "args": args["plain"] | ids, "vid": at}
            requests.append({"id": number, **known, **request})
        answers = [side.ask(each) for side, each in zip(sides, requests, strict=True)]
        assert answers[0] == answers[1], requests[0]
        for op in ("find", "events"):
            found = [side.ask({"id": number, "op": op, **known}) for side in sides]
            assert found[0] == found[1], (op, requests[0])
        if draw.random() < 0.1 or "HistoryDeleted" in str(answers):
            known[place] = draw.choice(histories)


def _command(chart: Chart, draw: random.Random, fixed: list[str]) -> tuple[str, dict[str, Any]]:
    """A command, its plain arguments, and its ULIDs by their place among those known."""
    name = draw.choice(list(chart.commands))
    drawn: dict[Type, Callable[[], Any]] = {
        Type.INT32: lambda: draw.choice([0, 1, -1, 2**31 - 1, -(2**31), 2**31]),
        Type.STRING: lambda: draw.choice(["", "a", "é", "\U0001d518", "\uffff"]),
        Type.BOOL: lambda: draw.random() < 0.5,
        Type.UUID: lambda: draw.choice(fixed),
    }
    args = chart.commands[name].arguments
    plain = {each: drawn[arg.type]() for each, arg in args.items() if arg.type is not Type.ULID}
    ulids = {each: draw.randrange(5) for each, arg in args.items() if arg.type is Type.ULID}
    return name, {"plain": plain, "ulids": ulids}
