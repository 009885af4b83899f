"""A model says what is checked at which size; a part of it can be chosen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.formal.plan import Plan, PlanError, plan_of

from .conftest import FILES, lamps

PLAN = Plan(
    FILES,
    (
        lamps("small", "INVARIANT Bounded", "PROPERTY Grows"),
        lamps("small", "PROPERTY Rests"),
        lamps("large", "PROPERTY Rests", exhaustive=True),
    ),
)


def names(plan: Plan) -> list[tuple[str, list[str]]]:
    return [(each.size, list(each.properties)) for each in plan.checks]


def test_what_takes_long_is_left_out_unless_it_is_asked_for() -> None:
    small = [("small", ["Bounded", "Grows"]), ("small", ["Rests"])]
    large = [("large", ["Rests"])]
    assert names(PLAN.select()) == names(PLAN.select("small")) == small
    assert names(PLAN.select(exhaustive=True)) == small + large
    assert names(PLAN.select("large")) == large


def test_a_property() -> None:
    plan = PLAN.select(property="Grows")
    assert names(plan) == [("small", ["Grows"])]
    assert plan.checks[0].configuration.endswith("\nPROPERTY Grows\n")
    assert "Bounded" not in plan.checks[0].configuration
    assert names(PLAN.select(property="Rests", exhaustive=True)) == [
        ("small", ["Rests"]),
        ("large", ["Rests"]),
    ]


@pytest.mark.parametrize(
    ("size", "property", "text"),
    [
        ("huge", None, "there is no size 'huge' to check: there are small, large"),
        (None, "Nope", "there is no property 'Nope' to check: there are Bounded, Grows, Rests"),
        ("large", "Grows", "there is no property 'Grows' to check: there are Rests"),
    ],
)
def test_unknown_names(size: str | None, property: str | None, text: str) -> None:
    with pytest.raises(PlanError) as caught:
        PLAN.select(size, property)
    assert str(caught.value) == text


def test_the_plan_of_the_model() -> None:
    model = load_model()
    plan = plan_of(model)
    checked = {name for check in plan.checks for name in check.properties}
    assert checked == {name for each in model.properties.values() for name in each.properties}
    for check in plan.checks:
        assert f"{check.module}.tla" in plan.files
        assert plan.files[f"{check.name}.cfg"] == check.configuration


def test_a_model_without_a_system() -> None:
    model = replace(load_model(), systems={}, properties={})
    with pytest.raises(PlanError, match="the model has no properties of a system"):
        plan_of(model)
