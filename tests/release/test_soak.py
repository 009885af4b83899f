"""What takes the network and many minutes: other Pythons, and other versions of what is needed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ..tools import require_release, require_tool
from . import lowest
from .artefacts import PROJECT, ROOT
from .lowest import check_floors
from .matrix import (
    DEBIANS,
    ELSEWHERE,
    NOWHERE,
    TABLE,
    Row,
    apt_sources,
    last_line,
    mirror,
    python_here,
    seen,
    stay,
    table,
)

pytestmark = pytest.mark.xdist_group("release")


@pytest.mark.soak(only=True)
@pytest.mark.parametrize("version", ["lowest", "newest"])
def test_the_fast_tests_pass_with_these_versions(version: str) -> None:
    require_release("uv")
    words = ["--newest"] if version == "newest" else []
    run = subprocess.run(
        [sys.executable, "-m", "tests.release.lowest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]


@pytest.mark.soak(only=True)
def test_every_python_is_green() -> None:
    require_tool("debootstrap")
    if os.geteuid() != 0:
        pytest.skip("make matrix needs root")
    run = subprocess.run(
        [sys.executable, "-m", "tests.release.matrix"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    print(TABLE.read_text(encoding="utf-8"))


def test_a_run_of_the_tests_within_soak_does_not_soak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would run the tests above again, and they it."""
    found: list[dict[str, str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        found.append(options["env"])
        return subprocess.CompletedProcess(command, 0)

    for name in ("SOAK", "EXHAUSTIVE", "ANOTHER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(lowest, "install", lambda newest: tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["lowest"])
    with pytest.raises(SystemExit):
        lowest.main()
    stay(tmp_path, "")
    for environment in found:
        assert "ANOTHER" in environment
        assert not environment.keys() & {"SOAK", "EXHAUSTIVE", "PYTEST_CURRENT_TEST"}
    assert len(found) == 2


# --- Parts of the matrix that need neither --------------------------------------------------------


@pytest.mark.parametrize(
    "sources",
    [
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: stable\n",
        "deb [signed-by=/k.gpg] http://mirror.example/debian stable main\n",
        "deb http://security.example/debian-security s main\ndeb http://mirror.example/debian s\n",
    ],
    ids=["deb822", "options", "security first"],
)
def test_the_mirror_is_that_of_apt(sources: str) -> None:
    assert mirror(sources) == "http://mirror.example/debian"


def test_without_a_mirror_the_error_names_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"names no Debian archive: add one to sources\.list\.d"):
        mirror("# nothing\n")


def test_the_distributions_sources_come_first(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "a.list").write_text("deb http://other.example/x s main\n")
    (tmp_path / "sources.list.d" / "debian.sources").write_text("URIs: http://mirror.example/d\n")
    assert mirror(apt_sources(tmp_path)) == "http://mirror.example/d"


CLEAN = """\
Python 3.13.5
SQLite 3.46.1
pip 25.1.1 from /root/clean/lib/python3.13/site-packages/pip (python 3.13)
demo 20 s
ERROR: Package 'pingregistrywf' requires a different Python: 3.10.0 not in '>=3.11'
"""


def test_a_clean_machine_is_a_row() -> None:
    row = seen(Row("Debian 13", "3.13"), CLEAN)
    assert str(row) == "| Debian 13 | 3.13.5 | 3.46.1 | 25.1.1 | 20 s | refused | 0 | 0 | 0 |  |"
    row = seen(Row("Debian 13", "3.13"), CLEAN.partition("demo")[0])
    assert (row.demo, row.older) == ("failed", "not refused")


def test_the_table_has_a_row_for_each_python() -> None:
    rows = [
        replace(seen(Row("Debian 13", "3.13"), CLEAN), passed=7, skipped=1),
        Row(NOWHERE, "3.12", remark="not tried"),
    ]
    lines = table(rows).splitlines()
    assert lines[2:] == [
        "| Debian 13 | 3.13.5 | 3.46.1 | 25.1.1 | 20 s | refused | 7 | 0 | 1 |  |",
        "| none | 3.12 |  |  |  |  | 0 | 0 | 0 | not tried |",
    ]
    assert len({line.count("|") for line in lines}) == 1
    assert [row.is_green for row in rows] == [True, False]
    assert all(row.is_fine for row in rows)


@pytest.mark.parametrize("change", [{"failed": 1}, {"older": "not refused"}, {"passed": 0}])
def test_what_is_not_green(change: dict[str, int | str]) -> None:
    row = replace(seen(Row("Debian 13", "3.13"), CLEAN), passed=7)
    assert row.is_green
    assert not replace(row, **change).is_fine


def test_a_debian_that_did_not_start_is_not_green() -> None:
    assert not Row("Debian 13", "3.13", remark="no root: E: no such suite").is_fine


def test_a_suite_that_is_none() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.release.matrix", "--suite", "buster"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "invalid choice: 'buster'" in run.stderr


def test_the_metadata_claim_the_pythons_that_are_tried() -> None:
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert claimed == sorted([*(debian.python for debian in DEBIANS), *ELSEWHERE])


def test_a_floor_that_cannot_be_had_is_named() -> None:
    asked = ["Jinja2>=3.1,<4", "grpcio>=1.71,<2", "PyYAML>=7; python_version < '3'", "rich[x]>=1"]
    check_floors(asked, "jinja2==3.1.0\n    # via x\ngrpcio==1.71.0\n")
    with pytest.raises(ValueError, match=r"raise the floors .*\ngrpcio.*lowest .* is 1\.72\.1$"):
        check_floors(asked, "jinja2==3.1.0\ngrpcio==1.72.1\npyyaml==6.0\n")


def test_a_remark_is_the_last_line() -> None:
    assert last_line("one\ntwo\n\n") == "two"


def test_a_python_that_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv puts a name on PATH for each version, also for those that are not in use."""
    dead, alive = tmp_path / "shims" / "python3.12", tmp_path / "versions/3.12.1/bin/python"
    for python, answer in ((dead, 127), (alive, 0)):
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\nexit {answer}\n")
        python.chmod(0o755)
    monkeypatch.setenv("PATH", str(dead.parent))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert python_here("3.12") == str(alive)
    alive.unlink()
    assert python_here("3.12") is None


def test_it_says_what_it_needs() -> None:
    if os.geteuid() == 0 and shutil.which("debootstrap") and shutil.which("unshare"):
        pytest.skip("this machine has all of it")
    run = subprocess.run(
        [sys.executable, "-m", "tests.release.matrix"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stderr.startswith("make matrix needs root and ")
