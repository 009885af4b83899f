"""The explorer's engine under Node, as an adapter that is asked line by line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..tools import require_tool

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "src" / "pingregistrywf" / "_generated"
CHARTS = tuple(GENERATED / name / "chart.json" for name in ("ping_registry", "ping_registry_index"))


def command(charts: Sequence[Path] = CHARTS) -> list[str]:
    """The command that starts the adapter."""
    return [require_tool("node"), str(Path(__file__).with_name("adapter.mjs")), *map(str, charts)]


class Node:
    """Asks the adapter's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request."""
        return self.answer_line(json.dumps(request))

    def answer_line(self, line: str) -> dict[str, Any]:
        """The reply to one line, whatever it is."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply


@contextmanager
def started(charts: Sequence[Path] = CHARTS) -> Iterator[Node]:
    """An adapter on these charts; ends with ``bye``."""
    with subprocess.Popen(
        command(charts), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        node = Node(process)
        yield node
        assert node.answer({"id": -1, "op": "bye"}) == {"id": -1, "bye": {}}
    assert process.returncode == 0
