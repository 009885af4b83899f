"""Programs of the TLA+ tools at work: each in a temporary directory, and none outlives its caller.

They extract modules, dump states and write traces wherever they are.  So each works in a directory
of its own, which is removed at last.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pingregistrywf.formal.toolchain import Toolchain


@contextmanager
def workspace(files: Mapping[str, str]) -> Iterator[Path]:
    """Yield a temporary directory with these files, given by name."""
    with TemporaryDirectory(prefix="pingregistrywf-") as created:
        work = Path(created)
        for name, text in files.items():
            (work / name).write_text(text, encoding="utf-8")
        yield work


@contextmanager
def running(
    toolchain: Toolchain, program: str, arguments: Sequence[str], work: Path
) -> Iterator[subprocess.Popen[str]]:
    """Run a program of the jar in a directory, and yield its process, which ends with the block.

    The process writes its errors to its standard output, too.
    """
    command = [
        str(toolchain.java),
        "-XX:+UseParallelGC",
        "-XX:-UsePerfData",  # it would be a file elsewhere
        f"-Djava.io.tmpdir={work}",
        "-Dfile.encoding=UTF-8",
        "-cp",
        str(toolchain.jar),
        program,
        *arguments,
    ]
    process = subprocess.Popen(  # noqa: S603
        command,
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
