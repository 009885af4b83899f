"""The command line, run in this process: it answers as in a process of its own, and much sooner.

Whatever concerns the process itself (signals, pipes that close, how it starts) needs a real one.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from subprocess import CompletedProcess
from tempfile import TemporaryFile
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


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
