"""Commands of conformance: the reference implementation behind the adapter protocol."""

from __future__ import annotations

import sys

from pingregistrywf import __version__
from pingregistrywf.cli.common import JournalOption, answering, open_


def adapter(journal: JournalOption = "memory:") -> None:
    """Answer adapter protocol 1 on standard input and output: the reference implementation."""
    from pingregistrywf._generated.ping_registry import Behavior
    from pingregistrywf.conformance.adapter import Adapter, serve

    with answering(), open_(journal) as opened:
        behaviors = {Behavior.declaration.name: Behavior}
        serve(Adapter(behaviors, opened, __version__), sys.stdin.buffer, sys.stdout.buffer)
