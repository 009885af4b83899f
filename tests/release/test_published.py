"""Nothing that a release published goes away unannounced; each failure says what to do instead."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import published
from .published import LISTINGS, gone, listed, ripe

LIST_ANEW = "If no release had it, write the listing anew: python -m tests.release.published"

REMEDIES = {
    "python": (
        "Bring the name back, and let it warn with a DeprecationWarning for one minor version that "
        "names what to use; write both into tests/release/published/deprecated.txt"
    ),
    "command_line": (
        "Bring the command or option back, and let it warn for one minor version; write it into "
        "tests/release/published/deprecated.txt"
    ),
    "wire": (
        "Bring the number and its type back: stored histories have them. What is new gets a number "
        "of its own, and a retired event stays with its number (docs/how-to/changing-a-chart.md)"
    ),
    "schema": (
        "Bring the key back: others' charts and programs have it. To retire it, write it into "
        "tests/release/published/deprecated.txt, and say so in the changelog"
    ),
    "suite": (
        "Bring the case back under its id: others' reports and lists of known failures name it. "
        "Else raise the major number of VERSION in conformance/suite/__init__.py"
    ),
    "protocol": (
        "Bring it back: adapters in other languages answer it. Else raise PROTOCOL in "
        "conformance/run/session.py and service/stdio.py, and the page's number"
    ),
}


def complaint(surface: str, lines: list[str]) -> str:
    """What a failed check says: what is gone, and what to do instead."""
    names = "\n".join(f"  {line}" for line in lines[:20])
    return f"published, and gone:\n{names}\n{REMEDIES[surface]}. {LIST_ANEW}"


def check(surface: str, directory: Path = LISTINGS) -> None:
    lines = gone(surface, directory)
    if lines:
        pytest.fail(complaint(surface, lines), pytrace=False)


def test_no_public_name_went_away() -> None:
    check("python")


def test_no_option_of_the_command_line_went_away() -> None:
    check("command_line")


def test_no_number_on_the_wire_changed() -> None:
    check("wire")


def test_no_key_of_a_chart_went_away() -> None:
    check("schema")


def test_no_case_of_the_suite_lost_its_id() -> None:
    check("suite")


def test_nothing_of_the_adapter_protocol_went_away() -> None:
    check("protocol")


# --- The checks find what they are for ------------------------------------------------------------


LOST = {
    "python": "pingregistrywf.Workflows.append_ping(message)",
    "command_line": "pingregistrywf conform --level",
    "wire": "ping_registry WorkflowEvent.status_code = 74 int32",
    "schema": "model/chart.schema.json commands",
    "suite": "1-00342f79371798ad",
    "protocol": "request exec",
}


@pytest.mark.parametrize("surface", LOST)
def test_what_goes_away_fails_its_check_and_the_line_says_what_to_do(
    surface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, versioned = published.SURFACES[surface]
    left = {*make()} - {LOST[surface]}
    assert LOST[surface] not in left
    monkeypatch.setattr(published, "SURFACES", {surface: (lambda: iter(left), versioned)})
    with pytest.raises(pytest.fail.Exception) as failed:
        check(surface)
    said = str(failed.value)
    assert f"\n  {LOST[surface]}\n" in said
    assert f"\n{REMEDIES[surface]}" in said


@pytest.mark.parametrize(
    ("surface", "now"), [("suite", "2.0.0"), ("protocol", "2")], ids=["suite", "protocol"]
)
def test_another_major_version_may_drop_it(
    surface: str, now: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "SURFACES", {surface: (lambda: iter(()), lambda: now)})
    check(surface)


def test_a_deprecated_name_goes_in_the_next_minor_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "published"
    directory.mkdir()
    (directory / "python.txt").write_text("# python, version 0.2.0\np.Old\np.Old.part\np.Older\n")
    (directory / "deprecated.txt").write_text("p.Old | 0.2.3 | p.New\n")

    def at(version: str) -> list[str]:
        surface = (lambda: iter(()), lambda: version)
        monkeypatch.setattr(published, "SURFACES", {"python": surface})
        return gone("python", directory)

    assert at("0.2.4") == ["p.Old", "p.Old.part", "p.Older"]
    assert at("0.3.0") == ["p.Older"]
    assert ripe("0.2.9", directory) == []


def test_a_deprecated_name_still_warns() -> None:
    """A name is deprecated in the listing and in the program, or in neither."""
    lines = published.DEPRECATED.read_text(encoding="utf-8").splitlines()
    for line in lines:
        name, _, remedy = (each.strip() for each in (*line.split("|"), "", "")[:3])
        if name.startswith("#") or not name.startswith("pingregistrywf."):
            continue
        module, _, attribute = name.rpartition(".")
        with pytest.warns(DeprecationWarning, match=remedy.rpartition(".")[2]):
            getattr(importlib.import_module(module), attribute)


def test_the_listings_are_written_as_they_are_read(tmp_path: Path) -> None:
    published.write(tmp_path)
    for surface, (make, versioned) in published.SURFACES.items():
        assert listed(surface, tmp_path) == (versioned(), {*make()})


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A copy of the source tree that a test may break."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("src", "model", "docs/reference", "tests/release"):
        shutil.copytree(published.ROOT / name, tmp_path / name, ignore=ignore)
    return tmp_path


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_name_that_is_removed_from_the_source_fails_the_check(broken: Path) -> None:
    init = broken / "src" / "pingregistrywf" / "__init__.py"
    text = init.read_text(encoding="utf-8")
    init.write_text(text.replace('    "to_dicts",\n', ""), encoding="utf-8")
    program = "from tests.release.published import gone; print(*gone('python'), sep='\\n')"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=broken,
        env={"PYTHONPATH": f"{broken}/src:{broken}"},
        capture_output=True,
        text=True,
    )
    assert "pingregistrywf.to_dicts" in run.stdout.splitlines(), run.stderr
