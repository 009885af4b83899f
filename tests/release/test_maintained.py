"""No dependency of the base is left alone by its authors, or the README says why it stays."""

from __future__ import annotations

import datetime
import subprocess

import pytest

from . import maintained
from .artefacts import ROOT
from .maintained import Releases

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_record_has_each_dependency_of_the_base() -> None:
    names = [each.name for each in maintained.recorded()]
    assert names == maintained.base(), "run python -m tests.release.maintained"


def test_what_had_no_release_is_explained() -> None:
    found = maintained.recorded()
    assert [*maintained.unexplained(found, README)] == []
    assert [each.name for each in found if each.is_stale] == ["pyrsistent"]


def test_what_is_not_explained() -> None:
    found = [Releases("typer", "0.1", "0.1"), Releases("rich", "2", "1")]
    (line,) = maintained.unexplained(found, README)
    assert line.startswith("typer had no release for 2 years: use another package, or let its row")


def test_what_uv_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command, **options):
        day = command[command.index("--exclude-newer") + 1]
        asked.append(day)
        version = "2.0" if day > "2027" else "1.0"
        lines = [f"{name.lower()}=={version}" for name in options["input"].split()]
        return subprocess.CompletedProcess(command, 0, "\n".join(lines), "")

    monkeypatch.setattr(maintained.subprocess, "run", run)
    day = datetime.date(2028, 2, 29)
    found = maintained.look(day)
    assert asked == ["2028-02-29", "2026-02-01"]
    assert found[0] == Releases("annotated-types", "2.0", "1.0")
    text = maintained.record(found, day)
    assert text.startswith("# As of 2028-02-29: ")
    assert "\nJinja2 2.0 1.0\n" in text
