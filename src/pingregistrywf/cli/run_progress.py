"""How far a run of the conformance suite is: one line on standard error, gone at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pingregistrywf.cli.progress import shows_progress

if TYPE_CHECKING:
    from pingregistrywf.conformance.run.result import CaseResult
    from pingregistrywf.conformance.run.runner import Plan


@contextmanager
def run_progress(plan: Plan, *, failures_too: bool = True) -> Iterator[Plan]:
    """Yield a plan that shows how far its run is on a terminal, and the plan itself elsewhere.

    The line has the level, the cases done, how many of them failed and the time left, and where it
    fits, the rate and the time since the start.  Where it is not known how many cases there are, a
    line above it says so and why.

    Args:
        plan: what will be run.
        failures_too: whether each kind of failure is printed above the line as it comes.
    """
    if not shows_progress():
        yield plan
        return
    from dataclasses import replace

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from pingregistrywf.cli.columns import WIDE, CountColumn
    from pingregistrywf.runtime.render import printable

    failures = 0
    console = Console(stderr=True)
    wide = console.width >= WIDE
    columns = (
        TextColumn("level {task.fields[level]}, cases"),
        BarColumn(bar_width=8 if wide else 4),
        CountColumn(),
        TextColumn("{task.fields[failures]} failed"),
        *([TextColumn("{task.fields[rate]:,.0f}/s"), TimeElapsedColumn()] if wide else []),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    if plan.scope.only:
        uncounted = "the filter chooses among the cases while they are made"
    else:
        uncounted = "the cases of charts of your own are counted while they are made"
    said = False
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("cases", total=None, level="-", rate=0.0, failures=0)

        def update(done: int, total: int | None, level: int) -> None:
            nonlocal said
            if total is None and not said:
                said = True
                print_above(f"no time left is shown: {uncounted}")
            rate = bar.tasks[0].speed or 0.0
            failed = f"{failures:,}"
            bar.update(task, completed=done, total=total, level=level, rate=rate, failures=failed)

        def tell(result: CaseResult, first: bool) -> None:
            nonlocal failures
            failures += 1
            if first and failures_too:
                case = result.case
                line = f"failed: {case.id}, level {case.level}, {case.title}: {result.why}"
                print_above(printable(line))

        def print_above(line: str) -> None:
            bar.console.print(line, markup=False, highlight=False)

        yield replace(plan, progress=update, failed=tell)
