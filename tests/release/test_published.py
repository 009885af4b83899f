"""Nothing that a release published goes away unannounced; each failure says what to do instead."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf.conformance.run import session
from pingregistrywf.service import stdio

from . import published
from .published import (
    LISTINGS,
    REMEDIES,
    announcement,
    complaint,
    gone,
    listed,
    lowered,
    ripe,
    unannounced,
)


def check(surface: str, directory: Path = LISTINGS) -> None:
    lines = gone(surface, directory)
    if lines:
        pytest.fail(complaint(surface, lines), pytrace=False)


def test_no_public_name_went_away() -> None:
    check("python")


def test_no_option_of_the_command_line_went_away() -> None:
    check("command_line")


def test_no_variable_of_the_environment_went_away() -> None:
    check("environment")


def test_no_extra_no_program_and_no_python_went_away() -> None:
    check("installation")


def test_no_number_on_the_wire_changed() -> None:
    check("wire")


def test_no_key_of_a_chart_went_away() -> None:
    check("schema")


def test_no_chart_means_something_else_under_the_same_version() -> None:
    check("charts")


def test_no_case_of_the_suite_lost_its_id() -> None:
    check("suite")


def test_nothing_of_the_adapter_protocol_went_away() -> None:
    check("protocol")


def test_no_version_went_down() -> None:
    lines = "\n".join(f"  {line}" for line in lowered())
    if lines:
        remedy = "Put back the published version, or give a greater one"
        pytest.fail(f"versions that went down:\n{lines}\n{remedy}", pytrace=False)


def test_new_cases_have_a_new_version() -> None:
    lines = unannounced()
    if lines:
        pytest.fail(announcement(lines), pytrace=False)


# --- The checks find what they are for ------------------------------------------------------------


LOST = [
    ("python", "pingregistrywf.to_dicts"),
    ("python", "pingregistrywf.Workflows.append_ping"),
    ("python", "pingregistrywf.Workflows.append_ping(message)"),
    ("python", "pingregistrywf.Workflows.append_ping(4) is message"),
    ("python", "pingregistrywf.Workflows.follow() needs id"),
    ("python", "pingregistrywf.Workflows(journal)"),
    ("python", "pingregistrywf.CmdAppendPing() needs code, message"),
    ("python", "pingregistrywf.VersionConflictError is a WorkflowError"),
    ("python", "pingregistrywf.StateCode.APPENDING = 2"),
    ("command_line", "pingregistrywf conform matrix"),
    ("command_line", "pingregistrywf conform --level"),
    ("command_line", "pingregistrywf chart --format mermaid"),
    ("command_line", "pingregistrywf begin --json is a flag"),
    ("command_line", "pingregistrywf begin takes REGISTRY, 1"),
    ("command_line", "pingregistrywf chart diff needs OLD, NEW"),
    ("command_line", "exit code 3: conform incomplete"),
    ("environment", "PINGREGISTRYWF_JOURNAL of pingregistrywf begin --journal"),
    ("environment", "PINGREGISTRYWF_SERVICE_TOKEN_FILE"),
    ("environment", "NATS_CREDS"),
    ("installation", "extra nats"),
    ("installation", "Python 3.11"),
    ("wire", "ping_registry WorkflowEvent.status_code = 74 int32"),
    ("wire", "ping_registry_service message GetRegistryPingsO"),
    ("wire", "ping_registry_service Registry.Events is unary-stream"),
    ("wire", "workflows package pingregistrywf.v1"),
    ("wire", "workflows message TellReply"),
    ("wire", "workflows TellRequest.vid = 5 bytes"),
    ("wire", "workflows TellRequest.vid may be absent"),
    ("schema", "model/chart.schema.json commands"),
    ("schema", "model/chart.schema.json errors may be left out"),
    ("schema", "generated/chart.schema.json version is always there"),
    ("schema", "generated/chart.schema.json version is string"),
    ("suite", "1-00342f79371798ad"),
    ("protocol", "request exec"),
    ("protocol", "answered exec"),
]


@pytest.mark.parametrize(("surface", "line"), LOST, ids=[line for _, line in LOST])
def test_what_goes_away_fails_its_check_and_the_line_says_what_to_do(
    surface: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, versioned = published.SURFACES[surface]
    there = {*make()}
    assert line in there
    left = there - {line}
    monkeypatch.setattr(published, "SURFACES", {surface: (lambda: iter(left), versioned)})
    with pytest.raises(pytest.fail.Exception) as failed:
        check(surface)
    said = str(failed.value)
    assert f"\n  {line}\n" in said
    assert f"\n{REMEDIES[surface]}" in said


@pytest.mark.parametrize(
    ("chart", "fine"),
    [("1.0.0 abc", True), ("1.0.0 def", False), ("1.0.1 def", True), ("0.9.0 def", False)],
)
def test_a_chart_that_means_something_else_has_a_greater_version(
    chart: str, fine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "charts.txt").write_text("# charts, version 0.2.0\nlamp 1.0.0 abc\n")
    now = (lambda: iter([f"lamp {chart}"]), lambda: "0.2.0")
    monkeypatch.setattr(published, "SURFACES", {"charts": now})
    assert gone("charts", tmp_path) == ([] if fine else ["lamp 1.0.0 abc"])


@pytest.mark.parametrize(
    ("now", "lines"),
    [("1.2.0", []), ("1.10.0", []), ("1.1.9", ["suite: 1.1.9 is lower than 1.2.0"])],
)
def test_a_version_does_not_go_down(
    now: str, lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite.txt").write_text("# suite, version 1.2.0\n1-a\n")
    monkeypatch.setattr(published, "SURFACES", {"suite": (lambda: iter(["1-a"]), lambda: now)})
    assert lowered(tmp_path) == lines


@pytest.mark.parametrize(
    ("now", "new"), [("1.2.0", ["1-b"]), ("1.2.1", ["1-b"]), ("1.3.0", []), ("2.0.0", [])]
)
def test_a_new_case_raises_the_minor_version(
    now: str, new: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite.txt").write_text("# suite, version 1.2.0\n1-a\n")
    there = (lambda: iter(["1-a", "1-b"]), lambda: now)
    monkeypatch.setattr(published, "SURFACES", {"suite": there})
    assert unannounced(tmp_path) == new
    assert announcement(["1-b"]).splitlines()[1] == "  1-b"


def test_both_sides_of_the_adapter_protocol_speak_the_same() -> None:
    page = (published.ROOT / "docs" / "reference" / "adapter-protocol.md").read_text("utf-8")
    spoken = {session.PROTOCOL, stdio.PROTOCOL}
    assert spoken == {int(re.findall(r"Adapter protocol (\d+)", page)[0])}, (
        "PROTOCOL in conformance/run/session.py and service/stdio.py and the page have one number: "
        "put back the published one, or raise all three"
    )


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


def test_the_listings_keep_what_is_gone_unless_they_are_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deprecated.txt").touch()
    (tmp_path / "python.txt").write_text("# python, version 0.2.0\np.Gone\np.Name\n")
    now = (lambda: iter(["p.Name", "p.New"]), lambda: "0.2.0")
    monkeypatch.setattr(published, "SURFACES", {"python": now})
    published.write(tmp_path)
    assert listed("python", tmp_path) == ("0.2.0", {"p.Gone", "p.Name", "p.New"})
    published.write(tmp_path, anew=True)
    assert listed("python", tmp_path) == ("0.2.0", {"p.Name", "p.New"})


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
