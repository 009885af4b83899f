"""The suite in a team's own test run, by pytest's plugin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.slow

ADAPTER = f"{sys.executable} -m pingregistrywf adapter --journal memory:"
DEVIATING = Path(__file__).with_name("deviating.py")


def run(where: Path, *options: str, adapter: str = ADAPTER) -> subprocess.CompletedProcess[str]:
    (where / "test_own.py").write_text("def test_own():\n    pass\n")
    plugin = ["-p", "pingregistrywf.conformance", "--pingregistrywf-adapter", adapter]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *options],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_test_a_case_beside_the_teams_own(tmp_path: Path) -> None:
    ran = run(
        tmp_path, "-q", "--pingregistrywf-level=1", "--pingregistrywf-bound=n", "--junit-xml=r.xml"
    )
    assert ran.returncode == 0, ran.stdout
    assert "58 passed" in ran.stdout
    names = [case.get("name", "") for case in ET.parse(tmp_path / "r.xml").iter("testcase")]
    assert "test_own" in names
    assert sum(name.startswith("1-") for name in names) == 57


def test_grouped_by_rule_and_chosen_as_usual(tmp_path: Path) -> None:
    options = ("--pingregistrywf-level=1", "--pingregistrywf-bound=n", "-q", "--collect-only")
    ran = run(tmp_path, *options, "-k", "Commit.1")
    told = [line for line in ran.stdout.splitlines() if "::" in line]
    assert told
    assert all(line.startswith("ping_registry::Commit.1::1-") for line in told)


def test_what_is_not_claimed_is_skipped_with_a_reason(tmp_path: Path) -> None:
    ran = run(tmp_path, "-q", "-rs", "--pingregistrywf-level=6", "-k", "operation")
    assert "not claimed: crash" in ran.stdout


def test_a_deviation_is_told_as_what_to_act_on(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        "-q",
        "--pingregistrywf-level=1",
        "--pingregistrywf-bound=n",
        "-k",
        "Commit.2",
        adapter=f"{sys.executable} {DEVIATING}",
    )
    assert ran.returncode == 1
    assert "An interrupted commit can be run again." in ran.stdout
    assert "--replay" in ran.stdout
    assert "Traceback" not in ran.stdout


def test_without_an_adapter_nothing_is_added(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "pingregistrywf.conformance"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in ran.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pingregistrywf-level=9",), "levels are written as 1-3"),
        (("--pingregistrywf-model=none.yaml",), "none.yaml"),
        (("--pingregistrywf-bound=n+3",), "run pingregistrywf conform --bound n+3 beside it"),
    ],
)
def test_bad_options_are_one_error(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    ran = run(tmp_path, *options)
    assert ran.returncode == 4
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
