"""Columns of progress bars; it imports rich, so a command imports it when it shows a bar."""

from __future__ import annotations

from typing import Final

from rich.progress import ProgressColumn, Task
from rich.text import Text

WIDE: Final = 80
"""So many columns a line of progress may take; on a narrower terminal it shows less."""


class CountColumn(ProgressColumn):
    """How many of how many are done, as ``   10/5,698``, or ``10/?`` if nobody knows of how many.

    Thousands are separated, as everywhere else in the output.  The column keeps its width while the
    count grows.
    """

    def render(self, task: Task) -> Text:
        """Return the counts of a task."""
        total = "?" if task.total is None else f"{task.total:,.0f}"
        done = f"{task.completed:,.0f}"
        return Text(f"{done:>{len(total)}}/{total}", style="progress.download")
