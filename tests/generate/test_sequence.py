"""Sequence diagrams show every declared step, refer to nothing outside, and are legible."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.generate.lettering import width
from pingregistrywf.generate.sequence import remarks, sequence

from .test_diagrams import SVG, Rectangle

MODEL = load_model()
(OPERATIONS,) = MODEL.operations.values()


@pytest.fixture(params=OPERATIONS.operations)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def drawn(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(sequence(OPERATIONS.operations[name], MODEL.charts))


def numbers(element: ElementTree.Element, *names: str) -> tuple[float, ...]:
    return tuple(float(element.attrib[name]) for name in names)


def test_each_step_is_an_arrow_to_its_history_and_back(name: str) -> None:
    root = drawn(name)
    columns = {}
    for group in root.iter(f"{SVG}g"):
        if group.get("class") == "participant":
            title, *history = group.iter(f"{SVG}text")
            columns["".join(text.text or "" for text in history)] = float(title.attrib["x"])
    steps = [group for group in root.iter(f"{SVG}g") if "data-step" in group.attrib]
    declared = OPERATIONS.operations[name].steps
    assert [group.attrib["data-command"] for group in steps] == [s.command for s in declared]
    for number, (step, group) in enumerate(zip(declared, steps, strict=True), start=1):
        there, back = (numbers(line, "x1", "x2") for line in group.iter(f"{SVG}line"))
        assert there[0] == columns[""] == pytest.approx(back[1], abs=8.1)
        assert back[0] == columns[step.history] == pytest.approx(there[1], abs=8.1)
        assert step.doc == next(group.iter(f"{SVG}title")).text
        texts = [text.text for text in group.iter(f"{SVG}text")]
        assert texts[1:-1] == remarks(OPERATIONS.operations[name], number, MODEL.charts)


def test_remarks_on_a_step() -> None:
    def of(name: str, step: int) -> list[str]:
        return remarks(OPERATIONS.operations[name], step, MODEL.charts)

    history = "sees only the history that was listed before step 1"
    assert of("commit", 1) == [history, "expects the vid that was given; if none was, tries again"]
    assert of("commit", 2) == [
        "with workflow_id, workflow_event_id = vid of step 1",
        "sees only the entry that was listed before step 1",
        "expects no version, and tries again when it loses a race",
    ]
    assert of("commit", 3) == ["expects the vid of step 1"]
    assert of("begin", 1) == ["with registry_id", "begins the history"]
    assert of("begin", 2)[-1] == (
        "expects the vid that was given; if none was, that the entry is as before step 1"
    )
    assert of("snapshot", 1)[0] == "with if_storage_reduction = true"
    assert of("snapshot", 1)[-1] == "refused: that is no failure"


def test_no_text_meets_a_text_or_a_line_or_leaves_the_paper(name: str) -> None:
    root = drawn(name)
    sizes = {"name": (14, True), "command": (12, True)}
    texts = []
    for text in root.iter(f"{SVG}text"):
        size, bold = sizes.get(text.get("class", ""), (11, False))
        wide = width(text.text or "", size, bold=bold)
        x, y = numbers(text, "x", "y")
        left = x - wide / 2 if text.get("class") in ("name", "history") else x
        texts.append(
            Rectangle(text.text or "", left, y - 0.73 * size, left + wide, y + 0.22 * size)
        )
    assert [(a.what, b.what) for a, b in combinations(texts, 2) if a.meets(b)] == []
    for line in root.iter(f"{SVG}line"):
        x1, y1, x2, y2 = numbers(line, "x1", "y1", "x2", "y2")
        what = Rectangle("line", min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        assert [text.what for text in texts if text.meets(what)] == []
    left, top, wide, high = map(float, root.attrib["viewBox"].split())
    paper = Rectangle("paper", left, top, left + wide, top + high)
    assert [text.what for text in texts if not text.within(paper)] == []


def test_it_stands_alone_and_beside_others(name: str) -> None:
    root = drawn(name)
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert root.attrib["aria-labelledby"].split() == ids
    assert all(each.startswith(f"{name}-") for each in ids)
    text = sequence(OPERATIONS.operations[name], MODEL.charts)
    assert text.count("http") == 1
    assert "@media (prefers-color-scheme: dark)" in text
