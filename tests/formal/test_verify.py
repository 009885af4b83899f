"""The command ``verify`` as a user meets it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pingregistrywf.chart import locate
from pingregistrywf.formal.toolchain import Toolchain

from ..command_line import environment, run
from .conftest import CONSTANTS, MODULES

SAFE = "INVARIANT Bounded\nINVARIANT StaysShort\nPROPERTY Grows\n"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the generated model, which is that of ``Lamps``."""
    directory = tmp_path / "model" / "generated"
    directory.mkdir(parents=True)
    for file in locate.model_directory().glob("*.yaml"):
        shutil.copy(file, directory.parent)
    shutil.copy(MODULES / "Lamps.tla", directory)
    (directory / "TwoLamps.cfg").write_text(f"SPECIFICATION Spec\n{CONSTANTS}{SAFE}")
    live = f"SPECIFICATION Spec\n{CONSTANTS}PROPERTY Rests\n"
    (directory / "TwoLampsRests.cfg").write_text(live)
    monkeypatch.setattr(locate, "model_directory", lambda: directory.parent)
    return directory


@pytest.mark.slow
@pytest.mark.usefixtures("toolchain", "generated")
class TestResults:
    def test_in_text(self) -> None:
        done = run("verify", "--property", "StaysShort")
        assert done.returncode == 1
        assert done.stderr == ""
        violation, _, table = done.stdout.partition("\n\n")
        title, first, *_, last = violation.splitlines()
        assert title == "The invariant StaysShort does not hold at size TwoLamps:"
        assert first.split()[:3] == ["1", "initial", "state"]
        assert last.split()[:2] == ["3", "Switch"]
        assert "log + [at |-> 1, lamp |->" in last
        (row,) = table.splitlines()[1:]
        assert row.split()[:3] == ["StaysShort", "TwoLamps", "violated"]

    def test_one_that_holds(self) -> None:
        done = run("verify", "--json", "--size", "TwoLamps", "--property", "Rests")
        assert done.returncode == 0
        result = json.loads(done.stdout)
        assert (result["property"], result["size"]) == ("Rests", "TwoLamps")
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
        assert [state["action"] for state in broken["states"]] == ["", "Switch", "Switch"]
        assert broken["states"][0]["variables"]["lit"] == "(a :> FALSE @@ b :> FALSE)"
        assert [line["step"] for line in broken["timeline"]] == [1, 2, 3]
        assert broken["lasso"] is None

    def test_a_module_that_is_wrong(self, generated: Path) -> None:
        module = generated / "Lamps.tla"
        module.write_text(module.read_text().replace("CONSTANTS Lamps, Nobody", "CONSTANT Lamps"))
        assert "Unknown operator: `Nobody'." in cannot_run()


def cannot_run(*words: str) -> str:
    """The one line that says why."""
    done = run("verify", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.usefixtures("generated")
class TestCannotRun:
    def test_an_unknown_size(self) -> None:
        assert "no size 'Huge': it has TwoLamps" in cannot_run("--size", "Huge")

    def test_an_unknown_property(self) -> None:
        assert "it has Bounded, StaysShort" in cannot_run("--property", "Nope")

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
    generated: Path,
    pretended: Callable[[str], Toolchain],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    toolchain = pretended(
        "import os, signal\n"
        "with open(os.environ['STARTED'], 'w') as started: started.write(str(os.getpid()))\n"
        "signal.pause()\n"
    )
    program = (
        "from pathlib import Path\n"
        "from pingregistrywf.chart import locate\n"
        "from pingregistrywf.cli import main\n"
        f"locate.model_directory = lambda: Path({str(generated.parent)!r})\n"
        "main()\n"
    )
    files, started = tmp_path / "files", tmp_path / "started"
    files.mkdir()
    os.mkfifo(started)
    path = os.pathsep.join((str(toolchain.java.parent), os.environ["PATH"]))
    variables = {"PATH": path, "STARTED": str(started), "TMPDIR": str(files), "JAVA_HOME": ""}
    words = ("verify", "--jar", str(toolchain.jar))
    with subprocess.Popen(
        [sys.executable, "-c", program, *words], env=environment(**variables)
    ) as command:
        java = int(started.read_text())
        command.send_signal(number)
        assert command.wait() == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(java, 0)
    assert not list(files.iterdir())
