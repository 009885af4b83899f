"""The fixtures are there for whoever asks for them, and for nobody else; the page's tests pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..snippets import python_snippets

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing.md"
pytest_plugins = ["pytester"]

TEST = """
from uuid import UUID

from pingregistrywf import CmdInit, Workflows


def test_ids_and_times(journal, clock, ids):
    workflows = Workflows(journal, ids=ids)
    vid = workflows.init(UUID(int=1), CmdInit(registry_id=UUID(int=2)))
    assert str(vid) == "01HF7YAT00" + str(vid)[10:]
    (event,) = workflows.events(UUID(int=1))
    assert event.time.timestamp() == clock.now
    clock.turn(days=1)
    assert journal.clock() == clock.now
    with open("vids", "a") as vids:
        print(vid, file=vids)
"""


def test_on_demand(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["pingregistrywf.testing.fixtures"]')
    pytester.makepyfile(TEST)
    for _ in range(2):
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    first, second = Path("vids").read_text(encoding="utf-8").splitlines()
    assert first == second


def test_not_unasked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(errors=1)


def test_the_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("\n".join(python_snippets(PAGE.read_text(encoding="utf-8"))))
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=5)
