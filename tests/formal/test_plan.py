"""A directory of modules and configurations is a plan; a part of it can be chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf.formal.plan import PlanError, Property, Section, read_plan

SAFE = """\
\\* Small, but with an INVARIANT that matters.
SPECIFICATION Spec
CONSTANTS
    Lamps = {a}
INVARIANT Bounded
PROPERTY Grows
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in {
        "Small.cfg": SAFE,
        "SmallRests.cfg": "SPECIFICATION Fair\nPROPERTY Rests\n",
        "Top.tla": "---- MODULE Top ----\nEXTENDS Middle, Naturals\n====\n",
        "Middle.tla": "---- MODULE Middle ----\nOf(x) == INSTANCE Bottom WITH y <- x\n====\n",
        "Bottom.tla": "---- MODULE Bottom ----\n====\n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_configuration_is_a_check_of_the_module_that_no_other_one_uses(
    directory: Path,
) -> None:
    safe, live = read_plan(directory).checks
    assert (safe.size, safe.module) == (live.size, live.module) == ("Small", "Top")
    assert safe.properties == (
        Property("Bounded", Section.INVARIANT),
        Property("Grows", Section.PROPERTY),
    )
    assert [each.name for each in live.properties] == ["Rests"]
    assert safe.text == SAFE


def test_a_property_at_a_size(directory: Path) -> None:
    plan = read_plan(directory)
    (check,) = plan.select("Small", "Grows").checks
    assert check.text.endswith("Lamps = {a}\nPROPERTY Grows\n")
    assert plan.select("Small") == plan
    assert plan.select() == plan


@pytest.mark.parametrize(
    ("size", "property", "text"),
    [
        ("Large", None, "the model has no size 'Large': it has Small"),
        (None, "Nope", "the model has no property 'Nope': it has Bounded, Grows, Rests"),
    ],
)
def test_unknown_names(directory: Path, size: str | None, property: str | None, text: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(directory).select(size, property)
    assert str(caught.value) == text


def test_two_modules_to_check(directory: Path) -> None:
    (directory / "Other.tla").write_text("---- MODULE Other ----\n====\n")
    with pytest.raises(PlanError, match="used by no other one, not Other, Top"):
        read_plan(directory)


def test_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no "):
        read_plan(tmp_path)
