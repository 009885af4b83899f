"""Run the command line, or the program after ``-c``, with no more than Windows has.

What only POSIX systems have is hidden from the package's own modules: whole modules from all,
constants and functions of ``os``, ``signal`` and ``select`` from the package alone, for the
standard library on this system needs them.

    python -P tests/windows.py chart
"""

from __future__ import annotations

import builtins
import os
import re
import select
import signal
import sys
from types import ModuleType
from typing import Any

HIDDEN = {"curses", "fcntl", "grp", "pty", "pwd", "readline", "resource", "termios", "tty"}
SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
"""The signals of Windows (Python's documentation: signal.signal)."""
ONLY_POSIX = {
    "signal": re.compile(r"SIG[A-Z]+|SIG_\w+|ITIMER_\w+|\w+itimer|alarm|pause|pthread_\w+|sig\w+"),
    "os": re.compile(
        r"fork\w*|(get|set)(uid|euid|gid|egid|sid|pgid|pgrp|groups|priority|loadavg)|killpg|uname"
        r"|O_(CLOEXEC|DIRECTORY|NOFOLLOW|NONBLOCK|SYNC|DSYNC|NOCTTY)|ST_\w+|f?statvfs|sysconf"
        r"|(f|l)?chown|chroot|fchmod|fchdir|sched_\w+|pread|pwrite|posix_\w+|register_at_fork|nice"
        r"|wait|wait\d|waitid|W[A-Z]+|mkfifo|mknod|openpty|lockf|sync|fdatasync|memfd_create"
        r"|sendfile|(get|set)_blocking|pidfd_open|eventfd|readv|writev"
    ),
    "select": re.compile(r"e?poll\w*|select"),
}
"""Names that Windows has not, though ``select`` is there for sockets alone."""


class Hide:
    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def without(module: ModuleType) -> ModuleType:
    """A copy of a module without what only POSIX systems have."""
    rest = ModuleType(module.__name__)
    for name, value in vars(module).items():
        if name in SIGNALS or not ONLY_POSIX[module.__name__].fullmatch(name) or name == "signal":
            setattr(rest, name, value)
    return rest


def main() -> None:
    for name in HIDDEN:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Hide)
    copies = {each.__name__: without(each) for each in (os, signal, select)}
    import_ = builtins.__import__

    def imported(name: str, globals: Any = None, *rest: Any, **more: Any) -> Any:
        importer = str((globals or {}).get("__name__", ""))
        if name in copies and importer.partition(".")[0] == "pingregistrywf":
            return copies[name]
        return import_(name, globals, *rest, **more)

    builtins.__import__ = imported
    if sys.argv[1] == "-c":
        exec(sys.argv[2], {"__name__": "__main__"})
    else:
        from pingregistrywf.cli import main as command_line

        command_line()


if __name__ == "__main__":
    main()
