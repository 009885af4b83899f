"""The explorer opens a violation by its link, and shows the histories to which it has led."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.formal.explorer_link import LinkError, explorer_link
from pingregistrywf.formal.faults import changed_model
from pingregistrywf.formal.trace import State, Trace
from pingregistrywf.formal.values import parse_state, parse_value

from ..command_line import run
from ..explorer.restored import restored
from .test_scenario import DEFECTS, FILES, Defect


def types(events: Any) -> list[str]:
    return [event["type"] for event in events]


def fields_of(shown: Any) -> list[dict[str, Any]]:
    return [fields for history in shown["histories"] for *_, fields in history]


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize(
    "defect",
    [
        DEFECTS["begin"],
        pytest.param(DEFECTS["unlist"], marks=pytest.mark.exhaustive),
    ],
    ids=["begin", "unlist"],
)
def test_the_explorer_comes_to_the_same_histories(tmp_path: Path, defect: Defect) -> None:
    model = changed_model(FILES, defect.changes, tmp_path)
    words = [word for file in sorted(tmp_path.iterdir()) for word in ("--model", str(file))]
    found = run("verify", "--json", "--size", "reuse", "--property", defect.property, *words)
    result = json.loads(found.stdout)
    command, explore, *options, option, link = shlex.split(result["explorer"])
    assert (command, explore, option) == ("pingregistrywf", "explore", "--link")
    assert options == words

    shown = restored(model, link)
    assert set(shown["errors"]) == {None}
    last = result["states"][-1]["variables"]
    expected = [
        types(history["events"])
        for chart in model.charts
        for _, history in parse_value(last[chart]).items()
        if history["incarnation"]
    ]
    histories = [[name for name, _, _ in history] for history in shown["histories"]]
    assert sorted(filter(None, histories)) == sorted(filter(None, expected))

    kept = [[id_ for _, id_, _ in history] for history in shown["histories"]]
    listed = [each["workflow_event_id"] for each in fields_of(shown) if "workflow_event_id" in each]
    if defect is DEFECTS["begin"]:
        assert listed[0] == listed[-1]
        assert not any(listed[-1] in history for history in kept)
    else:
        assert any(listed[-2:] == history[:2] for history in kept)


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain")
def test_another_team_s_model(tmp_path: Path) -> None:
    """Ids that are texts are named in a link and in a scenario as they are in the model."""
    files = sorted((Path(__file__).parents[1] / "other_workflow").glob("*.yaml"))
    (properties,) = load_model(files).properties.values()
    (fault,) = properties.properties["held_by_a_split"].faults
    model = changed_model(files, fault.model, tmp_path)
    words = [word for file in sorted(tmp_path.glob("*.yaml")) for word in ("--model", str(file))]
    asked = ("--property", "held_by_a_split", "--scenarios", str(tmp_path))
    result = json.loads(run("verify", "--json", *asked, *words).stdout)
    shown = restored(model, shlex.split(result["explorer"])[-1])
    assert set(shown["errors"]) == {None}
    (name,) = {each["name"] for each in fields_of(shown) if "name" in each}
    assert f'name="{name}"' in Path(result["scenario"]).read_text(encoding="utf-8")


def test_more_histories_than_a_link_can_name() -> None:
    histories = " @@ ".join(
        f"w{number} :> [incarnation |-> 0, events |-> <<>>, deleted |-> FALSE]"
        for number in range(10)
    )
    state = State(1, "", parse_state(f"/\\ ping_registry = ({histories})"))
    with pytest.raises(LinkError, match="at most 9 histories of ping_registry"):
        explorer_link(Trace((state,)), load_model())
