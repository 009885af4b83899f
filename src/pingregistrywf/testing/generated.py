"""Generated packages as tests see them: the classes, and the chart as its document has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.runtime.facade import Facade

FacadeClass: TypeAlias = type[Facade[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Generated:
    """A generated package.

    Attributes:
        package: the package.
        chart: its lowered chart, read from its ``chart.json``.
    """

    package: ModuleType
    chart: Chart

    def __getitem__(self, name: str) -> Any:
        """The class of a command, of an event or of an error, or another part of the package."""
        return getattr(self.package, name)


def package_of(part: type) -> ModuleType:
    """Return the package that a class was generated in: a facade, a command or an event."""
    return import_module(part.__module__.rpartition(".")[0])


def generated_of(facade: FacadeClass) -> Generated:
    """Return the package of a facade."""
    return _read(package_of(facade))


@cache
def _read(package: ModuleType) -> Generated:
    document = Path(str(package.__file__)).with_name("chart.json")
    return Generated(package, Chart.model_validate_json(document.read_text(encoding="utf-8")))
