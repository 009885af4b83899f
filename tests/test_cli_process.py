"""The command line as a process: signals at any moment, and unusable standard streams."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pingregistrywf.cli.output import ending_with_the_reader

from .command_line import ended, environment, run, stop_terminal

PROGRAM = (sys.executable, "-m", "pingregistrywf")


def started(*words: str) -> subprocess.Popen[str]:
    """Start the program in a group of its own, as a shell does with each of its jobs."""
    return subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )


def in_shell(line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in which ``$@`` is the program."""
    return subprocess.run(
        ["sh", "-c", line, "sh", *PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )


def test_interrupted_while_it_starts() -> None:
    """Nothing is printed: no traceback of an import that Ctrl-C interrupts."""
    program = """
import os, signal, sys
from pingregistrywf.__main__ import main

class Interrupting:
    def find_spec(self, name, *_):
        if name == "pingregistrywf.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_works(number: signal.Signals) -> None:
    adapter = started("adapter")
    assert adapter.stdin is not None
    assert adapter.stdout is not None
    adapter.stdin.write('{"op": "hello", "protocol": 1}\n')
    adapter.stdin.flush()
    assert adapter.stdout.readline()
    adapter.send_signal(number)
    _, errors = adapter.communicate(timeout=60)
    assert (adapter.returncode, errors) == (128 + number, "")


def test_a_script_that_ignores_the_signal_decides() -> None:
    done = in_shell('trap "" INT; "$@" chart --step Init & kill -INT $!; wait $!')
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["the demo", "all, as Ctrl-C does"])
def test_a_demo_that_is_interrupted_while_it_starts(send: Callable[[int, int], None]) -> None:
    demo = started("demo", "--servers", "4", "--duration", "60")
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children")
    while len(children.read_text().split()) < 3 and demo.poll() is None:
        time.sleep(0.01)
    send(demo.pid, signal.SIGINT)
    # The pipes end when the last process that holds them does.
    _, errors = demo.communicate(timeout=60)
    assert (demo.returncode, errors) == (128 + signal.SIGINT, "")


def test_a_wait_that_is_ended_on_a_terminal_that_ctrl_s_has_stopped(tmp_path: Path) -> None:
    """Also while the thread that draws the line of progress waits for the terminal."""
    journal = f"sqlite:{tmp_path / 'pings.db'}"
    begun = run("begin", "reg", "--journal", journal, "--json")
    workflow = json.loads(begun.stdout.splitlines()[0])["workflow"]
    ours, theirs = os.openpty()
    words = ("get", "reg", "--workflow", workflow, "--wait", "3600", "--journal", journal)
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=theirs, stderr=theirs, env=environment(TERM="xterm")
    ) as waiting:
        shown = b""
        while b"waiting for the summary" not in shown:
            shown += os.read(ours, 65_536)
        stop_terminal(theirs, waiting.pid)
        assert ended(waiting) == 128 + signal.SIGTERM
    os.close(theirs)
    os.close(ours)


@pytest.mark.parametrize("command", ["--help", "chart", "chart --json", "doctor"])
def test_a_full_disk_under_standard_output(command: str) -> None:
    done = in_shell(f'"$@" {command} >/dev/full')
    reason = "no space left on device; free some space, or name a place on another disk"
    assert (done.returncode, done.stderr) == (2, f"pingregistrywf: {reason}\n")


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed: str, tmp_path: Path) -> None:
    """They are empty; above all, no file of the journal takes the number of one."""
    journal = f"sqlite:{tmp_path / 'pings.db'}"
    assert in_shell(f'"$@" begin reg --journal {journal} {closed}').returncode == 0
    done = in_shell(f'"$@" journal verify --journal {journal}')
    assert (done.returncode, done.stderr) == (0, "")
    refused = in_shell(f'"$@" journal import --journal {journal} {closed}')
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


# --- Letters that an encoding lacks ---------------------------------------------------------------


def few_letters(place: Path, title: str, *words: str) -> bytes:
    """What ``chart`` prints of a chart with this title, where output has the letters of cp1252."""
    text = Path(__file__).with_name("other_workflow").joinpath("leases.yaml").read_text("utf-8")
    chart = place / "leases.yaml"
    chart.write_text(text.replace("title: Leases", f"title: {title}"), encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "chart", "--model", str(chart), *words],
        capture_output=True,
        check=False,
        env=environment(PYTHONIOENCODING="cp1252"),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_a_person_sees_an_escape_for_a_letter_that_the_encoding_lacks(tmp_path: Path) -> None:
    assert few_letters(tmp_path, "Größe 貸").startswith(b"Gr\xf6\xdfe \\u8cb8 0.1.0")


@pytest.mark.parametrize("words", [("--json",), ("--format", "scxml"), ("--format", "tla")])
def test_what_a_program_reads_is_in_utf_8(words: tuple[str, ...], tmp_path: Path) -> None:
    assert "Größe 貸".encode() in few_letters(tmp_path, "Größe 貸", *words)


def test_a_console_of_windows_keeps_its_own_way_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its letters do not go through a descriptor, which has the encoding of a code page."""

    class Console(io.RawIOBase):
        def writable(self) -> bool:
            return True

    console = io.TextIOWrapper(io.BufferedWriter(Console()), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", console)
    with ending_with_the_reader():
        assert sys.stdout is console
