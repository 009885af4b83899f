"""Markdown of a JSON Schema: of the model language, and of chart.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marked import code, grid, parts, plain

Schema = dict[str, Any]

UNSEARCHED = ("Document",)
"""Files whose parts the search passes over: chart.json has the keys of the model language."""


def described(root: str, schema: Schema) -> str:
    """Every part of a file, in the order in which a reader meets them."""
    definitions: dict[str, Schema] = schema.get("$defs", {})
    enums = {name: part for name, part in definitions.items() if "enum" in part}
    found = {root: schema}
    _meet(schema, definitions, found)
    objects = {name: part for name, part in found.items() if "properties" in part}
    return parts(*(_part(root, name, part, enums) for name, part in objects.items()))


def _meet(part: Schema, definitions: dict[str, Schema], found: dict[str, Schema]) -> None:
    for name in _references(part.get("properties", part)):
        if name not in found:
            found[name] = definitions[name]
            _meet(definitions[name], definitions, found)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


def _part(root: str, name: str, part: Schema, enums: dict[str, Schema]) -> str:
    required = part.get("required", ())
    rows = (
        (code(key), "yes" if key in required else "", _type(root, each, enums), _meaning(key, each))
        for key, each in part["properties"].items()
    )
    passed_over = " data-search-exclude" if root in UNSEARCHED else ""
    return parts(
        f"### {name} {{#{root}-{name}{passed_over}}}",
        *(plain(each) for each in part.get("description", "").split("\n\n")),
        grid(("key", "required", "value", "meaning"), rows),
    )


def _meaning(key: str, schema: Schema) -> str:
    alone = "Prose." if key == "doc" else f"The {key.replace('_', ' ')}."
    return plain(schema.get("description", alone))


def _type(root: str, schema: Schema, enums: dict[str, Schema]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name == "Type":
            return "a type"
        return _type(root, enums[name], {}) if name in enums else f"[{name}](#{root}-{name})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(root, each, enums) for each in schema["anyOf"]))
    if "const" in schema:
        return code(str(schema["const"]).lower())
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    match schema.get("type"):
        case "object":
            inner = list(schema.get("patternProperties", {}).values())
            value = inner[0] if inner else schema["additionalProperties"]
            return f"names, each with {'anything' if value is True else _type(root, value, enums)}"
        case "array":
            return f"a list of {_type(root, schema['items'], enums)}"
        case "string":
            return "a name" if "pattern" in schema else "text"
        case "integer":
            return "a number"
        case "boolean":
            return "true or false"
        case other:
            return str(other or "anything")
