"""The manifest of a suite: the id of every case, so that none can vanish unnoticed.

It is generated with the package of the chart and committed.  A change of it is a change of the
suite, and of the suite's version.
"""

from __future__ import annotations

from importlib.resources import files

from pingregistrywf.conformance.suite import VERSION, Suite

NAME = "suite.txt"
"""Its name in a generated package."""


def manifest(suite: Suite) -> str:
    """Return the manifest's text: a comment, then one id a line, sorted."""
    ids = sorted(case.id for case in suite.cases())
    head = f"# Generated from chart {suite.chart.name}: the cases of its suite, version {VERSION}."
    return "\n".join([head, *ids]) + "\n"


def committed_ids(suite: Suite) -> frozenset[str]:
    """Return the ids that this project has committed for the suite of its own charts."""
    place = files("pingregistrywf._generated") / suite.chart.name / NAME
    lines = place.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
