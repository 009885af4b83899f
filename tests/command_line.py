"""The command line, run in this process: it answers as in a process of its own, and much sooner.

Whatever concerns the process itself (signals, pipes that close, how it starts) needs a real one.
"""

from __future__ import annotations

import logging
import os
import sys
import termios
import time
import tty
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import CompletedProcess, Popen
from tempfile import TemporaryFile
from threading import Thread
from unittest.mock import patch

from pingregistrywf.cli import main


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of the product, for output of a known form."""
    kept = {name: each for name, each in os.environ.items() if "PINGREGISTRYWF" not in name}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "100", **variables}


def run(
    *words: str, input: str = "", env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    """Run ``pingregistrywf`` with these words.

    Args:
        words: the command and its options.
        input: what it reads from standard input.
        env: its environment; that of ``environment`` unless given.
    """
    variables = environment() if env is None else env
    with ExitStack() as stack:
        streams = [stack.enter_context(TemporaryFile("w+", encoding="utf-8")) for _ in range(3)]
        streams[0].write(input)
        streams[0].seek(0)
        stack.callback(time.tzset)
        logger = logging.getLogger("pingregistrywf")  # to which the daemons add a handler
        stack.enter_context(patch.object(logger, "handlers", [*logger.handlers]))
        stack.callback(logger.setLevel, logger.level)
        stack.enter_context(patch.dict(os.environ, variables, clear=True))
        time.tzset()
        stack.enter_context(patch.object(sys, "argv", ["pingregistrywf", *words]))
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            stack.enter_context(patch.object(sys, name, stream))
        code = _exit_code()
        for stream in streams:
            stream.seek(0)
        return CompletedProcess(words, code, streams[1].read(), streams[2].read())


def on_terminal(*words: str, width: int = 80, colour: bool = False) -> str:
    """Run ``pingregistrywf`` with these words on a terminal, and return what that got.

    Args:
        words: the command and its options.
        width: the terminal's width in columns.
        colour: whether colours are wanted.
    """
    variables = environment(COLUMNS=str(width), LINES="40", TERM="xterm-256color")
    if colour:
        del variables["NO_COLOR"]
        variables["COLORTERM"] = "truecolor"
    ours, theirs = os.openpty()
    tty.setraw(theirs)  # so that no line's end is changed
    shown: list[bytes] = []
    reader = Thread(target=lambda: shown.append(read_terminal(ours)))
    reader.start()
    with ExitStack() as stack:
        stack.callback(os.close, ours)
        stack.callback(reader.join)
        stream = stack.enter_context(open(theirs, "w", encoding="utf-8"))  # noqa: PTH123
        stack.enter_context(patch.dict(os.environ, variables, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["pingregistrywf", *words]))
        for name in ("stdout", "stderr"):
            stack.enter_context(patch.object(sys, name, stream))
        _exit_code()
    return b"".join(shown).decode()


def read_terminal(terminal: int) -> bytes:
    """Return what a terminal gets until the other side is closed.

    A terminal holds some kilobytes: whoever writes more waits for somebody who reads.
    """
    shown = b""
    with suppress(OSError):  # which is how a terminal ends
        while data := os.read(terminal, 65_536):
            shown += data
    return shown


def stop_terminal(terminal: int, process: int) -> None:
    """Stop a terminal's output, as Ctrl-S does, and wait until a process waits for it.

    Args:
        terminal: the side of the terminal on which the process writes to standard error.
        process: its id.
    """
    termios.tcflow(terminal, termios.TCOOFF)
    while not any(_waits_for_errors(each) for each in Path(f"/proc/{process}/task").iterdir()):
        time.sleep(0.01)


def ended(process: Popen[bytes]) -> int:
    """Ask a process to end, and return its exit code; kill it if it does not end in a minute."""
    process.terminate()
    try:
        return process.wait(60)
    finally:
        process.kill()


def _waits_for_errors(thread: Path) -> bool:
    """Return whether a thread is inside a call of the system on standard error."""
    try:
        _, *arguments = (thread / "syscall").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has ended since it was listed
    return arguments[:1] == ["0x2"]


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
