"""A clock that tests turn, and every kind of journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings

from pingregistrywf import Journal, UlidSource, open_journal
from pingregistrywf.testing.journal import TurnedClock

from ..tiers import EXHAUSTIVE
from .observed import Observed

settings.register_profile(
    "of the run time",
    settings.get_profile("reproducible"),
    max_examples=1000 if EXHAUSTIVE else 100,
)
settings.load_profile("of the run time")

Open = Callable[[], Journal]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def ids(clock: TurnedClock) -> UlidSource:
    return UlidSource(clock)


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: TurnedClock) -> Iterator[Open]:
    """Opens the test's journal, again and again as other processes would."""
    with opener(request.param, tmp_path, clock) as opened:
        yield opened


@contextmanager
def opener(kind: str, directory: Path, clock: TurnedClock) -> Iterator[Open]:
    """Give what opens a journal of a kind again and again; close them all in the end."""
    journals: list[Journal] = []

    def open_it() -> Journal:
        if kind == "memory" and journals:
            return journals[0]
        url = "memory:" if kind == "memory" else f"sqlite:{directory / 'pings.db'}"
        journals.append(open_journal(url, clock=clock))
        return journals[-1]

    yield open_it
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Open) -> Journal:
    return opened()


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> type[Observed]:
    """The connections that are made from now on."""
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Observed))
    monkeypatch.setattr(Observed, "executed", [])
    monkeypatch.setattr(Observed, "fail_with", None)
    return Observed
