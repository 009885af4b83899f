"""What the tests promise of themselves: who runs where."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_runs_in_one_worker(request: pytest.FixtureRequest) -> None:
    """Its fixtures are made once.  pytest-xdist reads the group off the end of a test's id."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("there are no workers")
    assert request.node.nodeid.endswith("@together")
