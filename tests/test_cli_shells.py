"""Completion in the shells themselves: bash, zsh and fish take the script, and complete with it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .command_line import environment
from .tools import require_tool

pytestmark = pytest.mark.exhaustive

PROGRAM = Path(sys.executable).parent
DEADLINE = 60.0


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that finds the program, and no settings of this user."""
    return environment(
        PATH=f"{PROGRAM}{os.pathsep}{os.environ['PATH']}", HOME=str(tmp_path), TERM="dumb"
    )


def script(shell: str, variables: dict[str, str], directory: Path) -> Path:
    """The file that the program writes for a shell to read."""
    asked = variables | {"_PINGREGISTRYWF_COMPLETE": f"source_{shell}"}
    done = subprocess.run(
        ["pingregistrywf"], env=asked, capture_output=True, text=True, check=True, timeout=DEADLINE
    )
    path = directory / f"completion.{shell}"
    path.write_text(done.stdout)
    return path


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("journal ver", ["verify"]),
        ("chart --step Init App", ["AppendPing"]),
        ("list reg --state Q", []),
    ],
)
def test_fish(line: str, offered: list[str], variables: dict[str, str], tmp_path: Path) -> None:
    fish = require_tool("fish")
    commands = f"source {script('fish', variables, tmp_path)}; complete -C 'pingregistrywf {line}'"
    done = subprocess.run(
        [fish, "--no-config", "-c", commands],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE,
    )
    assert [each.split("\t")[0] for each in done.stdout.splitlines()] == offered


@pytest.mark.parametrize(
    ("line", "rest"), [("journal ver", "ify"), ("chart --step Init App", "endPing")]
)
@pytest.mark.parametrize(
    ("words", "setting_up"),
    [
        (("bash", "--norc", "--noprofile", "-i"), ":"),
        (("zsh", "-f", "-i"), "autoload -U compinit; compinit -u -D"),
    ],
    ids=["bash", "zsh"],
)
def test_a_tab(
    words: tuple[str, ...],
    setting_up: str,
    line: str,
    rest: str,
    variables: dict[str, str],
    tmp_path: Path,
) -> None:
    program = require_tool(words[0])
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [program, *words[1:]],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=variables,
        close_fds=True,
    ) as shell:
        os.close(theirs)
        try:
            source = f"{setting_up}; source {script(words[0], variables, tmp_path)}"
            os.write(ours, f"{source}; printf 'READ%s\\n' Y\n".encode())
            wait_for(ours, "READY")
            os.write(ours, f"pingregistrywf {line}\t".encode())
            wait_for(ours, f"{line}{rest}")
        finally:
            shell.kill()
            os.close(ours)


def wait_for(terminal: int, text: str) -> None:
    """Read what a shell shows until this text, or fail with what it showed instead."""
    shown, end = "", time.monotonic() + DEADLINE
    while text not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"no {text!r} in {shown!r}"
        shown += os.read(terminal, 65_536).decode(errors="replace")
