"""Reads charts and operations from YAML files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pingregistrywf.chart.vocabulary import Chart, Operations


@dataclass(frozen=True, slots=True)
class Model:
    """Charts and operations that belong together, by name, in the order of their files."""

    charts: Mapping[str, Chart]
    operations: Mapping[str, Operations]


class ChartError(Exception):
    """There are mistakes in charts or operations."""


def read_model(paths: Sequence[Path]) -> Model:
    """Read the charts and operations of some files."""
    charts: dict[str, Chart] = {}
    operations: dict[str, Operations] = {}
    for path in paths:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "operations_of" in data:
            operations[data["operations_of"]] = Operations.model_validate(data)
        else:
            charts[data["chart"]] = Chart.model_validate(data)
    return Model(charts, operations)
