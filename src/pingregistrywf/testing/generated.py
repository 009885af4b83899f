"""Generated packages as tests see them: the package of a class, and the document of its chart."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.runtime.facade import Facade

FacadeClass: TypeAlias = type[Facade[Any, Any, Any]]


def package_of(part: type) -> ModuleType:
    """Return the package that a class was generated in: a facade, a command or an event."""
    return import_module(part.__module__.rpartition(".")[0])


def chart_of(facade: FacadeClass) -> Chart:
    """Return the lowered chart of a facade, from the ``chart.json`` of its package."""
    return chart_in(package_of(facade))


@cache
def chart_in(package: ModuleType) -> Chart:
    """Return the lowered chart of a package."""
    document = Path(str(package.__file__)).with_name("chart.json")
    return Chart.model_validate_json(document.read_text(encoding="utf-8"))
