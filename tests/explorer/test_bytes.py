"""The bytes that the explorer shows are those that the package writes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.runtime.render import event_json

from ..tools import require_tool
from .engine import CHARTS

PACKAGES: dict[str, ModuleType] = {
    each.DECLARATION.name: each for each in (ping_registry, ping_registry_index)
}
WORK, INDEX = PACKAGES
HISTORY = "6f1cbb61-7c5d-4a0e-9f7a-0c7d0b1b9f01"
OTHER = "6f1cbb61-7c5d-4a0e-9f7a-0c7d0b1b9f02"
VID, LATER = "01ARYZ6S2CDCQ8YBGT5CY4TQKD", "01ARYZ6S2CDCQ8YBGT5CY4TQKE"


def commands() -> Iterator[list[Any]]:
    """Commands of which every kind of event comes, with every kind of value."""
    yield [WORK, HISTORY, "Init", {"registry_id": OTHER}]
    for code, message in ((0, ""), (1, "é"), (-1, "𝔘" * 60), (2**31 - 1, "a"), (-(2**31), "")):
        yield [WORK, HISTORY, "AppendPing", {"code": code, "message": message}]
    yield [WORK, HISTORY, "PostSummary", {"code": 0, "message": "x" * 200}]
    yield [WORK, HISTORY, "Commit", {}]
    yield [WORK, HISTORY, "End", {}]
    yield [INDEX, OTHER, "Snapshot", {"if_storage_reduction": False}]
    for workflow in (HISTORY, OTHER):
        ids = {"workflow_id": workflow, "workflow_event_id": VID}
        yield [INDEX, OTHER, "BeginPingRegistry", ids]
        yield [INDEX, OTHER, "Snapshot", {"if_storage_reduction": False}]
    yield [INDEX, OTHER, "CommitPingRegistry", ids | {"workflow_event_id": LATER}]
    yield [INDEX, OTHER, "Snapshot", {"if_storage_reduction": False}]
    yield [INDEX, OTHER, "DeletePingRegistry", {"workflow_id": OTHER}]


def made() -> list[dict[str, Any]]:
    charts = [json.loads(path.read_text(encoding="utf-8")) for path in CHARTS]
    script = str(Path(__file__).with_name("bytes.mjs"))
    job = json.dumps({"charts": charts, "do": list(commands())})
    words = [require_tool("node"), script, job]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_every_event_is_written_as_the_package_writes_it() -> None:
    seen = set()
    for each in made():
        package, data = PACKAGES[each["chart"]], bytes.fromhex(each["hex"])
        event = package.Event.unmarshal_proto(data)
        seen.add((each["chart"], type(event).__name__))
        assert event.marshal_proto() == data
        assert event_json(package.DECLARATION, event) == each["event"]
    declared = {
        (name, event.__name__)
        for name, package in PACKAGES.items()
        for event in package.DECLARATION.by_event
    }
    assert seen == declared
