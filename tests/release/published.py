"""What the last release published, and what of it is gone: names, options, numbers, ids.

A listing is a text file in ``tests/release/published``, with a line for each thing that others rely
on.
``make release`` writes the listings anew; in between, every line has to stay true.  What was added
since the last release is in no listing, and may still change.  Each listing has a rule of its own
for what may go away, and when (documentation: What may change).

    python -m tests.release.published

writes them outside of a release, for a line that no release ever had.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError
from typer.main import get_command

from pingregistrywf import _generated, testing
from pingregistrywf.cli import app
from pingregistrywf.conformance import suite
from pingregistrywf.conformance.run.session import PROTOCOL

ROOT: Final = Path(__file__).parents[2]
LISTINGS: Final = Path(__file__).with_name("published")
GENERATED: Final = Path(_generated.__file__).parent
DEPRECATED: Final = LISTINGS / "deprecated.txt"


# --- What there is now ----------------------------------------------------------------------------


def python() -> Iterator[str]:
    """The public names: of modules, of classes, and of parameters, and which of these are required.

    Public are the names that the package, ``aio`` and ``testing`` export.
    """
    modules = ["pingregistrywf", "pingregistrywf.aio", "pingregistrywf.testing"]
    modules += [f"{modules[-1]}.{each.name}" for each in pkgutil.iter_modules(testing.__path__)]
    for name in modules:
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            value = getattr(module, exported)
            yield f"{name}.{exported}"
            if inspect.isclass(value):
                yield from _members(f"{name}.{exported}", value)
            elif inspect.isfunction(value):
                yield from _parameters(f"{name}.{exported}", value)


def _members(path: str, owner: type) -> Iterator[str]:
    """The public attributes that classes of this package define; others' are others' business."""
    for each in owner.__mro__:
        if each.__module__.partition(".")[0] != "pingregistrywf":
            continue
        names = {*vars(each), *inspect.get_annotations(each)}
        for name in sorted(name for name in names if not name.startswith("_")):
            yield f"{path}.{name}"
            value = vars(each).get(name)
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(function):
                yield from _parameters(f"{path}.{name}", function)


def _parameters(path: str, function: Callable[..., Any]) -> Iterator[str]:
    found = inspect.signature(function).parameters.values()
    names = [each for each in found if not each.name.startswith("_") and each.name != "self"]
    for each in names:
        yield f"{path}({each.name})"
    once = [each for each in names if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    required = [each.name for each in once if each.default is each.empty and each.name != "cls"]
    yield f"{path}() needs {', '.join(required) or 'nothing'}"


def command_line() -> Iterator[str]:
    """The commands and their options, as one writes them."""
    yield from _options(get_command(app), "pingregistrywf")


def _options(command: click.Command, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        for spelling in (*parameter.opts, *parameter.secondary_opts):
            if spelling.startswith("-"):
                yield f"{path} {spelling}"
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _options(inner, f"{path} {name}")


def wire() -> Iterator[str]:
    """The numbers of messages, of enumerations and of services, with their types."""
    for file in sorted(GENERATED.glob("*/descriptor.binpb")):
        for found in _descriptors(file.read_bytes()):
            for message in found.message_type:
                yield from _fields(file.parent.name, message)
            for enumeration in found.enum_type:
                for each in enumeration.value:
                    yield f"{file.parent.name} {enumeration.name}.{each.name} = {each.number}"
            for service in found.service:
                for method in service.method:
                    kinds = f"{method.input_type} -> {method.output_type}"
                    yield f"{file.parent.name} {service.name}.{method.name}: {kinds}"


def _descriptors(data: bytes) -> list[FileDescriptorProto]:
    try:
        found = [*FileDescriptorSet.FromString(data).file]
        if all(each.name for each in found):
            return found
    except DecodeError:
        pass
    return [FileDescriptorProto.FromString(data)]


def _fields(package: str, message: DescriptorProto) -> Iterator[str]:
    for each in message.field:
        kind = each.type_name or each.Type.Name(each.type).removeprefix("TYPE_").lower()
        label = "repeated " if each.label == each.LABEL_REPEATED else ""
        yield f"{package} {message.name}.{each.name} = {each.number} {label}{kind}"
    for enumeration in message.enum_type:
        for value in enumeration.value:
            yield f"{package} {message.name}.{enumeration.name}.{value.name} = {value.number}"
    for inner in message.nested_type:
        yield from _fields(package, inner)


def schema() -> Iterator[str]:
    """The keys of charts and operations, and of chart.json and operations.json."""
    for file in (*(ROOT / "model").glob("*.schema.json"), *GENERATED.glob("*.schema.json")):
        written = "model" if file.parent.name == "model" else "generated"
        yield from _keys(f"{written}/{file.name}", json.loads(file.read_text(encoding="utf-8")))


def _keys(path: str, node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _keys(path, each)
    elif isinstance(node, dict):
        for key in node.get("properties", {}):
            yield f"{path} {key}"
        for name, inner in {**node.get("$defs", {}), **node.get("properties", {})}.items():
            yield from _keys(f"{path} {name}", inner)
        for keyword in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            yield from _keys(path, node.get(keyword))


def cases() -> Iterator[str]:
    """The ids of the suite's cases, for the chart that is installed."""
    for file in sorted(GENERATED.glob("*/suite.txt")):
        lines = file.read_text(encoding="utf-8").splitlines()
        yield from (line for line in lines if not line.startswith("#"))


