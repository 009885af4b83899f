"""The command line, run in this process: it answers as in a process of its own, and much sooner.

Whatever concerns the process itself (signals, pipes that close, how it starts) needs a real one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from io import BytesIO, TextIOWrapper
from subprocess import CompletedProcess
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
    streams = [TextIOWrapper(BytesIO(text.encode()), "utf-8") for text in (input, "", "")]
    variables = environment() if env is None else env
    with ExitStack() as stack:
        stack.callback(time.tzset)
        stack.enter_context(patch.dict(os.environ, variables, clear=True))
        time.tzset()
        stack.enter_context(patch.object(sys, "argv", ["pingregistrywf", *words]))
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            stack.enter_context(patch.object(sys, name, stream))
        code = _exit_code()
        written = []
        for stream in streams[1:]:
            stream.flush()
            written.append(stream.buffer.getvalue().decode())
    return CompletedProcess(words, code, *written)


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
