"""The SCXML and the XState JSON run, and every cell leads where the tables by hand say.

Each engine is put into each state and sent each command; the charts of the diagrams' tests, which
have no table by hand, are driven by their own tables.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from statemachine.io import load

from pingregistrywf.chart.ir import Arguments, Chart
from pingregistrywf.chart.locate import load_model
from pingregistrywf.generate.notations import scxml, xstate

from ..tools import node_modules, require_tool
from .test_diagrams import CHARTS

DRIVE = """
const { createMachine, initialTransition, transition } = require(process.argv[1] + "/xstate");
const { machine, sent } = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const chart = createMachine(machine);
const answers = sent.map(([state, event]) => {
  const [after, actions] = transition(chart, chart.resolveState({ value: state }), { type: event });
  return [after.value, actions.map((action) => action.params.event)];
});
console.log(JSON.stringify({ initial: initialTransition(chart)[0].value, answers }));
"""


class Sent(NamedTuple):
    """A command that is sent in a state, by its name in the formats, and what must follow."""

    state: str
    name: str
    target: str
    event: str | None


@pytest.fixture(params=CHARTS)
def driven(request: pytest.FixtureRequest, cells: object) -> tuple[Chart, list[Sent]]:
    chart = CHARTS[request.param]
    by_hand = {"ping_registry": "WORKFLOW", "ping_registry_index": "INDEX"}.get(request.param)
    if by_hand is None:
        return chart, [
            Sent(cell.state, _name(cell.command, cell.arguments), cell.target, cell.event)
            for cell in chart.table
        ]
    variants = {None: Arguments.ANY, True: Arguments.SAME, False: Arguments.OTHER}
    return chart, [
        Sent(cell.state, _name(cell.command, variants[cell.same]), cell.target, cell.event)
        for cell in getattr(cells, by_hand)
    ]


def _name(command: str, arguments: Arguments) -> str:
    return command if arguments is Arguments.ANY else f"{command}.{arguments}"


def test_the_scxml_leads_where_the_table_says(driven: tuple[Chart, list[Sent]]) -> None:
    chart, sent = driven
    machine = load(scxml(chart), format="scxml")()
    assert machine.current_state_value == chart.initial
    for each in sent:
        machine.current_state_value = each.state
        machine.send(each.name)
        assert machine.current_state_value == each.target, each


def test_the_xstate_machine_leads_where_the_table_says(driven: tuple[Chart, list[Sent]]) -> None:
    chart, sent = driven
    given = {
        "machine": json.loads(xstate(chart)),
        "sent": [(each.state, each.name) for each in sent],
    }
    ran = subprocess.run(
        [require_tool("node"), "-e", DRIVE, str(node_modules())],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    answer = json.loads(ran.stdout)
    assert answer["initial"] == chart.initial
    for each, (state, emitted) in zip(sent, answer["answers"], strict=True):
        assert (state, emitted) == (each.target, [each.event] if each.event else []), each


def test_a_walk_through_the_scxml_ends_where_the_workflow_does() -> None:
    machine = load(scxml(CHARTS["ping_registry"]), format="scxml")()
    for command in ("Init.other", "AppendPing", "AppendPing", "PostSummary", "Commit", "End"):
        machine.send(command)
    assert machine.current_state_value == "Terminated"


def test_the_committed_files_are_read() -> None:
    directory = Path(__file__).parents[2] / "docs" / "generated"
    for name, chart in load_model().charts.items():
        machine = load(directory / f"{name}.scxml")()
        assert machine.current_state_value == chart.initial
        states = json.loads((directory / f"{name}.xstate.json").read_text())["states"]
        codes = {state: each["meta"]["code"] for state, each in states.items() if "meta" in each}
        assert codes == {state: each.code for state, each in chart.states.items()}
