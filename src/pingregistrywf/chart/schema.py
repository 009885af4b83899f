"""JSON Schemas of the files in ``model/``, for editors that complete and check while people write.

They are made from the vocabulary, so they know every key, type, pattern and description.  They
describe each part of a file by itself; only the reader checks what the parts mean together.
"""

from __future__ import annotations

from typing import Any, Final

from pingregistrywf.chart.invariant import Invariant
from pingregistrywf.chart.parts import Word
from pingregistrywf.chart.service import Service
from pingregistrywf.chart.system import Properties, System
from pingregistrywf.chart.vocabulary import Chart, Operations

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def chart_schema() -> dict[str, Any]:
    """The schema of a chart's file."""
    return _schema(Chart, "A chart: states, events and commands")


def operations_schema() -> dict[str, Any]:
    """The schema of a file of operations."""
    return _schema(Operations, "Operations: commands that belong together")


def service_schema() -> dict[str, Any]:
    """The schema of a service's file."""
    return _schema(Service, "A service: remote procedure calls on a model")


def system_schema() -> dict[str, Any]:
    """The schema of a system's file."""
    return _schema(System, "A system: who runs which operation when")


def properties_schema() -> dict[str, Any]:
    """The schema of a file of properties."""
    return _schema(Properties, "Properties: what must hold in a system")


def invariant_schema() -> dict[str, Any]:
    """The schema of a file with an inductive invariant."""
    return _schema(Invariant, "An inductive invariant: why a system is safe")


def _schema(word: type[Word], title: str) -> dict[str, Any]:
    made: dict[str, Any] = _tightened(word.model_json_schema(by_alias=True))
    return {"$schema": DIALECT, **made, "title": title}


def _tightened(node: Any) -> Any:
    """A schema as strict as the reader, and without the titles that pydantic makes up.

    pydantic's schema allows keys that do not fit their pattern, and an empty value for every key
    that may be left out; the reader allows neither.
    """
    if isinstance(node, list):
        return [_tightened(each) for each in node]
    if not isinstance(node, dict):
        return node
    tight = {key: _tightened(value) for key, value in node.items()}
    if isinstance(tight.get("title"), str):
        del tight["title"]
    if "patternProperties" in tight:
        tight["additionalProperties"] = False
    if "default" in tight and tight["default"] is None:
        del tight["default"]
        choices = [each for each in tight.pop("anyOf") if each != {"type": "null"}]
        tight |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if tight.get("default") in ("", [], {}):
        del tight["default"]
    if isinstance(tight.get("description"), str):
        paragraphs = tight["description"].replace("``", "`").split("\n\n")
        tight["description"] = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    return tight
