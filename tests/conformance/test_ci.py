"""The action, the template and the page for CI: each step runs in a shell, against a starter.

What installs the package takes long and is left to EXHAUSTIVE and to make soak; then pip has
nothing but a directory of wheels.  In other runs the program is in its place already.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pingregistrywf._generated.ping_registry import DECLARATION
from pingregistrywf.conformance import starters

from ..release.artefacts import build
from ..tiers import some
from .wheelhouse import fill

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ci")]

ROOT = Path(__file__).parents[2]
FILES = ROOT / "src" / "pingregistrywf" / "conformance" / "ci"
PAGE = (ROOT / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((FILES / "action.yml").read_text(encoding="utf-8"))
TEMPLATE = yaml.safe_load((FILES / "gitlab.yml").read_text(encoding="utf-8"))[".conformance"]
PACKAGE = "pingregistrywf[conformance]"
REPORTS = {"badge.svg", "junit.xml", "report.html", "report.json"}
SMALL = {"level": "1", "bound": "n"}
GITHUB_SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")
GITLAB_SHELLS = {"bash": ("bash", "-e", "-o", "pipefail", "-c"), "sh": ("sh", "-e", "-c")}


@dataclass(frozen=True)
class Place:
    """A team's checkout, and what its CI has beside it."""

    work: Path
    scratch: Path

    def run(self, command: tuple[str, ...], where: str, more: Mapping[str, str]) -> int:
        """Run a script as CI does, and return its exit code; what it prints is in ``log``."""
        kept = {name: each for name, each in os.environ.items() if "PINGREGISTRYWF" not in name}
        kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
        with (self.scratch / "log").open("a", encoding="utf-8") as log:
            done = subprocess.run(
                command,
                cwd=self.work / where,
                env={**kept, **more},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return done.returncode

    @property
    def log(self) -> str:
        return (self.scratch / "log").read_text(encoding="utf-8")

    @property
    def reports(self) -> set[str]:
        return {each.name for each in (self.work / "conformance-report").iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    starters.write("python", tmp_path / "work" / "an adapter", sha256=DECLARATION.sha256)
    (tmp_path / "scratch").mkdir()
    return Place(tmp_path / "work", tmp_path / "scratch")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory from which pip can install the package without an index."""
    directory = tmp_path_factory.mktemp("wheels")
    build(ROOT, directory, "wheel")
    fill(directory, PACKAGE)
    return directory


def installed(environment: Path) -> None:
    """Put the program where the first steps would install it."""
    program = environment / "bin" / "pingregistrywf"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pingregistrywf "$@"\n')
    program.chmod(0o755)


def on_github(place: Place, given: Mapping[str, str], *, installs: bool) -> int:
    """Run the action's steps as GitHub does; return the exit code of the last one that was run."""
    declared = ACTION["inputs"]
    assert given.keys() <= declared.keys()
    inputs = {name: given.get(name, each.get("default")) for name, each in declared.items()}
    assert None not in inputs.values()

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda name: inputs[name[1]], text)

    for step in [each for each in ACTION["runs"]["steps"] if "run" in each]:
        if step["name"].startswith("Install") and not installs:
            installed(place.scratch / "pingregistrywf")
            continue
        assert step["shell"] == "bash"
        more = {name: filled(each) for name, each in step["env"].items()}
        more |= {"RUNNER_TEMP": str(place.scratch), "GITHUB_WORKSPACE": str(place.work)}
        command = (*GITHUB_SHELL, step["run"])
        if code := place.run(command, filled(step["working-directory"]), more):
            return code
    return 0


def on_gitlab(place: Place, given: Mapping[str, str], shell: str, *, installs: bool) -> int:
    """Run the template's script as GitLab does; return its exit code."""
    assert given.keys() <= TEMPLATE["variables"].keys()
    script = TEMPLATE["script"]
    if not installs:
        script = [each for each in script if "-m venv" not in each and "/pip" not in each]
        assert len(script) == len(TEMPLATE["script"]) - 2
        installed(place.work / ".conformance")
    more = {**TEMPLATE["variables"], "CI_PROJECT_DIR": str(place.work), **given}
    return place.run((*GITLAB_SHELLS[shell], "\n".join(script)), ".", more)


def of_another_chart(place: Place) -> str:
    """Put a model that the adapter is not for beside it; the names of its files."""
    names = ("split_repo.yaml", "leases.yaml")
    for name in names:
        shutil.copy(ROOT / "tests" / "other_workflow" / name, place.work / "an adapter")
    return " ".join(names)


def breaks(place: Place) -> None:
    """Let the adapter refuse a Commit that the chart allows."""
    adapter = place.work / "an adapter" / "adapter.py"
    text = adapter.read_text(encoding="utf-8")
    right = '"Commit": {"Summarized": "PingRegistryCompleted", "Completed": "noop"}'
    assert right in text
    adapter.write_text(text.replace(right, '"Commit": {"Completed": "noop"}'), encoding="utf-8")


def test_github_runs_the_suite_and_keeps_the_reports(place: Place) -> None:
    given = {"adapter": "python3 adapter.py", "working-directory": "an adapter", **SMALL}
    assert on_github(place, given, installs=False) == 0, place.log
    assert "conforms: level 1 at bound n" in place.log
    assert place.reports == REPORTS
    last = ACTION["runs"]["steps"][-1]
    assert last["with"]["path"] == "conformance-report"
    assert last["if"] == "${{ !cancelled() }}"  # also after a failure


@pytest.mark.exhaustive
def test_a_deviation_fails_the_job_unless_it_is_listed(place: Place) -> None:
    breaks(place)
    given = {"adapter": "python3 adapter.py", "working-directory": "an adapter", **SMALL}
    assert on_github(place, given, installs=False) == 1
    assert place.reports == REPORTS
    expected = '[[expected_failure]]\npattern = "*"\nreason = "Later."\nexpires = 9999-12-31\n'
    listed = place.work / "an adapter" / "known failures.toml"
    listed.write_text(f"{expected}flaky = true\n", encoding="utf-8")
    (place.scratch / "pingregistrywf" / "bin" / "pingregistrywf").unlink()
    (place.scratch / "pingregistrywf" / "bin").rmdir()
    given["expected-failures"] = listed.name
    assert on_github(place, given, installs=False) == 0, place.log


@pytest.mark.exhaustive
def test_github_takes_charts_of_ones_own(place: Place) -> None:
    given = {"adapter": "python3 adapter.py", "working-directory": "an adapter", **SMALL}
    model = of_another_chart(place)
    assert on_github(place, {**given, "model": model}, installs=False) == 2
    assert "no verdict: the adapter is for the chart of hash" in place.log


@pytest.mark.exhaustive
@pytest.mark.parametrize("shell", GITLAB_SHELLS)
def test_gitlab_takes_charts_of_ones_own(place: Place, shell: str) -> None:
    given = {
        "CONFORMANCE_ADAPTER": "python3 adapter.py",
        "CONFORMANCE_DIRECTORY": "an adapter",
        "CONFORMANCE_LEVEL": "1",
        "CONFORMANCE_MODEL": of_another_chart(place),
    }
    assert on_gitlab(place, given, shell, installs=False) == 2
    assert "no verdict: the adapter is for the chart of hash" in place.log


def test_no_input_is_put_into_a_script() -> None:
    """What a workflow passes on may come from a stranger's branch; a variable is only a text."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("shell", some(GITLAB_SHELLS, 2))
def test_gitlab_runs_the_suite_and_keeps_the_reports(place: Place, shell: str) -> None:
    given = {
        "CONFORMANCE_ADAPTER": "python3 adapter.py",
        "CONFORMANCE_DIRECTORY": "an adapter",
        "CONFORMANCE_LEVEL": "1",
        "CONFORMANCE_BOUND": "n",
    }
    assert on_gitlab(place, given, shell, installs=False) == 0, place.log
    assert "conforms: level 1 at bound n" in place.log
    assert place.reports == REPORTS
    kept = TEMPLATE["artifacts"]
    assert kept["paths"] == ["conformance-report"]
    assert kept["reports"]["junit"] == "conformance-report/junit.xml"
    assert kept["when"] == "always"


@pytest.mark.exhaustive
def test_github_installs_from_wheels(place: Place, wheels: Path) -> None:
    given = {"adapter": "python3 adapter.py", "working-directory": "an adapter", **SMALL}
    assert on_github(place, {**given, "wheels": str(wheels)}, installs=True) == 0, place.log
    report = json.loads((place.work / "conformance-report" / "report.json").read_text("utf-8"))
    assert report["verdict"].startswith("conforms: level 1 at bound n")


@pytest.mark.exhaustive
def test_gitlab_installs_from_wheels(place: Place, wheels: Path) -> None:
    given = {
        "CONFORMANCE_ADAPTER": "python3 adapter.py",
        "CONFORMANCE_DIRECTORY": "an adapter",
        "CONFORMANCE_LEVEL": "1",
        "CONFORMANCE_BOUND": "n",
        "CONFORMANCE_WHEELS": str(wheels),
    }
    assert on_gitlab(place, given, "sh", installs=True) == 0, place.log
    assert "conforms: level 1 at bound n" in place.log


@pytest.mark.soak(only=True)
def test_machines_without_a_network_run_the_pages_lines_and_the_starters(
    place: Place, wheels: Path
) -> None:
    with_index, without = (block("sh", title) for title in ("with an index", "without an index"))
    # The wheels stand for the index.
    index = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: no isolation
    }
    fetch = with_index.replace("/path/to/pingregistrywf", str(ROOT))
    assert place.run((*GITHUB_SHELL, fetch), "an adapter", index) == 0, place.log
    assert place.run((*GITHUB_SHELL, without), "an adapter", {}) == 0, place.log
    assert "conforms: levels 1-3 at bound n+2" in place.log

    environment = place.work / "an adapter" / ".conformance" / "bin"
    workflow = yaml.safe_load((place.work / "an adapter" / "ci.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["conformance"]["steps"]
    for line in [step["run"] for step in steps if "run" in step]:
        more = {"PATH": f"{environment}:{os.environ['PATH']}", "PIP_NO_INDEX": "1"}
        assert place.run((*GITHUB_SHELL, line), "an adapter", more) == 0, place.log
    assert "conforms: levels 1-3, 6 at bound n+2" in place.log


def block(language: str, title: str) -> str:
    """The page's block below a comment with that title."""
    (text,) = re.findall(
        rf"^<!-- {title} -->\n```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )
    return str(text)


def test_the_page_has_the_files_of_the_bundle() -> None:
    for name in ("action.yml", "gitlab.yml"):
        assert f"```yaml\n{(FILES / name).read_text(encoding='utf-8')}```" in PAGE


def test_the_examples_name_inputs_that_there_are() -> None:
    jobs: dict[str, Any] = yaml.safe_load(block("yaml", "a workflow"))["jobs"]
    step = jobs["conformance"]["steps"][-1]
    assert step["uses"] == "./conformance"
    assert step["with"].keys() <= ACTION["inputs"].keys()
    job = yaml.safe_load(block("yaml", "a pipeline"))["conformance"]
    assert job["extends"] == ".conformance"
    assert job["variables"].keys() <= TEMPLATE["variables"].keys()