def protocol() -> Iterator[str]:
    """The requests, the capabilities and the fields that the adapter protocol's page describes."""
    page = (ROOT / "docs" / "reference" / "adapter-protocol.md").read_text(encoding="utf-8")
    for kind, pattern in (
        ("request", r'"op": "(\w+)"'),
        ("capability", r"^\| `(\w+)` \|"),
        ("field", r'[{ ]"(\w+)":'),
    ):
        yield from (f"{kind} {name}" for name in re.findall(pattern, page, re.MULTILINE))


SURFACES: Final[Mapping[str, tuple[Callable[[], Iterator[str]], Callable[[], str]]]] = {
    "python": (python, lambda: version()),
    "command_line": (command_line, lambda: version()),
    "wire": (wire, lambda: version()),
    "schema": (schema, lambda: version()),
    "suite": (cases, lambda: suite.VERSION),
    "protocol": (protocol, lambda: str(PROTOCOL)),
}
"""What others rely on: how it is listed, and the version that promises it."""


def version() -> str:
    """The version that the source tree has now."""
    return importlib.import_module("pingregistrywf").__version__


# --- What was published ---------------------------------------------------------------------------


def listed(surface: str, directory: Path = LISTINGS) -> tuple[str, set[str]]:
    """The version that was published, and what it promises."""
    head, *lines = (directory / f"{surface}.txt").read_text(encoding="utf-8").splitlines()
    return head.rpartition(" ")[2], set(lines)


def gone(surface: str, directory: Path = LISTINGS) -> list[str]:
    """What was published and is there no more, without what was deprecated long enough."""
    published, lines = listed(surface, directory)
    make, versioned = SURFACES[surface]
    missing = lines - {*make()}
    now = versioned()
    if surface in ("suite", "protocol"):  # they have versions of their own, which allow it
        return [] if major(now) > major(published) else sorted(missing)
    over = {line for line in missing for name in ripe(now, directory) if is_part(line, name)}
    return sorted(missing - over)


def ripe(now: str, directory: Path = LISTINGS) -> list[str]:
    """What was deprecated in an earlier minor version than ``now``, and may go away."""
    found = []
    for line in (directory / DEPRECATED.name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, since, _ = (each.strip() for each in line.split("|"))
            if minor(since) < minor(now):
                found.append(name)
    return found


def is_part(line: str, name: str) -> bool:
    """Whether a line of a listing is about a name, or about a part of it."""
    return line == name or line.startswith((f"{name}.", f"{name}(", f"{name} "))


def major(text: str) -> int:
    """The first number of a version."""
    return int(text.partition(".")[0])


def minor(text: str) -> tuple[int, int]:
    """The first two numbers of a version."""
    first, second, *_ = text.split(".")
    return int(first), int(second)


def write(directory: Path = LISTINGS) -> None:
    """Write all listings as of now."""
    for surface, (make, versioned) in SURFACES.items():
        lines = [f"# {surface.replace('_', ' ')}, version {versioned()}", *sorted({*make()})]
        (directory / f"{surface}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
