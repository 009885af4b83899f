"""The explorer's page: what it weighs, what is in it, and that it is made for any model."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from pingregistrywf import explorer
from pingregistrywf.chart.ir import Model
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.lower import read_model

OTHERS = Path(__file__).parents[1] / "other_workflow"
MOST_BYTES = 60_000


@pytest.fixture(scope="module")
def page() -> str:
    return explorer.page(load_model())


def test_the_page_weighs_little(page: str) -> None:
    assert len(gzip.compress(page.encode())) < MOST_BYTES


def test_the_page_is_the_same_each_time(page: str) -> None:
    assert explorer.page(load_model()) == page


def test_write_makes_the_directory(tmp_path: Path, page: str) -> None:
    (written,) = explorer.write(load_model(), tmp_path / "some" / "place")
    assert written == tmp_path / "some" / "place" / "index.html"
    assert written.read_text(encoding="utf-8") == page


def test_nothing_is_left_to_fill_in_and_nothing_is_loaded(page: str) -> None:
    assert not re.search(r"{{ \w+ }}", page)
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert not re.search(
        r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|^import ", page, re.MULTILINE
    )


def test_the_scripts_name_nothing_of_any_chart() -> None:
    """No rule of a workflow is written in JavaScript: not even a name of one is."""
    own = load_model()
    names = {name for chart in own.charts.values() for name in (chart.name, *chart.carried)}
    sets = own.operations.values()
    names |= {name for each in sets for run in each.operations.values() for name in run.arguments}
    for model in (own, read_model([*OTHERS.glob("*.yaml")])):
        for chart in model.charts.values():
            names |= {*chart.states, *chart.events, *chart.commands}
    names -= {"code", "message"}  # of an error, as the adapter protocol has them
    names -= {"summary"}  # an element of HTML
    code = explorer.script()
    assert not {name for name in names if re.search(rf"\b{name}\b", code)}


def test_every_script_is_in_the_page_once() -> None:
    package = Path(explorer.__file__).parent
    assert {each.name for each in package.iterdir() if each.suffix != ".py"} - {
        "__pycache__"
    } == set(explorer.ASSETS)
    code = explorer.script().splitlines()
    for name in explorer.SCRIPTS:
        text = (package / name).read_text(encoding="utf-8")
        begin = re.search(r"^(?:export )?((?:class|const|function) .*)", text, re.MULTILINE)
        assert begin
        assert code.count(begin[1]) == 1


def test_the_page_has_the_scripts_code_without_their_comments() -> None:
    package = Path(explorer.__file__).parent
    code = explorer.script()
    assert not re.search(r"^\s*(//|/?\*)", code, re.MULTILINE)
    texts = [
        each
        for name in explorer.SCRIPTS
        for each in re.findall(r"`[^`]*`", (package / name).read_text(encoding="utf-8"))
        if "\n" in each
    ]
    assert texts
    assert all(each in code for each in texts)


def test_a_chart_cannot_end_the_element_that_holds_it() -> None:
    chart = next(iter(load_model().charts.values()))
    title = "</script><script>alert(1)</script>"
    changed = chart.model_copy(update={"title": title, "doc": title})
    made = explorer.page(Model({"x": changed}, {}, {}, {}, {}, {}, {}))
    assert "<script>alert" not in made
    held = re.search(r'<script type="application/json" id="model">(.*?)</script>', made, re.DOTALL)
    assert held
    assert json.loads(held[1])["charts"][0]["title"] == title


def test_an_explorer_needs_a_chart() -> None:
    with pytest.raises(ValueError, match="no chart"):
        explorer.page(Model({}, {}, {}, {}, {}, {}, {}))
