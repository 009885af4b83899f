"""What the last release published, and what of it is gone: names, options, numbers, ids.

A listing is a text file in ``tests/release/published``, with a line for each thing that others rely
on.
``make release`` writes the listings; in between, every line has to stay true.  What is in no
listing yet may still change.  Each listing has a rule of its own for what may go away, and when
(documentation: What may change).

    python -m tests.release.published

adds what is new, and keeps each line that has to stay true.  With ``--anew`` it also forgets what
is gone, for a line that no release ever had.
"""

from __future__ import annotations

import argparse
import builtins
import importlib
import inspect
import json
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import click
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import DecodeError
from pydantic import BaseModel
from typer.main import get_command

from pingregistrywf import _generated, open_journal, testing
from pingregistrywf.cli import app
from pingregistrywf.cli.adapter import STORE_VARIABLE, reference
from pingregistrywf.cli.common import CANNOT_RUN, REFUSED
from pingregistrywf.cli.terminal import FORCE_COLOR
from pingregistrywf.conformance import suite
from pingregistrywf.conformance.run.result import Exit
from pingregistrywf.conformance.run.session import PROTOCOL
from pingregistrywf.extras import EXTRAS
from pingregistrywf.formal.toolchain import JAR_VARIABLE
from pingregistrywf.runtime import remote
from pingregistrywf.runtime.journal.nats.address import Address as NatsAddress
from pingregistrywf.runtime.remote.address import TOKEN_VARIABLE
from pingregistrywf.runtime.remote.address import Address as ServiceAddress
from pingregistrywf.service.daemon_requests import SettableClock

ROOT: Final = Path(__file__).parents[2]
LISTINGS: Final = Path(__file__).with_name("published")
GENERATED: Final = Path(_generated.__file__).parent
SERVICE_OF_ANY_CHART: Final = Path(remote.__file__).with_name("workflows.binpb")
DEPRECATED: Final = LISTINGS / "deprecated.txt"


# --- What there is now ----------------------------------------------------------------------------


def python() -> Iterator[str]:
    """The public names: of modules, of classes, and of parameters.

    Of parameters the place counts, too, and which are required; of classes, what they are caught or
    passed as.  Public are the names that the package, ``aio`` and ``testing`` export.
    """
    modules = ["pingregistrywf", "pingregistrywf.aio", "pingregistrywf.testing"]
    modules += [f"{modules[-1]}.{each.name}" for each in pkgutil.iter_modules(testing.__path__)]
    for name in modules:
        module = importlib.import_module(name)
        for exported in getattr(module, "__all__", ()):
            value = getattr(module, exported)
            yield f"{name}.{exported}"
            if inspect.isclass(value):
                yield from _bases(f"{name}.{exported}", value, module)
                yield from _members(f"{name}.{exported}", value)
                yield from _constructor(f"{name}.{exported}", value)
            elif inspect.isfunction(value):
                yield from _parameters(f"{name}.{exported}", value)


def _bases(path: str, owner: type, module: object) -> Iterator[str]:
    """The public classes that a class is one of, such as the error that a handler names."""
    for each in owner.__mro__[1:]:
        known = getattr(builtins, each.__name__, None) is each and each is not object
        if known or getattr(module, each.__name__, None) is each:
            yield f"{path} is a {each.__name__}"


def _constructor(path: str, owner: type) -> Iterator[str]:
    if issubclass(owner, Enum) or getattr(owner, "_is_protocol", False):
        return  # of these nobody makes one
    ours = [vars(each) for each in owner.__mro__ if each.__module__.startswith("pingregistrywf")]
    if issubclass(owner, BaseModel) or any(
        names.keys() & {"__init__", "__new__"} for names in ours
    ):
        yield from _parameters(path, owner)


def _members(path: str, owner: type) -> Iterator[str]:
    """The public attributes that classes of this package define; others' are others' business."""
    for each in owner.__mro__:
        if each.__module__.partition(".")[0] != "pingregistrywf":
            continue
        names = {*vars(each), *inspect.get_annotations(each)}
        for name in sorted(name for name in names if not name.startswith("_")):
            yield f"{path}.{name}"
            value = vars(each).get(name)
            if isinstance(value, Enum):
                yield f"{path}.{name} = {value.value}"
            function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(function):
                yield from _parameters(f"{path}.{name}", function)


