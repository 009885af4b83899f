"""The table, on the terminal and on the page; and all of it as JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.filesystem import check_file_system

from .figures import Findings, Row, Side, Unit

COLUMNS = ("path", "ours", "peer", "ratio", "goal")
PEERS = ("python-statemachine", "transitions", "eventsourcing")


def machine() -> dict[str, str]:
    """Return what the figures depend on: the machine, and the versions."""
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "file system": check_file_system(Address.parse(f"sqlite:{gettempdir()}")) or "unknown",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("pingregistrywf", *PEERS)},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cells(row: Row) -> tuple[str, ...]:
    """Return a row of the table as text, a cell for each of ``COLUMNS``."""
    peer = "" if row.peer is None else f"{shown(row.peer)} ({row.peer.name})"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return row.path, shown(row.ours), peer, ratio, _goal(row)


def shown(side: Side) -> str:
    """Return a figure with a unit that suits its size."""
    match side.unit:
        case Unit.BYTES:
            return f"{side.value:.0f} bytes"
        case Unit.SHARE:
            return f"{side.value:.2g}"
        case Unit.SECONDS:
            return _seconds(side.value)


def _seconds(value: float) -> str:
    size, unit = next(
        ((size, unit) for size, unit in ((1.0, "s"), (1e-3, "ms")) if value >= size), (1e-6, "µs")
    )
    digits = 0 if value / size >= 100 else 1 if value / size >= 10 else 2
    return f"{value / size:.{digits}f} {unit}"


def _goal(row: Row) -> str:
    if row.goal is None:
        return ""
    sign = "≥" if row.goal.at_least else "≤"
    bound = f"{row.goal.bound:g}"
    if row.ratio is None:
        bound = shown(Side("", "", row.goal.bound, row.ours.unit))
    return f"{sign} {bound}: {'met' if row.met else 'missed'}"


def table(rows: Iterable[Row]) -> str:
    """Return the table for a terminal."""
    lines = [COLUMNS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def document(findings: Findings) -> str:
    """Return all that was found as JSON."""
    rows = [asdict(row) | {"ratio": row.ratio, "met": row.met} for row in findings.rows]
    content = {
        "machine": machine(),
        "scale": asdict(findings.scale),
        "rows": rows,
        "plots": [asdict(plot) for plot in findings.plots],
    }
    return json.dumps(content, default=_plain, ensure_ascii=False, indent=1) + "\n"


def _plain(value: Enum) -> Any:
    return value.value
