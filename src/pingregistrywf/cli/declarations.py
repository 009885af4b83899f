"""The charts that a command knows: this project's own, and those that its user names.

A chart is named by its YAML file, or by the directory of its generated package.  Packages are
imported under private names, so that two versions of one can be loaded side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from pingregistrywf.cli.common import CannotRunError, answering

if TYPE_CHECKING:
    from pingregistrywf.chart.ir import Model
    from pingregistrywf.runtime.declaration import Declaration

_NUMBERS: Final = count(1)


def declarations(model: Sequence[Path] | None = None) -> Mapping[str, Declaration]:
    """Return the charts that are known, by their names and the earlier names that they had.

    Args:
        model: charts of others: YAML files, and directories of generated packages.  One that has
            the name of a chart of this project takes its place.

    Raises:
        CannotRunError: a directory holds no generated package, or one that cannot be imported.
    """
    from pingregistrywf._generated import ping_registry, ping_registry_index

    packages: list[ModuleType] = [ping_registry, ping_registry_index]
    files = []
    for path in model or ():
        if path.is_dir():
            packages += map(_import, _packages_in(path))
        else:
            files.append(path)
    declared = [each.DECLARATION for each in (*packages, *_made_of(files))]
    earlier = {each.was: each for each in declared if each.was}
    return earlier | {each.name: each for each in declared}


def imported_model(files: Sequence[Path]) -> tuple[Model, Mapping[str, ModuleType]]:
    """Return the model in some files, and the packages that are generated from it, imported."""
    from pingregistrywf.chart.locate import load_model
    from pingregistrywf.chart.mistakes import ChartError
    from pingregistrywf.generate.imported import imported

    with answering(ChartError):
        model = load_model(files)
        return model, imported(model)


def _made_of(files: Sequence[Path]) -> Iterator[ModuleType]:
    """Generate and import the packages of the charts in some files."""
    if files:
        model, packages = imported_model(files)
        yield from (packages[name] for name in model.charts)


def _packages_in(directory: Path) -> Sequence[Path]:
    """Return the directory, if it is a generated package, or else those that it holds."""
    if (directory / "chart.json").is_file():
        return [directory]
    found = [each.parent for each in sorted(directory.glob("*/chart.json"))]
    if not found:
        raise CannotRunError(
            f"--model: there is no generated package in {str(directory)!r}: name a directory that"
            " `generate` wrote, or the files of the charts"
        )
    return found


def _import(directory: Path) -> ModuleType:
    name = f"_pingregistrywf_package_{next(_NUMBERS)}"
    spec = spec_from_file_location(
        name, directory / "__init__.py", submodule_search_locations=[str(directory)]
    )
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 (it is a .py file)
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CannotRunError(
            f"--model: the package {str(directory)!r} cannot be imported:"
            f" {type(error).__name__}: {error}; generate it again with this version"
        ) from error
    return module
