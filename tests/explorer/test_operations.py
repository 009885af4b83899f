"""The explorer's operations: like the run time's, they see only the history that is listed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

from ..tools import require_tool
from .engine import CHARTS, GENERATED

OPERATIONS = GENERATED / "ping_registry_operations" / "operations.json"
WORK, INDEX = "ping_registry", "ping_registry_index"
REGISTRY, REGISTRY_INDEX = (str(UUID(int=number)) for number in (1, 2))
WORKFLOW = str(UUID(int=3))
ANOTHER = "01BX5ZZKBKACTAV9WEVGEMMVRZ"


def operate(*do: list[Any]) -> Any:
    """What the explorer's journal answers to these operations and commands."""
    job = {
        "charts": [json.loads(path.read_text(encoding="utf-8")) for path in CHARTS],
        "operations": json.loads(OPERATIONS.read_text(encoding="utf-8")),
        "do": do,
    }
    script = str(Path(__file__).with_name("operate.mjs"))
    words = [require_tool("node"), script, json.dumps(job)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def run(name: str, **more: str) -> list[Any]:
    return [name, {"workflow_id": WORKFLOW, "index_id": REGISTRY_INDEX, **more}]


def test_a_workflow_from_its_beginning_to_its_end() -> None:
    done = operate(run("begin", registry_id=REGISTRY), run("expire"), run("delete"))
    assert done["errors"] == [[None] * 2, [None] * 3, [None] * 2]
    assert done["counts"] == {f"{WORK} {WORKFLOW}": 0, f"{INDEX} {REGISTRY_INDEX}": 3}


def test_a_workflow_that_is_not_listed_is_left_alone() -> None:
    init = [WORK, WORKFLOW, "Init", {"registry_id": REGISTRY}]
    done = operate(init, run("commit"), run("expire"), run("delete"))
    conflict = ["StateConflictError"]
    assert done["errors"] == [[None], conflict, conflict, [None, "UnknownWorkflowError"]]
    assert done["counts"] == {f"{WORK} {WORKFLOW}": 1}


def test_a_workflow_that_is_listed_as_another_is_left_alone() -> None:
    ids = {"workflow_id": WORKFLOW, "workflow_event_id": ANOTHER}
    done = operate(
        [WORK, WORKFLOW, "Init", {"registry_id": REGISTRY}],
        [INDEX, REGISTRY_INDEX, "BeginPingRegistry", ids],
        run("expire"),
        [INDEX, REGISTRY_INDEX, "CommitPingRegistry", ids],
        run("delete"),
    )
    assert done["errors"] == [[None], [None], ["StateConflictError"], [None], [None, None]]
    assert done["counts"] == {f"{WORK} {WORKFLOW}": 1, f"{INDEX} {REGISTRY_INDEX}": 3}
