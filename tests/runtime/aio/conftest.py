"""The tests of the blocking run time run here, too, on its asynchronous counterpart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pingregistrywf.aio import AsyncOperations, AsyncWorkflowIndexes, AsyncWorkflows
from pingregistrywf.testing.clock import TurnedClock

from ...tiers import some
from ..conftest import Open, opener
from .bridge import Loop

COUNTERPARTS = {
    "Operations": AsyncOperations,
    "WorkflowIndexes": AsyncWorkflowIndexes,
    "Workflows": AsyncWorkflows,
}


@pytest.fixture(params=some(["memory", "sqlite"], 2))
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: TurnedClock) -> Iterator[Open]:
    """Opens the test's journal; one of each kind is for the exhaustive tests."""
    with opener(request.param, tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def on_asyncio(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, loop: Loop) -> None:
    """The facades that the tests of the module ``blocking`` make are asynchronous ones."""
    patched = [name for name in COUNTERPARTS if hasattr(request.module.blocking, name)]
    assert patched
    for name in patched:
        monkeypatch.setattr(request.module.blocking, name, loop.bridged(COUNTERPARTS[name]))
