"""Read charts and operations from YAML files, or report everything that is wrong with them.

``yaml_source`` reads YAML, ``shape`` the words of the vocabulary, and ``checks`` what they mean
together.  The mistakes of all files are reported at once, each with its file, line and column, and
with what to write instead.  The meaning of a file is checked when its shape is right, and that of
an operation when the charts that it names are.  Other modules rely on a chart that is returned.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from pingregistrywf.chart import checks, shape
from pingregistrywf.chart.invariant import Invariant
from pingregistrywf.chart.mistakes import ChartError, Report
from pingregistrywf.chart.parts import Word
from pingregistrywf.chart.service import Service
from pingregistrywf.chart.system import Properties, System
from pingregistrywf.chart.vocabulary import Chart, Operations
from pingregistrywf.chart.yaml_source import YamlSource, parse

File: TypeAlias = str | os.PathLike[str]

_KINDS: Final[Mapping[str, type[Word]]] = {
    "invariant_of": Invariant,
    "operations_of": Operations,
    "properties_of": Properties,
    "service": Service,
    "system": System,
}
"""The key that tells what a file holds; a file without any of them holds a chart."""


@dataclass(frozen=True, slots=True)
class Model:
    """Charts and operations that belong together, by name, in the order of their files."""

    charts: Mapping[str, Chart]
    operations: Mapping[str, Operations]
    services: Mapping[str, Service]
    systems: Mapping[str, System]
    properties: Mapping[str, Properties]
    """The properties of each system that has some, by the system's name."""
    invariants: Mapping[str, Invariant]
    """The inductive invariant of each system that has one, by the system's name."""


def read_model(paths: Sequence[File]) -> Model:
    """Read charts, the operations on them, the services and the systems of those who run these.

    A file with the key ``operations_of`` holds operations, one with ``service`` a service, one with
    ``system`` a system, one with ``properties_of`` a system's properties, one with ``invariant_of``
    its inductive invariant, any other a chart.

    Raises:
        ChartError: there are mistakes in them, or one cannot be read.
    """
    sources = [_load(path) for path in paths]
    read: dict[type[Word], list[tuple[Any, Report]]] = {}
    whole = True
    for source in sources:
        kind = _kind(source)
        if (each := shape.read(kind, source)) is not None:
            read.setdefault(kind, []).append((each, source.report))
        else:
            whole = False
    charts, operations = read.get(Chart, []), read.get(Operations, [])
    for chart, report in charts:
        checks.check_chart(chart, report)
    checks.check_together(charts, operations)
    sound = {chart.chart: chart for chart, report in charts if not report.mistakes}
    all_charts = len(sound) == sum(_kind(source) is Chart for source in sources)
    for each, report in operations:
        checks.check_operations(each, sound, report, all_charts)
    runnable = {each.operations_of: each for each, _ in operations}
    systems = {each.system: each for each, _ in read.get(System, [])}
    # Others are checked on a model without mistakes: their own could follow from that model's.
    if whole and not any(report.mistakes for _, report in (*charts, *operations)):
        for each, report in read.get(Service, []):
            checks.check_service(each, sound, runnable, report)
        for each, report in read.get(System, []):
            checks.check_system(each, sound, runnable, report)
        for each, report in read.get(Properties, []):
            checks.check_properties(each, systems, sound, report)
        for each, report in read.get(Invariant, []):
            checks.check_invariant(each, systems, report)
    if mistakes := [mistake for source in sources for mistake in source.report.mistakes]:
        raise ChartError(mistakes)
    properties = {each.properties_of: each for each, _ in read.get(Properties, [])}
    invariants = {each.invariant_of: each for each, _ in read.get(Invariant, [])}
    services = {each.service: each for each, _ in read.get(Service, [])}
    return Model(sound, runnable, services, systems, properties, invariants)


def _kind(source: YamlSource) -> type[Word]:
    """What a file holds."""
    data = source.data if isinstance(source.data, dict) else {}
    return next((kind for key, kind in _KINDS.items() if key in data), Chart)


def _load(path: File) -> YamlSource:
    """Read a file as YAML."""
    report = Report(os.fspath(path))
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        report.say((), f"the file cannot be read: {why}", "check its path and its mode")
        return YamlSource(report)
    return parse(content, report)