def _parameters(path: str, function: Callable[..., Any]) -> Iterator[str]:
    found = inspect.signature(function).parameters.values()
    names = [each for each in found if not each.name.startswith("_") and each.name != "self"]
    for each in names:
        yield f"{path}({each.name})"
    once = [each for each in names if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
    given = [each for each in once if each.name != "cls"]
    placed = [each for each in given if each.kind is not each.KEYWORD_ONLY]
    for number, each in enumerate(placed, 1):
        yield f"{path}({number}) is {each.name}"
    required = [each.name for each in given if each.default is each.empty]
    yield f"{path}() needs {', '.join(required) or 'nothing'}"


def command_line() -> Iterator[str]:
    """The commands, their arguments and options as one writes them, and the exit codes."""
    yield from _options(get_command(app), "pingregistrywf")
    codes = {"refused": REFUSED, "cannot run": CANNOT_RUN}
    codes |= {f"conform {each.name.lower()}": int(each) for each in Exit}
    yield from (f"exit code {code}: {name}" for name, code in codes.items())


def _options(command: click.Command, path: str) -> Iterator[str]:
    yield path
    for parameter in command.params:
        for spelling in (*parameter.opts, *parameter.secondary_opts):
            if spelling.startswith("-"):
                yield f"{path} {spelling}"
                kind = "a flag" if getattr(parameter, "is_flag", False) else "with a value"
                yield f"{path} {spelling} is {kind}"
                yield from (f"{path} {spelling} {each}" for each in _choices(parameter))
    arguments = [each for each in command.params if not each.opts[0].startswith("-")]
    for number, each in enumerate(arguments, 1):
        yield f"{path} takes {each.metavar or each.name}, {number}"
    if not getattr(command, "commands", {}):
        required = [
            (each.metavar or each.name) if each in arguments else each.opts[0]
            for each in command.params
            if each.required
        ]
        yield f"{path} needs {', '.join(required) or 'nothing'}"
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _options(inner, f"{path} {name}")


def _choices(parameter: Any) -> Sequence[str]:
    """The words that an option may be followed by, if they are few."""
    described = getattr(parameter, "type_descriptor", None)  # click's types, before typer 0.22
    kind = described.annotation if described else parameter.type
    return get_args(kind) if get_origin(kind) is Literal else getattr(kind, "choices", ())


def environment() -> Iterator[str]:
    """The environment variables that are read, and for what."""
    yield from _variables(get_command(app), "pingregistrywf")
    for variable in (STORE_VARIABLE, JAR_VARIABLE, FORCE_COLOR, TOKEN_VARIABLE):
        yield f"{variable}"
    for read, url in (
        (NatsAddress.parse, "nats://host/stream"),
        (ServiceAddress.parse, "grpcs://host:1"),
    ):
        asked = _Asked()
        read(url, asked)
        yield from asked.names


class _Asked(dict[str, str]):
    """An empty environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.names.append(name)
        return default


def _variables(command: click.Command, path: str) -> Iterator[str]:
    for parameter in command.params:
        named = parameter.envvar or ()
        for variable in (named,) if isinstance(named, str) else named:
            yield f"{variable} of {path} {parameter.opts[0]}"
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _variables(inner, f"{path} {name}")


def installation() -> Iterator[str]:
    """What an installer and the system are told: the program, the extras, the Pythons."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from (f"distribution {project['name']}", f"Python {project['requires-python']}")
    pythons = "Programming Language :: Python :: "
    for each in project["classifiers"]:
        if each.startswith(pythons):
            yield f"Python {each.removeprefix(pythons)}"
    yield from (f"program {each}" for each in project["scripts"])
    yield from (f"extra {each}" for each in EXTRAS if each in project["optional-dependencies"])


def wire() -> Iterator[str]:
    """The numbers of messages, of enumerations and of services, with their types."""
    for file in sorted(GENERATED.glob("*/descriptor.binpb")):
        yield from _messages(file.parent.name, file)
    yield from _messages(SERVICE_OF_ANY_CHART.stem, SERVICE_OF_ANY_CHART)


def _messages(name: str, file: Path) -> Iterator[str]:
    for found in _descriptors(file.read_bytes()):
        yield f"{name} package {found.package}"
        for message in found.message_type:
            yield f"{name} message {message.name}"
            yield from _fields(name, message)
        for enumeration in found.enum_type:
            for each in enumeration.value:
                yield f"{name} {enumeration.name}.{each.name} = {each.number}"
        for service in found.service:
            for method in service.method:
                kinds = f"{method.input_type} -> {method.output_type}"
                yield f"{name} {service.name}.{method.name}: {kinds}"
                ways = ("unary", "stream")
                way = f"{ways[method.client_streaming]}-{ways[method.server_streaming]}"
                yield f"{name} {service.name}.{method.name} is {way}"


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
        if each.proto3_optional:
            yield f"{package} {message.name}.{each.name} may be absent"
    for enumeration in message.enum_type:
        for value in enumeration.value:
            yield f"{package} {message.name}.{enumeration.name}.{value.name} = {value.number}"
    for inner in message.nested_type:
        yield from _fields(package, inner)


def schema() -> Iterator[str]:
    """The keys of charts and operations, and of chart.json and operations.json.

    With their types and values.  What people write names the keys that may be left out, and what
    programs read those that are always there.
    """
    for file in (*(ROOT / "model").glob("*.schema.json"), *GENERATED.glob("*.schema.json")):
        written = "model" if file.parent.name == "model" else "generated"
        yield from _keys(f"{written}/{file.name}", json.loads(file.read_text(encoding="utf-8")))


def _keys(path: str, node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _keys(path, each)
    elif isinstance(node, dict):
        kinds = node.get("type", ())
        for kind in (kinds,) if isinstance(kinds, str) else kinds:
            yield f"{path} is {kind}"
        if "$ref" in node:
            yield f"{path} is {node['$ref'].rpartition('/')[2]}"
        for value in (*node.get("enum", ()), *([node["const"]] if "const" in node else [])):
            yield f"{path} = {value}"
        required = node.get("required", ())
        for key in node.get("properties", {}):
            yield f"{path} {key}"
            if path.startswith("generated/") and key in required:
                yield f"{path} {key} is always there"
            if path.startswith("model/") and key not in required:
                yield f"{path} {key} may be left out"
        for name, inner in {**node.get("$defs", {}), **node.get("properties", {})}.items():
            yield from _keys(f"{path} {name}", inner)
        for keyword in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            yield from _keys(path, node.get(keyword))


def charts() -> Iterator[str]:
    """The version of each chart, and the hash of what it means."""
    for file in sorted(GENERATED.glob("*/chart.json")):
        chart = json.loads(file.read_text(encoding="utf-8"))
        yield f"{chart['name']} {chart['version']} {chart['sha256']}"


def cases() -> Iterator[str]:
    """The ids of the suite's cases, for the chart that is installed."""
    for file in sorted(GENERATED.glob("*/suite.txt")):
        lines = file.read_text(encoding="utf-8").splitlines()
        yield from (line for line in lines if not line.startswith("#"))


def protocol() -> Iterator[str]:
    """The requests, the capabilities and the fields that the adapter protocol's page describes.

    And the requests that the reference implementation answers.
    """
    page = (ROOT / "docs" / "reference" / "adapter-protocol.md").read_text(encoding="utf-8")
    for kind, pattern in (
        ("request", r'"op": "(\w+)"'),
        ("capability", r"^\| `(\w+)` \|"),
        ("field", r'[{ ]"(\w+)":'),
    ):
        yield from (f"{kind} {name}" for name in re.findall(pattern, page, re.MULTILINE))
    with open_journal("memory:", clock=SettableClock()) as journal:
        adapter = reference(journal, outlives=True)
        for op in sorted({*re.findall(r'"op": "(\w+)"', page)}):
            if "unsupported" not in adapter.answer({"id": 1, "op": op}):
                yield f"answered {op}"


SURFACES: Final[Mapping[str, tuple[Callable[[], Iterator[str]], Callable[[], str]]]] = {
    "python": (python, lambda: version()),
    "command_line": (command_line, lambda: version()),
    "environment": (environment, lambda: version()),
    "installation": (installation, lambda: version()),
    "wire": (wire, lambda: version()),
    "schema": (schema, lambda: version()),
    "charts": (charts, lambda: version()),
    "suite": (cases, lambda: suite.VERSION),
    "protocol": (protocol, lambda: str(PROTOCOL)),
}
"""What others rely on: how it is listed, and the version that promises it."""

VERSIONED: Final = ("suite", "protocol")
"""What has a version of its own, a major one of which may drop anything."""


def version() -> str:
    """The version that the source tree has now."""
    return importlib.import_module("pingregistrywf").__version__


# --- What was published ---------------------------------------------------------------------------


LIST_ANEW: Final = (
    "If no release had it, write the listing anew: python -m tests.release.published --anew"
)

REMEDIES: Final[Mapping[str, str]] = {
    "python": (
        "Bring the name back, and let it warn with a DeprecationWarning for one minor version that "
        "names what to use; write both into tests/release/published/deprecated.txt"
    ),
    "command_line": (
        "Bring the command or option back, and let it warn for one minor version; write it into "
        "tests/release/published/deprecated.txt"
    ),
    "environment": (
        "Read the variable again, and let the command warn for one minor version; write it into "
        "tests/release/published/deprecated.txt"
    ),
    "installation": (
        "Bring it back: others' requirements and scripts name it. An extra may be left empty. To "
        "retire it, write it into tests/release/published/deprecated.txt, and say so in the "
        "changelog"
    ),
    "wire": (
        "Bring the number and its type back: stored histories have them. What is new gets a number "
        "of its own, and a retired event stays with its number (docs/how-to/changing-a-chart.md)"
    ),
    "schema": (
        "Bring the key back: others' charts and programs have it. To retire it, write it into "
        "tests/release/published/deprecated.txt, and say so in the changelog"
    ),
    "charts": (
        "Raise version in the chart in model/, and run make generate: stored events name the chart "
        "by it (docs/how-to/changing-a-chart.md)"
    ),
    "suite": (
        "Bring the case back under its id: others' reports and lists of known failures name it. "
        "Else raise the major number of VERSION in conformance/suite/__init__.py"
    ),
    "protocol": (
        "Bring it back: adapters in other languages answer it. Else raise PROTOCOL in "
        "conformance/run/session.py and service/stdio.py, and the page's number"
    ),
}
"""What to do about each."""

ANNOUNCE: Final = (
    "Raise the minor number of VERSION in conformance/suite/__init__.py: a report names the suite "
    "by it, and two reports of one version are of the same cases"
)
"""What to do about new cases."""


def listed(surface: str, directory: Path = LISTINGS) -> tuple[str, set[str]]:
    """The version that was published, and what it promises."""
    head, *lines = (directory / f"{surface}.txt").read_text(encoding="utf-8").splitlines()
    return head.rpartition(" ")[2], set(lines)


def gone(surface: str, directory: Path = LISTINGS) -> list[str]:
    """What was published and is there no more, without what was deprecated long enough."""
    published, lines = listed(surface, directory)
    make, versioned = SURFACES[surface]
    there = {*make()}
    missing = lines - there
    now = versioned()
    if surface in VERSIONED:  # they have versions of their own, which allow it
        return [] if major(now) > major(published) else sorted(missing)
    if surface == "charts":  # another version may mean something else
        present = {line.split()[0]: line.split()[1] for line in there}
        return sorted(line for line in missing if not _is_raised(line, present))
    over = {line for line in missing for name in ripe(now, directory) if is_part(line, name)}
    return sorted(missing - over)


def _is_raised(line: str, present: Mapping[str, str]) -> bool:
    name, version, _ = line.split()
    return name in present and numbers(present[name]) > numbers(version)


def lowered(directory: Path = LISTINGS) -> list[str]:
    """What has a lower version than the one that was published."""
    found = []
    for surface, (_, versioned) in SURFACES.items():
        published, now = listed(surface, directory)[0], versioned()
        if numbers(now) < numbers(published):
            found.append(f"{surface.replace('_', ' ')}: {now} is lower than {published}")
    return found


def unannounced(directory: Path = LISTINGS) -> list[str]:
    """The cases that are new, unless the suite's version says that there are any."""
    make, versioned = SURFACES["suite"]
    published, lines = listed("suite", directory)
    return [] if minor(versioned()) > minor(published) else sorted({*make()} - lines)


def complaint(surface: str, lines: list[str]) -> str:
    """What a failed check and a refused release say: what is gone, and what to do instead."""
    return _told("published, and gone", lines, REMEDIES[surface])


def announcement(lines: list[str]) -> str:
    """What a failed check and a refused release say of cases that are new."""
    return _told("cases that are new under the version that was published", lines, ANNOUNCE)


def _told(what: str, lines: list[str], remedy: str) -> str:
    names = "\n".join(f"  {line}" for line in lines[:20])
    return f"{what}:\n{names}\n{remedy}. {LIST_ANEW}"


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


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a version."""
    return tuple(map(int, text.split(".")))


def major(text: str) -> int:
    """The first number of a version."""
    return numbers(text)[0]


def minor(text: str) -> tuple[int, int]:
    """The first two numbers of a version."""
    first, second, *_ = numbers(text)
    return first, second


def write(directory: Path = LISTINGS, *, anew: bool = False) -> None:
    """Add to all listings what is new.

    Args:
        directory: where they are.
        anew: forget what is gone, too.
    """
    for surface, (make, versioned) in SURFACES.items():
        file = directory / f"{surface}.txt"
        kept = [] if anew or not file.exists() else gone(surface, directory)
        lines = [f"# {surface.replace('_', ' ')}, version {versioned()}"]
        lines += sorted({*make(), *kept})
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.release.published", description=__doc__)
    parser.add_argument("--anew", action="store_true", help="forget what is gone, too")
    asked = parser.parse_args()
    new = [] if asked.anew else unannounced()
    if new:
        parser.exit(1, f"{announcement(new)}\n")
    write(anew=asked.anew)
