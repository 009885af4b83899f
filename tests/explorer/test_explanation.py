"""The explorer says why, in the same words as the run time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from pingregistrywf import Behavior
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.runtime.values import command_name

from ..cells import INDEX, WORKFLOW
from ..runtime.test_behavior import STATES, command
from ..runtime.test_explanation import ENTRIES, INDEXES, KEY, index_command
from ..tools import require_tool
from .engine import CHARTS


def explained(chart: Path, asks: list[dict[str, Any]]) -> Any:
    script = str(Path(__file__).with_name("explain.mjs"))
    words = [require_tool("node"), script, str(chart), json.dumps(asks, default=str)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def as_explorer(told: Any) -> dict[str, Any]:
    return {
        "outcome": told.outcome,
        "rule": told.rule,
        "reason": told.reason,
        "events": [type(each).__name__ for each in told.events],
        "error": type(told.error).__name__ if told.error else None,
    }


def test_of_the_workflow() -> None:
    cells = [each for each in WORKFLOW if each.state != "Deleted"]
    commands = [command(each.command, each.same) for each in cells]
    asks = [
        {
            "state": {
                "state": cell.state,
                "carried": {"registry_id": str(STATES[cell.state].registry_id)},
            },
            "command": cell.command,
            "args": dict(asked),
        }
        for cell, asked in zip(cells, commands, strict=True)
    ]
    told = [
        as_explorer(Behavior().explain(STATES[cell.state], asked))
        for cell, asked in zip(cells, commands, strict=True)
    ]
    assert explained(CHARTS[0], asks) == told


def test_of_the_index() -> None:
    asked = [(cell.state, index_command(cell.command)) for cell in INDEX]
    for state in INDEXES:
        asked += [(state, index.CmdSnapshot(if_storage_reduction=flag)) for flag in (True, False)]
    asks = [
        {
            "state": {
                "entries": [[str(KEY), {"state": state, "carried": {}}]] * (state in ENTRIES),
                "since": INDEXES[state].events_since_snapshot,
            },
            "command": command_name(type(each)),
            "args": dict(each),
        }
        for state, each in asked
    ]
    told = [as_explorer(index.Behavior().explain(INDEXES[state], each)) for state, each in asked]
    assert explained(CHARTS[1], asks) == told
