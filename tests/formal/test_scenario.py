"""A violation as a scenario: the faulty product gives the same text, and the sound one differs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pingregistrywf import open_journal
from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.chart.ir import to_json
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.formal.faults import changed_model
from pingregistrywf.formal.scenario import scenario
from pingregistrywf.formal.trace import State, Trace
from pingregistrywf.formal.values import parse_state
from pingregistrywf.runtime.loading import load_operations

from ..command_line import run
from ..scenarios.interpreter import COMMAND, played

FILES = sorted(model_directory().glob("*.yaml"))
SET = "ping_registry_operations"
OPERATIONS = f"{SET}.operations"


class Defect(NamedTuple):
    """A change of the model, the property that it breaks, and where the sound product differs.

    ``faulty`` and ``sound`` are patterns of the first lines that differ, in the answer of ``step``.
    """

    changes: Mapping[str, Any]
    property: str
    step: str
    faulty: str
    sound: str


DEFECTS = {
    "begin": Defect(
        {f"{OPERATIONS}.begin.steps.2.vid": "retry"},
        "what_is_active_exists",
        "step 2: BeginPingRegistry",
        r"\+ index_of_registry\d:\d .* PingRegistryStarted ",
        r"JournalError\(VersionConflictError\): ",
    ),
    "delete": Defect(
        {f"{OPERATIONS}.delete.about": None},
        "deleted_is_listed_as_completed",
        "step 1: Delete",
        "deleted",
        "nothing appended",
    ),
    "unlist": Defect(
        {f"{OPERATIONS}.delete.about": None},
        "unlisted_is_deleted",
        "step 2: DeletePingRegistry",
        r"\+ index_of_registry\d:\d .* PingRegistryDeleted ",
        "UnknownWorkflowError",
    ),
}


def replayed(text: str, operations: type[Operations] = Operations) -> str:
    return played(text, cache(lambda clock: open_journal("memory:", clock=clock)), operations)


def fits(text: str, answers: str) -> bool:
    """Whether these are the answers of the scenario, with any lines where it has ``…``."""
    return re.fullmatch(re.escape(text).replace("…", r".+(\n.+)*"), answers) is not None


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize(
    "defect",
    [
        pytest.param(each, id=name, marks=[] if name == "begin" else pytest.mark.exhaustive)
        for name, each in DEFECTS.items()
    ],
)
def test_a_violation_replays_on_the_product(tmp_path: Path, defect: Defect) -> None:
    files, generated, scenarios = (tmp_path / each for each in ("model", "generated", "scenarios"))
    for directory in (files, generated):
        directory.mkdir()
    model = changed_model(FILES, defect.changes, files)
    words = [word for file in sorted(files.iterdir()) for word in ("--model", str(file))]
    asked = ("--size", "reuse", "--property", defect.property, "--scenarios", str(scenarios))
    done = run("verify", "--json", *asked, *words)
    assert done.returncode == 1, done.stdout + done.stderr
    (file,) = scenarios.iterdir()
    assert json.loads(done.stdout)["scenario"] == str(file)
    text = file.read_text(encoding="utf-8")

    class Faulty(Operations):
        (generated / "operations.json").write_text(to_json(model.operations[SET]))
        declared = load_operations(
            generated, ping_registry.DECLARATION, ping_registry_index.DECLARATION
        )

    assert fits(text, replayed(text, Faulty))
    lines = list(zip(text.splitlines(), replayed(text).splitlines(), strict=False))
    first = next(
        number for number, (faulty, sound) in enumerate(lines) if faulty not in (sound, "…")
    )
    assert lines[first - 1][0].startswith(defect.step)
    faulty, sound = lines[first]
    assert re.match(defect.faulty, faulty)
    assert re.match(defect.sound, sound)


IDLE = '[operation |-> "none", step |-> 0]'
NOTHING = "[incarnation |-> 0, events |-> <<>>, deleted |-> FALSE]"
STARTED = '[type |-> "PingRegistryStarted", registry_id |-> r1]'
LISTED = '[type |-> "PingRegistryStarted", workflow_id |-> w1, workflow_event_id |-> <<1, 1>>]'
PINGED = '[type |-> "ServerPinged", by |-> s1]'


def state(action: str, events: str, listed: str, runs: str, crashes: int = 0) -> State:
    """A state of one workflow, of which each history has these events."""
    histories = [
        f"[incarnation |-> 1, events |-> <<{each}>>, deleted |-> FALSE]" if each else NOTHING
        for each in (events, listed)
    ]
    text = (
        f"/\\ ping_registry = (w1 :> {histories[0]})\n"
        f"/\\ ping_registry_index = (r1 :> {histories[1]})\n"
        f"/\\ running = ({runs})\n/\\ crashes = {crashes}"
    )
    return State(0, action, parse_state(text))


def test_every_kind_of_step() -> None:
    """A crash, an operation of one step, and one that was given what its participant had read."""
    begin = "workflow |-> w1, registry |-> r1"
    admin = f'a1 :> [operation |-> "begin", step |-> {{}}, {begin}] @@ g1 :> {IDLE}'
    nobody = f"a1 :> {IDLE} @@ g1 :> {IDLE}"
    gatherer = 'g1 :> [operation |-> "gather", step |-> 1, workflow |-> w1, read |-> <<1, 1>>]'
    trace = Trace(
        (
            state("", "", "", nobody),
            state("AdminBeginsBegin", "", "", admin.format(1)),
            state("Begin1", STARTED, "", nobody, 1),
            state("AdminBeginsBegin", STARTED, "", admin.format(1), 1),
            state("Begin1", STARTED, "", admin.format(2), 1),
            state("Begin2", STARTED, LISTED, nobody, 1),
            state("GathererBeginsGather", STARTED, LISTED, f"a1 :> {IDLE} @@ {gatherer}", 1),
            state(
                "ServerRunsPing", f"{STARTED}, {PINGED}", LISTED, f"a1 :> {IDLE} @@ {gatherer}", 1
            ),
            state("Gather", f"{STARTED}, {PINGED}", LISTED, nobody, 1),
        )
    )
    text = scenario(trace, load_model(), "Everything happens.")
    assert text.startswith("# Everything happens.\n\n")
    assert [found[1] for found in COMMAND.finditer(text)] == [
        "run begin workflow_id=w1 index_id=index_of_r1 registry_id=r1 stop=1 by=a1",
        "run begin workflow_id=w1 index_id=index_of_r1 registry_id=r1 by=a1",
        "run gather workflow_id=w1 code=0 message= vid=w1:1 by=g1 pause=1",
        "run ping workflow_id=w1 code=0 message= by=s1",
        "resume by=g1",
        "events w1",
        "events index_of_r1",
    ]
    answers = replayed(text)
    assert fits(text, answers)
    assert "conflict: stored w1:2, expected w1:1" in answers
