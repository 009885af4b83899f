"""The benchmarks still run: at their tiniest scale, where the figures say nothing."""

from __future__ import annotations

import pytest

from ..tools import require_package

pytestmark = pytest.mark.slow


def test_every_path_has_a_figure_and_the_table_shows_it() -> None:
    require_package("eventsourcing")
    require_package("transitions")
    from . import report
    from .__main__ import run
    from .measuring import TINY

    rows = run(TINY).rows
    lines = report.table(rows).splitlines()[1:]
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert line.startswith(row.path)
        assert row.ours.value > 0
        assert row.peer is None or row.peer.value > 0
        assert (row.goal is None) == (row.met is None)
