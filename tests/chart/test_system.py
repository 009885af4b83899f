"""Mistakes in the files of a system and its properties are told where they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.chart.mistakes import ChartError

SYSTEM = "ping_registry_system.yaml"
PROPERTIES = "ping_registry_properties.yaml"
INVARIANT = "ping_registry_invariant.yaml"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        (SYSTEM, "operations: ping_registry_operations", "operations: ping_registry_operation",
         "write ping_registry_operations"),
        (SYSTEM, "operation: gather", "operation: gathre", "write gather"),
        (SYSTEM, "history: registry, entry: workflow, was: [Active]",
         "history: registri, entry: workflow, was: [Active]", "write registry"),
        (SYSTEM, "entry: workflow, is: [Absent]", "entry: workflow, is: [Absnt]", "write Absent"),
        (SYSTEM, "history: registry, entry: workflow, is: [Absent]",
         "history: registry, is: [Absent]", "name the input of the entry in entry"),
        (SYSTEM, "{chart: ping_registry, history: workflow, is: [Summarized, Completed]}",
         "{chart: ping_registry, history: workflow, entry: workflow, is: [Summarized]}",
         "remove entry"),
        (SYSTEM, "entry: workflow, is: [Absent]}", "entry: workflow, is: [Absent], was: [Active]}",
         "write either is or was"),
        (SYSTEM, "at_most: pings", "at_most: pigns", "write pings"),
        (SYSTEM, "limits: {pings: 1, snapshots: 1}", "limits: {pings: 1}", "add snapshots"),
        (SYSTEM, "symmetric: [server, gatherer]", "symmetric: [server, gatherers]",
         "write gatherer"),
        (SYSTEM, "checks: [liveness]", "checks: [liveness]\n    symmetric: [server]",
         "remove symmetric"),
        (SYSTEM, "crashes: 2", "crashes: two", "a whole number"),
        (PROPERTIES, "properties_of: ping_registry_system", "properties_of: ping_registry",
         "write ping_registry_system"),
        (PROPERTIES, "size: every_edge", "size: every_egde", "write every_edge"),
        (PROPERTIES, "fair: [admin]", "fair: [admins]", "write admin"),
        (PROPERTIES, "kind: invariant", "kind: invariant\n    fair: [admin]", "only liveness"),
        (PROPERTIES, "kind: liveness\n    fair: [admin]", "kind: liveness", "name in fair"),
        (PROPERTIES, "operators:", "model: {a.b: 1}\n        operators:",
         "write either model or operators"),
        (PROPERTIES, "in: [Initialized, Appending]", "in: [Initialized, Appnding]",
         "write Appending"),
        (PROPERTIES, "in: [Active]", "in: [Active, Deleted]", "Deleted is no state"),
        (PROPERTIES, "in: [Active]", "in: [Active, Active]", "name each cell once"),
        (PROPERTIES, "command: Commit\n    in", "command: Comit\n    in", "write Commit"),
        (INVARIANT, "invariant_of: ping_registry_system", "invariant_of: ping_registry",
         "write ping_registry_system"),
        (INVARIANT, "for: [participant, workflow]", "for: [participants, workflow]",
         "write participant"),
        (INVARIANT, "  legal_indexes:", "  empty_histories:", "write it once"),
    ],
)  # fmt: skip
def test_a_mistake(tmp_path: Path, file: str, right: str, wrong: str, told: str) -> None:
    for each in model_directory().glob("*.yaml"):
        text = each.read_text(encoding="utf-8")
        if each.name == file:
            assert right in text
            line = text[: text.index(right)].count("\n") + 1
            text = text.replace(right, wrong, 1)
        (tmp_path / each.name).write_text(text, encoding="utf-8")
    with pytest.raises(ChartError) as caught:
        load_model(sorted(tmp_path.glob("*.yaml")))
    (mistake,) = caught.value.mistakes
    assert told in re.sub(r"did you mean (\w+)\?", r"write \1", str(mistake))
    assert mistake.file.endswith(file)
    assert abs(mistake.line - line) <= 6


def test_a_system_needs_no_properties(tmp_path: Path) -> None:
    for each in model_directory().glob("*.yaml"):
        if each.name != PROPERTIES:
            (tmp_path / each.name).write_bytes(each.read_bytes())
    model = load_model(sorted(tmp_path.glob("*.yaml")))
    assert list(model.systems) == ["ping_registry_system"]
    assert not model.properties
