"""The command ``verify`` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pingregistrywf.chart.locate import model_directory
from pingregistrywf.formal import plan
from pingregistrywf.formal.plan import Plan
from pingregistrywf.formal.toolchain import Toolchain

from ..command_line import environment, run
from .conftest import FILES, LAMPS, lamps

PLAN = Plan(
    FILES,
    (
        lamps("two_lamps", "INVARIANT Bounded", "INVARIANT StaysShort", "PROPERTY Grows"),
        lamps("two_lamps", "PROPERTY Rests"),
    ),
)


@pytest.fixture
def two_lamps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module ``Lamps`` takes the place of the model."""
    monkeypatch.setattr(plan, "plan_of", lambda model: PLAN)


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "two_lamps")
class TestResults:
    def test_in_text(self) -> None:
        done = run("verify", "--property", "StaysShort")
        assert done.returncode == 1
        assert done.stderr == ""
        violation, _, table = done.stdout.partition("\n\n")
        title, first, *others, last = violation.splitlines()
        assert title == "The invariant StaysShort does not hold at size two_lamps:"
        assert first.split()[:3] == ["1", "initial", "state"]
        # With several workers the sequence need not be the shortest one.
        assert last.split()[:2] == [str(len(others) + 2), "Switch"]
        assert "log + [at |-> 1, lamp |->" in last
        (row,) = table.splitlines()[1:]
        assert row.split()[:4] == ["StaysShort", "violated", "at", "two_lamps"]

    def test_one_that_holds(self) -> None:
        done = run("verify", "--json", "--size", "two_lamps", "--property", "Rests")
        assert done.returncode == 0
        result = json.loads(done.stdout)
        assert (result["property"], result["size"]) == ("Rests", "two_lamps")
        assert result["holds"] is True
        assert (result["generated"], result["distinct"]) == (41, 29)
        assert result["seconds"] > 0

    @pytest.mark.exhaustive
    def test_all_of_them(self) -> None:
        done = run("verify", "--json")
        assert done.returncode == 1
        results = {each["property"]: each for each in map(json.loads, done.stdout.splitlines())}
        broken = results.pop("StaysShort")
        assert results.keys() == {"Bounded", "Grows", "Rests"}
        assert all(result["holds"] for result in results.values())
        assert broken["holds"] is False
        assert broken["kind"] == "invariant"
        # With several workers the sequence need not be the shortest one.
        first, *others, last = [state["action"] for state in broken["states"]]
        assert (first, last) == ("", "Switch")
        assert "Switch" in others
        assert broken["states"][0]["variables"]["lit"] == "(a :> FALSE @@ b :> FALSE)"
        steps = range(1, len(broken["states"]) + 1)
        assert [line["step"] for line in broken["timeline"]] == list(steps)
        assert broken["lasso"] is None

    def test_a_module_that_is_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = {"Lamps.tla": LAMPS.replace("CONSTANTS Lamps, Nobody", "CONSTANT Lamps")}
        monkeypatch.setattr(plan, "plan_of", lambda model: Plan(wrong, PLAN.checks))
        assert "Unknown operator: `Nobody'." in cannot_run()


def cannot_run(*words: str) -> str:
    """The one line that says why."""
    done = run("verify", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_charts_without_a_system() -> None:
    chart = model_directory() / "ping_registry.yaml"
    assert "the model has no properties of a system" in cannot_run("--model", str(chart))


@pytest.mark.usefixtures("two_lamps")
class TestCannotRun:
    def test_an_unknown_size(self) -> None:
        assert "no size 'huge' to check: there are two_lamps" in cannot_run("--size", "huge")

    def test_an_unknown_property(self) -> None:
        assert "there are Bounded, StaysShort" in cannot_run("--property", "Nope")

    def test_without_java(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("JAVA_HOME", raising=False)
        assert "Java is not installed: install a JRE" in cannot_run()

    def test_a_jar_that_is_not_there(
        self, pretended: Callable[[str], Toolchain], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(pretended("").java.parent), prepend=os.pathsep)
        assert "there is no jar nowhere.jar" in cannot_run("--jar", "nowhere.jar")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_java_ends_with_the_command(
    pretended: Callable[[str], Toolchain],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    toolchain = pretended(
        "import os, signal\n"
        "with open(os.environ['STARTED'], 'w') as started: started.write(str(os.getpid()))\n"
        "signal.pause()\n"
    )
    files, started = tmp_path / "files", tmp_path / "started"
    files.mkdir()
    os.mkfifo(started)
    path = os.pathsep.join((str(toolchain.java.parent), os.environ["PATH"]))
    variables = {"PATH": path, "STARTED": str(started), "TMPDIR": str(files), "JAVA_HOME": ""}
    words = ("verify", "--jar", str(toolchain.jar))
    with subprocess.Popen(
        [sys.executable, "-m", "pingregistrywf", *words], env=environment(**variables)
    ) as command:
        java = int(started.read_text())
        command.send_signal(number)
        assert command.wait(timeout=60) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(java, 0)
    assert not list(files.iterdir())
