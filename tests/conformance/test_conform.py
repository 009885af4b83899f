"""``pingregistrywf conform``, the command: options, files, signals, and adapters in its process."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..command_line import ended, environment, on_terminal, read_terminal, stop_terminal
from .conftest import command

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SCOPE = ("--bound", "n", "--level", "1")


def conform(
    *words: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pingregistrywf", "conform", *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
        timeout=120,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why it cannot run."""
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_every_file_is_written(tmp_path: Path) -> None:
    files = {
        option: tmp_path / option for option in ("--json-report", "--junit", "--html", "--badge")
    }
    words = [str(word) for option in files.items() for word in option]
    done = conform("--adapter", command("no events:Commit"), *SCOPE, *words)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("deviates: ")
    assert done.stderr == ""
    for option, file in files.items():
        told = "Commit in Summarized is answered" if option == "--junit" else "deviates: "
        assert told in file.read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == len(files)


def test_a_terminal_of_few_characters() -> None:
    done = conform(
        "--adapter", command("control characters"), *SCOPE, PYTHONIOENCODING="latin-1:strict"
    )
    assert done.returncode == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give --adapter COMMAND or --python MODULE:FACTORY, one of them"),
        (("--adapter", "a", "--python", "b:c"), "one of them"),
        (("--adapter", "a 'b"), "No closing quotation"),
        (("--adapter", "a", "--level", "7"), "levels are written as 1-3 or 1,4"),
        (("--adapter", "a", "--html", "no/such/place.html"), "there is no directory no/such"),
        (("--adapter", "a", "--json-report", "."), "--json-report: . is a directory, name a file"),
        (("--adapter", "a", "--expected-failures", "none.toml"), "none.toml: no such file"),
        (("--adapter", "a", "--replay", "x"), "--replay: not a scenario to replay"),
        (
            ("--adapter", "a", "--replay", '{"chart": "x", "level": 1, "do": [{"tell": "x"}]}'),
            "--replay: these charts cannot run it",
        ),
        (
            (
                "--adapter",
                "a",
                "--replay",
                '{"chart": "ping_registry", "level": 9, "do": [{"tell": "End"}]}',
            ),
            "--replay: there is no level 9",
        ),
        (("--python", "nothing"), "--python nothing: write MODULE:FACTORY"),
        (("--python", "no_such:x"), "ModuleNotFoundError: No module named 'no_such'"),
        (("--python", "json:nothing"), "has no attribute 'nothing'"),
        (("--python", "json:__name__"), "cannot be called: name a factory"),
        (("--python", "leaves:make"), "SystemExit: 0"),
        (("--python", "broken:make"), "SyntaxError: "),
    ],
)
def test_what_cannot_run(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    (tmp_path / "broken.py").write_text("def make(:\n", encoding="utf-8")
    line = refused(conform(*(words or ("--level", "1")), cwd=tmp_path))
    assert line.startswith("pingregistrywf: ")
    assert why in line


def test_an_adapter_in_this_process(tmp_path: Path) -> None:
    source = (
        "from pingregistrywf.service.requests import Service\n"
        "from pingregistrywf.service.stdio import Adapter\n"
        "from pingregistrywf._generated import ping_registry as chart\n"
        "from pingregistrywf.runtime.journal import open_journal\n\n"
        "def make():\n"
        "    service = Service([chart.Behavior], open_journal('memory:'))\n"
        "    return Adapter(service, '1').answer\n"
    )
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    done = conform("--python", "mine:make", "--bound", "n", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conforms: levels 1-4, 6 at bound n" in done.stdout.splitlines()[-1]
    assert "not claimed: level 5" in done.stdout.splitlines()[-1]


# --- Signals and terminals ----------------------------------------------------------------------


def gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2]
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or since
        return True
    return state.split()[0] == "Z"  # dead; whoever adopted it has yet to hear of it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_all_that_it_started(tmp_path: Path, number: int) -> None:
    pids = tmp_path / "pids"
    words = [sys.executable, "-m", "pingregistrywf", "conform"]
    words += ["--adapter", command(f"leaves a child:{pids}")]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        while not (pids.exists() and pids.read_text(encoding="utf-8")):
            time.sleep(0.01)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert out == ""
    assert errors == "pingregistrywf: interrupted, there is no verdict\n"
    for pid in map(int, pids.read_text(encoding="utf-8").split()):
        while not gone(pid):
            time.sleep(0.01)
    assert list(tmp_path.iterdir()) == [pids]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_that_comes_while_an_object_is_finalized(
    tmp_path: Path, number: int
) -> None:
    source = (
        "import os, time\n\n"
        "class Finalized:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), {number})\n\n"
        "def answer(request):\n"
        "    Finalized()\n"
        "    time.sleep(3600)\n\n"
        "def make():\n"
        "    return answer\n"
    )
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    done = conform("--python", "mine:make", *SCOPE, cwd=tmp_path)
    assert done.returncode == 128 + number
    assert done.stdout == ""
    assert done.stderr == "pingregistrywf: interrupted, there is no verdict\n"


def test_a_bar_on_a_terminal_which_leaves_no_trace() -> None:
    mine, theirs = pty.openpty()
    words = [sys.executable, "-m", "pingregistrywf", "conform", *SCOPE]
    words += ["--adapter", command("right")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = read_terminal(mine)
        out, _ = process.communicate(timeout=120)
    os.close(mine)
    assert process.returncode == 0
    assert b"cases" in shown
    assert shown.endswith(b"\x1b[2K")  # the line of the bar is cleared
    assert out.splitlines()[-1] == "conforms: level 1 at bound n, 57 cases"


def test_a_signal_ends_it_on_a_terminal_that_ctrl_s_has_stopped(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "pingregistrywf", "conform"]
    words += ["--adapter", command(f"leaves a child:{pids}")]
    with subprocess.Popen(words, stdout=theirs, stderr=theirs, env=environment()) as process:
        shown = b""
        while b"cases" not in shown or not pids.exists() or not pids.read_text(encoding="utf-8"):
            shown += os.read(ours, 65_536)
        stop_terminal(theirs, process.pid)
        assert ended(process) == 128 + signal.SIGTERM
    os.close(theirs)
    os.close(ours)
    for pid in map(int, pids.read_text(encoding="utf-8").split()):
        while not gone(pid):
            time.sleep(0.01)


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        (("--adapter", "no-such-program"), 2, "no verdict: "),
        (("--adapter", command("right"), "--only", "Init*"), 3, "incomplete: "),
    ],
)
def test_a_terminal_gets_the_verdict_once(words: tuple[str, ...], code: int, verdict: str) -> None:
    """The last line of standard output, which whoever reads only standard error gets there."""
    assert on_terminal("conform", *words, *SCOPE).count(verdict) == 1
    done = conform(*words, *SCOPE)
    assert done.returncode == code
    assert done.stdout.splitlines()[-1].startswith(verdict)
    assert done.stderr == f"pingregistrywf: {done.stdout.splitlines()[-1]}\n"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_bar_fits_into_the_terminal(width: int) -> None:
    shown = on_terminal("conform", "--adapter", command("right"), *SCOPE, width=width)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\r", shown)
    bars = [line for line in re.split(r"[\r\n]+", shown) if line.startswith("level 1, cases ")]
    assert bars
    for bar in bars:
        assert re.search(r" [\d,? ]+/[\d,?]+ 0 failed .*left [-:\d]+ *$", bar), bar
        assert len(bar) <= width
    assert "/s " in bars[-1] or width < 80


def test_help_says_how_it_ends() -> None:
    done = conform("--help")
    assert "Exit codes: 0 conforms; 1 deviates; 2 no verdict" in done.stdout
    assert done.returncode == 0


def test_an_adapter_that_cannot_start_is_reported_in_every_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = conform("--adapter", "no-such-program", *SCOPE, "--json-report", str(file))
    assert done.returncode == 2
    verdict = done.stdout.splitlines()[-1]
    assert verdict.startswith("no verdict: the adapter no-such-program")
    assert done.stderr == f"pingregistrywf: {verdict}\n"
    assert "no-such-program cannot be started" in file.read_text(encoding="utf-8")


def test_json_prints_the_report_alone(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    words = ("--adapter", "no-such-program", *SCOPE, "--json", "--json-report", str(file))
    done = conform(*words)
    (line,) = done.stdout.splitlines()
    assert json.loads(line) == json.loads(file.read_text(encoding="utf-8"))
    assert json.loads(line)["exit"] == 2
