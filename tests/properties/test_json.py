"""JSON and back: pydantic, FastAPI and a JSON Schema validator carry any value of any chart."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from pingregistrywf._generated import ping_registry, ping_registry_index
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate import artefacts
from pingregistrywf.runtime.render import event_json
from pingregistrywf.testing import strategies

from ..tiers import EXHAUSTIVE

OTHER = Path(__file__).parents[1] / "other_workflow"
PACKAGE = "packages_for_json"
FACADES = {
    "ping_registry": "Workflows",
    "ping_registry_index": "WorkflowIndexes",
    "split_repo": "SplitRepos",
    "leases": "Leases",
}
CHARTS = tuple(FACADES)
KINDS = ("AnyCommand", "AnyEvent", "State")
VALUES = 10_000 if EXHAUSTIVE else 600
BATCH = 10
"""How many values go through a request."""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ModuleType]]:
    """The generated package of each chart, by its name."""
    place = tmp_path_factory.mktemp("json") / PACKAGE
    model = read_model([OTHER / "split_repo.yaml", OTHER / "leases.yaml"])
    artefacts.write(artefacts.theirs(model), place)
    sys.path.insert(0, str(place.parent))
    theirs = {name: importlib.import_module(f"{PACKAGE}.{name}") for name in CHARTS[2:]}
    yield {"ping_registry": ping_registry, "ping_registry_index": ping_registry_index} | theirs
    sys.path.remove(str(place.parent))
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def values(package: ModuleType, kind: str) -> st.SearchStrategy[Any]:
    """Any value of a kind."""
    facade = getattr(package, FACADES[package.DECLARATION.name])
    match kind:
        case "AnyCommand":
            return strategies.commands(facade)
        case "AnyEvent":
            return strategies.events(facade)
    return strategies.states(facade, reachable=False)


def echo(type_: Any) -> TestClient:
    """A service that reads a list of values from a body, and answers with them."""
    app = FastAPI()

    def answer(body: Any) -> Any:
        return body

    answer.__annotations__ = dict.fromkeys(("body", "return"), list[type_])
    app.post("/")(answer)
    return TestClient(app)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chart", CHARTS)
def test_any_value_goes_to_json_and_back(
    packages: dict[str, ModuleType], chart: str, kind: str
) -> None:
    package = packages[chart]
    type_ = getattr(package, kind)
    adapter, client = TypeAdapter(type_), echo(type_)
    validators = [
        Draft202012Validator(adapter.json_schema(mode=mode))  # type: ignore[arg-type]
        for mode in ("validation", "serialization")
    ]
    count = VALUES // (len(CHARTS) * len(KINDS) * BATCH) + 1

    @settings(
        max_examples=count,
        phases=[Phase.generate],  # not to shrink: that takes minutes
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(st.lists(values(package, kind), min_size=BATCH, max_size=BATCH))
    def check(batch: list[Any]) -> None:
        for value in batch:
            text = adapter.dump_json(value)
            form = json.loads(text)
            assert adapter.dump_python(value, mode="json") == form
            for back in (
                adapter.validate_json(text),
                adapter.validate_python(form),
                adapter.validate_python(adapter.dump_python(value)),
                adapter.validate_python(value),
                TypeAdapter(type(value)).validate_json(TypeAdapter(type(value)).dump_json(value)),
            ):
                assert back == value
                assert type(back) is type(value)
                if kind == "AnyEvent":
                    assert back.marshal_proto() == value.marshal_proto()
            if kind == "AnyEvent":
                assert event_json(package.DECLARATION, value) == form
            for validator in validators:
                validator.validate(form)
        body = adapter_of_lists.dump_python(batch, mode="json")
        answer = client.post("/", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json() == body
        assert adapter_of_lists.validate_python(answer.json()) == batch

    adapter_of_lists: TypeAdapter[list[Any]] = TypeAdapter(list[type_])  # type: ignore[valid-type]
    check()
