"""All that is generated, by path: write it, or compare it with what is there.

The output is sorted, and is the same to the byte wherever it is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart, Model, Operations, json_schema, to_json
from pingregistrywf.chart.schema import (
    chart_schema,
    invariant_schema,
    operations_schema,
    properties_schema,
    service_schema,
    system_schema,
)
from pingregistrywf.generate import pages, readme
from pingregistrywf.generate.mermaid import mermaid
from pingregistrywf.generate.notations import dot, plantuml, scxml, xstate
from pingregistrywf.generate.proto import descriptor, file_name, proto
from pingregistrywf.generate.python import chart_modules, operations_modules
from pingregistrywf.generate.service import (
    proto_name,
    service_descriptor,
    service_module,
    service_proto,
)
from pingregistrywf.generate.svg import layout, svg
from pingregistrywf.generate.tla import formal_model

Artefacts: TypeAlias = dict[PurePosixPath, bytes]

GENERATED: Final = PurePosixPath("src/pingregistrywf/_generated")
FORMAL: Final = PurePosixPath("model/generated")
SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = MappingProxyType(
    {
        "chart": chart_schema,
        "invariant": invariant_schema,
        "operations": operations_schema,
        "properties": properties_schema,
        "service": service_schema,
        "system": system_schema,
    }
)
"""The JSON Schemas of the files in ``model/``, by what such a file holds."""

_ALONE: Final = ("__init__.py", "Journal.tla")
"""Files in whose directories is nothing but what is generated."""

FORMATS: Final[Mapping[str, Callable[[Chart], str]]] = MappingProxyType(
    {
        "dot": dot,
        "mmd": mermaid,
        "puml": plantuml,
        "scxml": scxml,
        "svg": svg,
        "xstate.json": xstate,
    }
)
"""The formats of diagrams, by how their files' names end."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as it would be generated."""

    path: Path
    problem: str


def package(model: Model, *, laid_out: bool = True) -> Artefacts:
    """Return the packages of a model's charts, operations and services, below one directory.

    Args:
        laid_out: whether ``chart.json`` has the diagram's layout, for which Graphviz must be
            installed.
    """
    texts = {
        "__init__.py": '"""Generated packages, one for each chart."""\n',
        "chart.schema.json": _json(json_schema(Chart)),
        "operations.schema.json": _json(json_schema(Operations)),
    }
    made = {}
    for name, chart in model.charts.items():
        texts |= {f"{name}/{module}": text for module, text in chart_modules(chart).items()}
        document = chart.model_copy(update={"layout": layout(chart)}) if laid_out else chart
        texts |= {
            f"{name}/chart.json": to_json(document),
            f"{name}/{file_name(chart)}": proto(chart),
        }
        made[PurePosixPath(name, "descriptor.binpb")] = descriptor(chart)
    for name, operations in model.operations.items():
        modules = operations_modules(operations, model.charts)
        texts |= {f"{name}/{module}": text for module, text in modules.items()}
        texts[f"{name}/operations.json"] = to_json(operations)
    for name, service in model.services.items():
        operations = model.operations[service.operations]
        texts[f"{name}/__init__.py"] = service_module(service, operations)
        texts[f"{name}/service.json"] = to_json(service)
        texts[f"{name}/{proto_name(service)}"] = service_proto(service, model.charts)
        made[PurePosixPath(name, "descriptor.binpb")] = service_descriptor(service, model.charts)
    return made | {PurePosixPath(path): text.encode() for path, text in texts.items()}


def diagrams(model: Model, *, laid_out: bool = True) -> Artefacts:
    """Return the diagrams of a model's charts, in every format.

    Args:
        laid_out: whether to draw the format for which Graphviz must be installed, too: SVG.
    """
    return {
        PurePosixPath(f"{chart.name}.{suffix}"): draw(chart).encode()
        for chart in model.charts.values()
        for suffix, draw in FORMATS.items()
        if laid_out or suffix != "svg"
    }


def formal(model: Model) -> Artefacts:
    """Return the formal models of a model's systems, modules and configurations."""
    return {
        PurePosixPath(name): text.encode()
        for system in model.systems
        for name, text in formal_model(model, system).items()
    }


def project(model: Model, root: Path) -> Artefacts:
    """Return all that this project's own model generates, below the project's root."""
    made = {GENERATED / path: content for path, content in package(model).items()}
    made |= {
        PurePosixPath("docs/generated", path): content for path, content in diagrams(model).items()
    }
    made |= {FORMAL / path: content for path, content in formal(model).items()}
    for name, schema in SCHEMAS.items():
        made[PurePosixPath(f"model/{name}.schema.json")] = _json(schema()).encode()
    text = (root / "README.md").read_text(encoding="utf-8")
    made[PurePosixPath("README.md")] = readme.filled(text, model.main).encode()
    for page in pages.PAGES:
        text = (root / page).read_text(encoding="utf-8")
        made[page] = pages.filled(str(page), text, model.charts).encode()
    return made


def theirs(model: Model, *, laid_out: bool = True) -> Artefacts:
    """Return all that any model generates, below one directory: packages with ``diagrams``."""
    made = package(model, laid_out=laid_out)
    for path, content in diagrams(model, laid_out=laid_out).items():
        made[PurePosixPath(path.name.partition(".")[0]) / path.name] = content
    for path, content in formal(model).items():
        made["formal" / path] = content
    return made


def write(artefacts: Artefacts, root: Path) -> list[Path]:
    """Write what differs, and return the paths written.

    Raises:
        OSError: a file cannot be written.
    """
    written = []
    for path, content in sorted(artefacts.items()):
        target = root / path
        if target.is_file() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        written.append(target)
    return written


def check(artefacts: Artefacts, root: Path) -> list[Difference]:
    """Return what differs from the artefacts, and what lies beside them without being generated."""
    found = []
    for path, content in sorted(artefacts.items()):
        target = root / path
        if not target.is_file():
            found.append(Difference(target, "is missing"))
        elif target.read_bytes() != content:
            found.append(Difference(target, "differs from what the model generates"))
    for directory in sorted({path.parent for path in artefacts if path.name in _ALONE}):
        found += [
            Difference(beside, "is generated by no chart: remove it")
            for beside in sorted((root / directory).glob("*"))
            if beside.is_file() and directory / beside.name not in artefacts
        ]
    return found


def _json(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
