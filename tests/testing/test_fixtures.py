"""The fixtures are there for whoever asks for them, and for nobody else; the page's tests pass."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate import artefacts

from ..snippets import python_snippets

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE, CHARTS = HOW_TO / "testing.md", HOW_TO / "chart.md"
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


@pytest.fixture
def parcels(pytester: pytest.Pytester) -> Iterator[None]:
    """The package of the parcels, generated from the page on charts."""
    text = CHARTS.read_text(encoding="utf-8")
    chart = re.search(r"^```yaml\n(chart: parcel\n.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert chart
    (pytester.path / "parcel.yaml").write_text(chart[1], encoding="utf-8")
    model = read_model([pytester.path / "parcel.yaml"])
    artefacts.write(artefacts.theirs(model), pytester.path / "workflows")
    pytester.syspathinsert()
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "workflows"]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.usefixtures("parcels")
def test_the_page(pytester: pytest.Pytester) -> None:
    """Its tests pass, and reach every cell of the parcels."""
    snippets = python_snippets(PAGE.read_text(encoding="utf-8"))
    conftest = snippets.pop()
    assert conftest.startswith("pytest_plugins")
    pytester.makeconftest(conftest)
    pytester.makepyfile("\n".join(snippets))
    options = ("--cells-of=workflows.parcel", "--cells-minimum=100")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)
    result.assert_outcomes(passed=8)
    assert result.ret == pytest.ExitCode.OK
