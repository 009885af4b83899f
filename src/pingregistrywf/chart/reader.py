"""Reads charts and operations from YAML files, or says everything that is wrong with them.

``yaml_source`` reads YAML, ``grammar`` the vocabulary, ``checks`` what the words mean together.
All mistakes of all files are reported at once, each with its file, its line and what to write
instead.
A chart that is returned is sound: everything else that works with charts may rely on the checks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from pingregistrywf.chart import checks
from pingregistrywf.chart.grammar import Grammar
from pingregistrywf.chart.mistakes import ChartError, Mistake, Report
from pingregistrywf.chart.vocabulary import Chart, Operations, Word
from pingregistrywf.chart.yaml_source import YamlSource, parse

__all__ = ["ChartError", "Mistake", "Model", "read_chart", "read_model", "read_operations"]

File: TypeAlias = str | os.PathLike[str]
W_co = TypeVar("W_co", bound=Word, covariant=True)


@dataclass(frozen=True, slots=True)
class Model:
    """Charts and operations that belong together, by name, in the order of their files."""

    charts: Mapping[str, Chart]
    operations: Mapping[str, Operations]


def read_chart(path: File) -> Chart:
    """Read a chart.

    Raises:
        ChartError: there are mistakes in it, or it cannot be read.
    """
    read = _chart(_Loaded(path))
    _refuse([read.report])
    return read.word


def read_operations(path: File, charts: Mapping[str, Chart]) -> Operations:
    """Read operations on some charts.

    Args:
        path: the file.
        charts: the charts that the operations may name, by name.

    Raises:
        ChartError: there are mistakes in it, or it cannot be read.
    """
    read = _operations(_Loaded(path))
    known = {name: checks.Known(chart) for name, chart in charts.items()}
    checks.check_operations(read.word, known, read.report)
    _refuse([read.report])
    return read.word


def read_model(paths: Sequence[File]) -> Model:
    """Read charts, and the operations on them.  A file with the key ``operations_of`` holds
    operations, any other a chart.

    Raises:
        ChartError: there are mistakes in them, or one cannot be read.
    """
    loaded = [_Loaded(path) for path in paths]
    charts = [_chart(each) for each in loaded if not each.has_operations]
    operations = [_operations(each) for each in loaded if each.has_operations]
    known = {read.word.chart: checks.Known(read.word, not read.report.holes) for read in charts}
    for read in operations:
        checks.check_operations(read.word, known, read.report)
    checks.check_together(
        [(read.word, read.report) for read in charts],
        [(read.word, read.report) for read in operations],
    )
    _refuse([each.report for each in loaded])
    return Model(
        {read.word.chart: read.word for read in charts},
        {read.word.operations_of: read.word for read in operations},
    )


@dataclass(frozen=True, slots=True)
class _Read(Generic[W_co]):
    word: W_co
    report: Report


class _Loaded:
    """A file, read as YAML."""

    def __init__(self, path: File) -> None:
        self.report = Report(os.fspath(path))
        self.source = YamlSource()
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self.report.spoil((), f"the file cannot be read: {why}", "check its path and its mode")
        else:
            self.source = parse(content, self.report)

    @property
    def has_operations(self) -> bool:
        data = self.source.data
        return isinstance(data, dict) and "operations_of" in data


def _chart(loaded: _Loaded) -> _Read[Chart]:
    chart = Grammar(loaded.source, loaded.report).read(Chart)
    checks.check_chart(chart, loaded.report)
    return _Read(chart, loaded.report)


def _operations(loaded: _Loaded) -> _Read[Operations]:
    return _Read(Grammar(loaded.source, loaded.report).read(Operations), loaded.report)


def _refuse(reports: Iterable[Report]) -> None:
    mistakes = [mistake for report in reports for mistake in report.mistakes]
    if mistakes:
        raise ChartError(mistakes)
