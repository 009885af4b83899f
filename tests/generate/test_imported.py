"""Packages that are generated and imported on the spot."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from pingregistrywf.chart.locate import load_model
from pingregistrywf.generate.imported import imported

OTHERS = Path(__file__).parents[1] / "other_workflow"


def test_every_chart_is_imported_and_nothing_is_left_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = list(sys.path)
    packages = imported(load_model([OTHERS / "leases.yaml", OTHERS / "split_repo.yaml"]))
    assert list(packages) == ["leases", "split_repo"]
    for name, package in packages.items():
        assert package.Behavior.declaration.name == name
        assert package.Event.codec.encode(next(iter(package.DECLARATION.by_event))())
    assert list(tmp_path.iterdir()) == []
    assert sys.path == before


def test_a_chart_that_is_imported_again_has_a_package_of_its_own() -> None:
    model = load_model([OTHERS / "leases.yaml"])
    one, other = imported(model)["leases"], imported(model)["leases"]
    assert one.DECLARATION is not other.DECLARATION
    assert one.DECLARATION.sha256 == other.DECLARATION.sha256
