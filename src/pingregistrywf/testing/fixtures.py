"""Fixtures for your own tests: a journal in memory, a clock that stands still, ids in order.

They are there for whoever asks for them, in ``conftest.py``::

    pytest_plugins = ["pingregistrywf.testing.fixtures"]
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from pingregistrywf.runtime.ids import Clock, IdSource, UlidSource
from pingregistrywf.runtime.journal import Journal, open_journal
from pingregistrywf.testing.clock import TurnedClock


@pytest.fixture
def clock() -> TurnedClock:
    """The journal's clock.  It stands still until ``clock.turn(days=1)``."""
    return TurnedClock()


@pytest.fixture
def ids(clock: Clock) -> IdSource:
    """A source of ids that are the same in every run of the test."""
    return UlidSource(clock, random.Random(0).randbytes)


@pytest.fixture
def journal(clock: Clock) -> Iterator[Journal]:
    """An empty journal in memory."""
    with open_journal("memory:", clock=clock) as opened:
        yield opened
