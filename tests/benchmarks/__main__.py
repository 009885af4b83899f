"""Measure every hot path beside what a user would pick instead, and print one table."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from . import (
    appends,
    decisions,
    growth,
    migration,
    page,
    reads,
    replicated,
    report,
    service,
    streaming,
    watching,
)
from .figures import Findings
from .measuring import TINY, Scale
from .stock import Stock


def run(scale: Scale) -> Findings:
    """Measure all paths, on files in a directory that is removed in the end."""
    with TemporaryDirectory() as name, Stock.opened(Path(name)) as stock:
        directory = Path(name)
        rows = decisions.rows(scale)
        written, writers = appends.measure(scale, directory)
        rows += written
        rows += reads.rows(scale, directory, stock)
        grown, plots = growth.measure(scale, stock)
        rows += grown
        rows += watching.rows(scale, directory)
        rows += streaming.rows(scale, directory)
        rows += service.rows(scale, directory)
        rows += migration.rows(scale, directory)
        rows += replicated.rows(scale, directory)
    return Findings(scale, rows, [*plots, writers])


def main() -> None:
    """Measure, print the table, and, unless tiny, write the page."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--tiny", action="store_true", help="see only whether it still runs, and write nothing"
    )
    asked = parser.parse_args()
    begin = time.perf_counter()
    findings = run(TINY if asked.tiny else Scale())
    print(report.table(findings.rows))
    if not asked.tiny:
        page.write(findings)
    print(f"\nmeasured in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
