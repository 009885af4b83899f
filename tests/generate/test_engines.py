"""The SCXML and the XState JSON run, and every cell leads where the tables by hand say.

Each engine is put into each state and sent each command; the hard chart of the diagrams' tests is
driven by its own table beside.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from pingregistrywf.chart.table import Arguments, Table
from statemachine.io import load

from pingregistrywf.chart.locate import load_model
from pingregistrywf.generate.notations import scxml, xstate

from ..tools import node_modules, require_tool
from .test_diagrams import TABLES

DRIVE = """
const { createMachine, initialTransition, transition } = require(process.argv[1] + "/xstate");
const { machine, told } = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const chart = createMachine(machine);
const answers = told.map(([state, event]) => {
  const [after, actions] = transition(chart, chart.resolveState({ value: state }), { type: event });
  return [after.value, actions.map((action) => action.params.event)];
});
console.log(JSON.stringify({ initial: initialTransition(chart)[0].value, answers }));
"""


class Told(NamedTuple):
    """A command told in a state, as the formats name it, and what must come of it."""

    state: str
    name: str
    target: str
    event: str | None


@pytest.fixture(params=["ping_registry", "ping_registry_index", "orders", "lamp"])
def driven(request: pytest.FixtureRequest, cells: object) -> tuple[Table, list[Told]]:
    table = TABLES[request.param]
    by_hand = {"ping_registry": "WORKFLOW", "ping_registry_index": "INDEX"}.get(request.param)
    if by_hand is None:
        return table, [
            Told(state, _name(command, arguments), cell.target, cell.event)
            for ((command, arguments), state), cell in table.cells.items()
        ]
    variants = {None: Arguments.ANY, True: Arguments.SAME, False: Arguments.OTHER}
    return table, [
        Told(cell.state, _name(cell.command, variants[cell.same]), cell.target, cell.event)
        for cell in getattr(cells, by_hand)
    ]


def _name(command: str, arguments: Arguments) -> str:
    return command if arguments is Arguments.ANY else f"{command}.{arguments}"


def test_the_scxml_leads_where_the_table_says(driven: tuple[Table, list[Told]]) -> None:
    table, told = driven
    machine = load(scxml(table), format="scxml")()
    assert machine.current_state_value == table.chart.initial
    for each in told:
        machine.current_state_value = each.state
        machine.send(each.name)
        assert machine.current_state_value == each.target, each


def test_the_xstate_machine_leads_where_the_table_says(driven: tuple[Table, list[Told]]) -> None:
    table, told = driven
    given = {"machine": json.loads(xstate(table)), "told": [(t.state, t.name) for t in told]}
    ran = subprocess.run(
        [require_tool("node"), "-e", DRIVE, str(node_modules())],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    answer = json.loads(ran.stdout)
    assert answer["initial"] == table.chart.initial
    for each, (state, emitted) in zip(told, answer["answers"], strict=True):
        assert (state, emitted) == (each.target, [each.event] if each.event else []), each


def test_a_walk_through_the_scxml_ends_where_the_workflow_does() -> None:
    machine = load(scxml(TABLES["ping_registry"]), format="scxml")()
    for command in ("Init.other", "AppendPing", "AppendPing", "PostSummary", "Commit", "End"):
        machine.send(command)
    assert machine.current_state_value == "Terminated"


def test_the_committed_files_are_read() -> None:
    directory = Path(__file__).parents[2] / "docs" / "generated"
    for name, chart in load_model().charts.items():
        machine = load(directory / f"{name}.scxml")()
        assert machine.current_state_value == chart.initial
        states = json.loads((directory / f"{name}.xstate.json").read_text())["states"]
        codes = {state: said["meta"]["code"] for state, said in states.items() if "meta" in said}
        assert codes == {state: said.code for state, said in chart.states.items()}
