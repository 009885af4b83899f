"""The packages of a model, generated and imported on the spot, with nothing left on the disk."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final

from pingregistrywf.chart.ir import Model
from pingregistrywf.generate import artefacts

_NUMBERS: Final = count(1)


def imported(model: Model) -> Mapping[str, ModuleType]:
    """Return the packages of a model by name, privately imported.

    Raises:
        OSError: they cannot be written to a temporary directory.
    """
    name = f"_pingregistrywf_imported_{next(_NUMBERS)}"
    with TemporaryDirectory(prefix="pingregistrywf-") as directory:
        artefacts.write(artefacts.package(model), Path(directory) / name)
        sys.path.insert(0, directory)
        importlib.invalidate_caches()
        try:
            parts = (*model.charts, *model.operations, *model.services)
            return {part: importlib.import_module(f"{name}.{part}") for part in parts}
        finally:
            sys.path.remove(directory)
