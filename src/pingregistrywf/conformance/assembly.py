"""The suite of a model or of its files, put together for the command line and for pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model
from pingregistrywf.conformance.suite import Suite


def suite_of(files: Sequence[Path] = ()) -> Suite:
    """Return the suite of some files; of this project's own if there are none.

    Raises:
        OSError: a file cannot be read, or none of them holds a chart.
        ChartError: there are mistakes in them.
    """
    return suite_of_model(load_model(files))


def suite_of_model(model: Model) -> Suite:
    """Return the suite of a model.  Requests need not name this project's own main chart."""
    return Suite(model, default_chart=load_model().main.name)
