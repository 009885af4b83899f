"""The project's own model has all of its properties, at every size."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from pingregistrywf.chart.locate import load_model

from ..command_line import run

MODEL = load_model()
((SYSTEM, PROPERTIES),) = MODEL.properties.items()
KINDS = {"safety", "liveness"}
SIZES = {
    name: size
    for name, size in MODEL.systems[SYSTEM].sizes.items()
    if not KINDS.isdisjoint(size.checks)
}


LARGEST = ("two_workflows_and_a_crash", "two_workflows_and_snapshots")
"""The sizes that take minutes; ``make soak`` checks them."""


def sizes() -> Iterator[Any]:
    for name in SIZES:
        marks = [pytest.mark.soak(only=True)] if name in LARGEST else []
        yield pytest.param(name, marks=marks)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.usefixtures("toolchain")
@pytest.mark.parametrize("size", list(sizes()))
def test_every_property_holds(size: str) -> None:
    done = run("verify", "--json", "--size", size)
    assert done.returncode == 0, done.stdout + done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    asked = SIZES[size].checks
    expected = {
        name
        for name, each in PROPERTIES.properties.items()
        if ("liveness" if each.kind == "liveness" else "safety") in asked
    }
    assert {each["property"] for each in results if each["holds"]} == expected


def test_each_kind_of_property_is_checked_every_time() -> None:
    everyday = [size.checks for size in SIZES.values() if not size.exhaustive]
    assert {kind for kinds in everyday for kind in kinds} >= KINDS
