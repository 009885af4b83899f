"""The JSON Schemas take the project's own files, and refuse what the reader does part by part."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
import yaml

from pingregistrywf.chart import invariant, parts, service, system, vocabulary
from pingregistrywf.chart.locate import model_directory
from pingregistrywf.chart.parts import CommandOnHistory, Word
from pingregistrywf.chart.schema import (
    DIALECT,
    chart_schema,
    invariant_schema,
    operations_schema,
    properties_schema,
    service_schema,
    system_schema,
)
from pingregistrywf.chart.shape import is_word, keys

FILES = sorted(model_directory().glob("*.yaml"))
CHART = yaml.safe_load((model_directory() / "ping_registry.yaml").read_text())
INDEX = yaml.safe_load((model_directory() / "ping_registry_index.yaml").read_text())
OPERATIONS = yaml.safe_load((model_directory() / "ping_registry_operations.yaml").read_text())
SCHEMAS = {
    "chart": chart_schema(),
    "invariant": invariant_schema(),
    "operations": operations_schema(),
    "properties": properties_schema(),
    "service": service_schema(),
    "system": system_schema(),
}


def refused(schema: dict[str, Any], data: object) -> bool:
    return not jsonschema.Draft202012Validator(schema).is_valid(data)


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_schema_of_its_dialect(name: str) -> None:
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == DIALECT
    assert "$id" not in schema
    assert schema["title"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_projects_own_files_are_valid(file) -> None:
    data = yaml.safe_load(file.read_text())
    first = next(iter(data)).removesuffix("_of")
    jsonschema.Draft202012Validator(SCHEMAS[first]).validate(data)


def at(data: Any, *path: Any) -> Any:
    for key in path:
        data = data[key]
    return data


RULE = ("commands", "Init", "rules", 0)
EVENT = ("events", "ServerPinged")


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ((), "colour", "red"),
        ((), "version", 1.0),
        ((), "version", "1.0"),
        ((), "snapshot", None),
        (("states",), "lower_case", {"code": 9}),
        (("states", "Initialized"), "code", "one"),
        (("states", "Initialized"), "code", -1),
        (("states", "Initialized"), "initial", "true"),
        (EVENT, "feilds", {}),
        (EVENT, "fields", None),
        ((*EVENT, "wire"), "number", 0),
        ((*EVENT, "fields", "status_code"), "type", "int"),
        ((*EVENT, "fields"), "StatusCode", {"type": "int32", "wire": 9}),
        (RULE, "in", []),
        (RULE, "in", "Initialized"),
        (RULE, "states", ["Initialized"]),
        (RULE, "emit", None),
        (RULE, "emit", []),
        (RULE, "emit", "lower_case"),
        (RULE, "emit", {}),
        (RULE, "emit", {"One": {}, "Two": {}}),
        (RULE, "emit", {"One": {"field": 5}}),
        (RULE, "emit", {"One": {"field": {"constant": 1, "more": 2}}}),
        (RULE, "emit", {"One": {"Field": "argument"}}),
        (RULE, "error", "NoName"),
        (RULE, "delete", False),
        (RULE, "same", []),
        (RULE, "noop", ""),
    ],
)
def test_a_mistake_in_a_chart_is_refused(path, key, value) -> None:
    data = copy.deepcopy(CHART)
    at(data, *path)[key] = value
    assert refused(SCHEMAS["chart"], data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("emit", "DoorOpened"),
        ("emit", {"DoorOpened": {}}),
        ("emit", {"DoorOpened": {"code": "argument", "other": {"constant": 0}}}),
        ("error", "DoorStuckError"),
        ("error", {"DoorStuckError": {"code": {"constant": "text"}}}),
    ],
)
def test_an_event_or_error_is_a_name_or_a_name_with_sources(key, value) -> None:
    data = copy.deepcopy(CHART)
    at(data, *RULE)[key] = value
    jsonschema.Draft202012Validator(SCHEMAS["chart"]).validate(data)


STEP = ("operations", "begin", "steps", 1)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (STEP, "vid", "always"),
        (STEP, "vid", {"step": 0}),
        (STEP, "vid", None),
        (STEP, "on_refusal", "retry"),
        (STEP, "args", {"workflow_event_id": {"stp": 1}}),
        (("operations", "begin"), "steps", []),
        ((), "operations", {}),
    ],
)
def test_a_mistake_in_operations_is_refused(path, key, value) -> None:
    data = copy.deepcopy(OPERATIONS)
    at(data, *path)[key] = value
    assert refused(SCHEMAS["operations"], data)


def test_a_missing_key_is_refused() -> None:
    for path, key in (
        ((), "states"),
        (EVENT, "to"),
        (RULE, "in"),
        (("states", "Initialized"), "code"),
    ):
        data = copy.deepcopy(CHART)
        del at(data, *path)[key]
        assert refused(SCHEMAS["chart"], data), key


def test_null_has_its_meaning_in_a_snapshot_only() -> None:
    data = copy.deepcopy(INDEX)
    assert data["snapshot"]["states"]["Active"] is None
    data["snapshot"]["order_by"] = None
    assert refused(SCHEMAS["chart"], data)


def test_it_knows_every_key_of_the_vocabulary_and_describes_it() -> None:
    modules = (vocabulary, parts, system, invariant, service)
    words = {
        each.__name__: each
        for module in modules
        for each in vars(module).values()
        if is_word(each) and each not in (Word, CommandOnHistory)
    }
    known: dict[str, Any] = {name.capitalize(): schema for name, schema in SCHEMAS.items()}
    for schema in SCHEMAS.values():
        known |= schema["$defs"]
    assert set(words) == {name for name, part in known.items() if "properties" in part}
    for name, word in words.items():
        assert set(known[name]["properties"]) == set(keys(word)), name
        required = {key for key, field in keys(word).items() if field.is_required()}
        assert set(known[name].get("required", ())) == required, name
        for key, told in known[name]["properties"].items():
            assert told.get("description"), (name, key)
