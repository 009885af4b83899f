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
from typing import TypeAlias

from pingregistrywf.chart import checks, shape
from pingregistrywf.chart.mistakes import ChartError, Report
from pingregistrywf.chart.vocabulary import Chart, Operations
from pingregistrywf.chart.yaml_source import YamlSource, parse

File: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Model:
    """Charts and operations that belong together, by name, in the order of their files."""

    charts: Mapping[str, Chart]
    operations: Mapping[str, Operations]


def read_model(paths: Sequence[File]) -> Model:
    """Read charts, and the operations on them.

    A file with the key ``operations_of`` holds operations, any other a chart.

    Raises:
        ChartError: there are mistakes in them, or one cannot be read.
    """
    charts: list[tuple[Chart, Report]] = []
    operations: list[tuple[Operations, Report]] = []
    sources = [_load(path) for path in paths]
    all_charts = True
    for source in sources:
        if isinstance(source.data, dict) and "operations_of" in source.data:
            if (read := shape.read(Operations, source)) is not None:
                operations.append((read, source.report))
        elif (chart := shape.read(Chart, source)) is not None:
            checks.check_chart(chart, source.report)
            charts.append((chart, source.report))
        else:
            all_charts = False
    checks.check_together(charts, operations)
    sound = {chart.chart: chart for chart, report in charts if not report.mistakes}
    all_charts = all_charts and len(sound) == len(charts)
    for each, report in operations:
        checks.check_operations(each, sound, report, all_charts)
    if mistakes := [mistake for source in sources for mistake in source.report.mistakes]:
        raise ChartError(mistakes)
    return Model(sound, {each.operations_of: each for each, _ in operations})


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
