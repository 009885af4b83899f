"""The suite of a model or of its files, and its manifest: the id of every case.

The manifest is generated with the package of the chart and committed, so that no case can vanish
unnoticed.  A change of it is a change of the suite, and of the suite's version.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model
from pingregistrywf.conformance.suite import VERSION, Suite

MANIFEST_NAME = "suite.txt"
"""The name of the manifest in a generated package."""


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


def manifest(suite: Suite) -> str:
    """Return the manifest's text: a comment, then one id a line, sorted."""
    ids = sorted(case.id for case in suite.cases())
    head = f"# Generated from chart {suite.chart.name}: the cases of its suite, version {VERSION}."
    return "\n".join([head, *ids]) + "\n"


def committed_ids(suite: Suite) -> frozenset[str]:
    """Return the ids that this project has committed for the suite of its own charts."""
    place = resources.files("pingregistrywf._generated") / suite.chart.name / MANIFEST_NAME
    lines = place.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
