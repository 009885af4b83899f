"""Commands of conformance: the reference implementation behind the adapter protocol."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from pingregistrywf import __version__
from pingregistrywf.cli.common import JOURNAL_VARIABLE, answering, open_

STORE_VARIABLE: Final = "PINGREGISTRYWF_ADAPTER_STORE"


def adapter(
    journal: Annotated[
        str,
        typer.Option(
            "--journal",
            metavar="URL",
            envvar=JOURNAL_VARIABLE,
            help=f"The journal; a file in the directory that {STORE_VARIABLE} names, if it names"
            " one, else memory:.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Answer adapter protocol 1 on standard input and output: the reference implementation."""
    from pingregistrywf._generated import ping_registry, ping_registry_index
    from pingregistrywf.conformance.adapter import Adapter, CrashPoint, serve
    from pingregistrywf.coordination.declared import declared_operations

    store = os.environ.get(STORE_VARIABLE)
    url = journal or (f"sqlite:{Path(store) / 'adapter.db'}" if store else "memory:")
    with answering(), open_(url) as opened:
        crash = CrashPoint()
        charts = (ping_registry, ping_registry_index)
        answers = Adapter(
            {chart.DECLARATION.name: chart.Behavior for chart in charts},
            opened,
            __version__,
            operations=declared_operations(opened, observers=(crash,)),
            crash=None if url == "memory:" else crash,
        )
        serve(answers, sys.stdin.buffer, sys.stdout.buffer)
