"""The manifest of a suite: every case's id, written down, so that none can vanish unseen.

It is generated with the package of the chart and committed; a change of it is a change of the
suite, and says which version that needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from pingregistrywf.conformance.suite import VERSION, Suite

NAME = "suite.txt"
"""Its name in a generated package."""


def manifest(suite: Suite) -> str:
    """The manifest's text: a comment, and an id a line, sorted."""
    ids = sorted(case.id for case in suite.cases())
    head = f"# Generated from chart {suite.chart.name}: the cases of its suite, version {VERSION}."
    return "\n".join([head, *ids]) + "\n"


def ids_of(lines: Iterable[str]) -> frozenset[str]:
    """The ids that a manifest lists."""
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
