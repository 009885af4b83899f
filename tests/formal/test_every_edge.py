"""Every step of every behaviour of a small size does on the product what the model says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model, model_directory
from pingregistrywf.formal.faults import changed_model
from pingregistrywf.formal.state_graph import StateGraph, state_graph
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.checks import check_at

from .product import Disagreement, Product

FILES = sorted(model_directory().glob("*.yaml"))
SYSTEM = "ping_registry_system"
SIZE = "every_edge"
REFUSAL = "StateConflictError"
OPEN = ("Initialized", "Appending")
SMALLER: Mapping[str, Any] = {
    f"{SYSTEM}.sizes.{SIZE}.limits.snapshots": 0,
    f"{SYSTEM}.sizes.{SIZE}.crashes": 0,
}
"""The same size without snapshots and crashes."""


TOLD: Mapping[str, str] = {
    r"^VARIABLES\n": r"\g<0>    isRefused,\n",
    r"^Init ==\n": r"\g<0>    /\\ isRefused = FALSE\n",
    r"^(?:Begins|Free\w+)\(.*\) ==\n": r"\g<0>    /\\ isRefused' = FALSE\n",
    r"^       /\\ UNCHANGED crashes\n": r"\g<0>       /\\ isRefused' = Refused(result)\n",
    r"^       /\\ crashes' = crashes \+ 1\n": r"\g<0>       /\\ isRefused' = FALSE\n",
}
"""What makes the module of a system tell, in a variable, whether the last step was refused.

Of a last step that writes nothing the other variables do not tell it.
"""


def telling_refusals(module: str) -> str:
    for place, told in TOLD.items():
        module, count = re.subn(place, told, module, flags=re.MULTILINE)
        assert count
    return module


def graph_of(toolchain: Toolchain, model: Model) -> StateGraph:
    """All states that the model can reach, and all steps."""
    properties = model.properties[SYSTEM]
    check = check_at(model.systems[SYSTEM], properties, next(iter(properties.properties)), SIZE)
    files = dict(formal_model(model, SYSTEM))
    files["PingRegistrySystem.tla"] = telling_refusals(files["PingRegistrySystem.tla"])
    return state_graph(toolchain, files, check.module, check.settings)


def replay(model: Model, graph: StateGraph) -> None:
    """Take every step of the model on the product.

    Raises:
        Disagreement: something else follows there.
    """
    (initial,) = graph.initial
    for walk in graph.walks():
        product = Product(model, SYSTEM, graph.states[initial])
        try:
            for edge in walk:
                product.take(graph.states[edge.source], edge.action, graph.states[edge.target])
        finally:
            product.close()


@pytest.mark.slow
@pytest.mark.exhaustive
def test_every_step_does_what_the_model_says(toolchain: Toolchain) -> None:
    model = load_model()
    replay(model, graph_of(toolchain, model))


@pytest.mark.slow
def test_every_step_without_snapshots_and_crashes(toolchain: Toolchain, tmp_path: Path) -> None:
    model = changed_model(FILES, SMALLER, tmp_path)
    replay(model, graph_of(toolchain, model))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            {"ping_registry.commands.AppendPing.rules.1.in": [*OPEN, "Summarized"]},
            id="a rule of a chart",
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            {"ping_registry_operations.operations.commit.steps.3": None},
            id="a step of an operation",
        ),
        pytest.param(
            {"ping_registry.commands.End.rules.2": {"in": ["Terminated"], "error": REFUSAL}},
            id="an answer after which nothing comes",
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_another_model_is_not_that_of_the_product(
    toolchain: Toolchain, tmp_path: Path, change: Mapping[str, Any]
) -> None:
    model = changed_model(FILES, {**SMALLER, **change}, tmp_path)
    with pytest.raises(Disagreement):
        replay(model, graph_of(toolchain, model))
