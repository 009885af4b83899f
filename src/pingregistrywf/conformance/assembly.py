"""The suite of a model's files, put together for the command line and for pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.reader import Model
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.operations import Site


def suite_of(files: Sequence[Path] = ()) -> Suite:
    """Return the suite of some charts; of this project's own if there are no files.

    Raises:
        OSError: a file cannot be read, or none of them holds a chart.
        ChartError: there are mistakes in them.
    """
    model = load_model(files)
    return Suite(model, None if files else site_of(model))


def site_of(model: Model) -> Site:
    """Return how this project's own operations name histories."""
    from pingregistrywf.coordination.registry import INDEX_PREFIX, NAMESPACE, REGISTRY_PREFIX

    (operations,) = model.operations.values()
    begun = ("begin", "AppendPing")
    return Site(
        operations=operations,
        place="registry",
        namespace=str(NAMESPACE),
        derived={"registry_id": REGISTRY_PREFIX, "index_id": INDEX_PREFIX},
        given={"workflow_id": "workflow"},
        plan=(
            ("begin", (), ("AppendPing",)),
            ("commit", (*begun, "PostSummary"), ()),
            ("expire", begun, ()),
            ("delete", (*begun, "expire"), ()),
            ("snapshot", begun, ()),
        ),
    )
