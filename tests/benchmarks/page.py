"""What ``make bench`` writes: the plots, the figures as JSON, and its parts of the page.

The prose of the page is written by hand; what stands between markers is written anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pingregistrywf.generate.readme import replaced

from . import capacity, report
from .figures import Findings, Row
from .plots import draw

DOCS = Path(__file__).parents[2] / "docs"
PAGE = Path("explanation", "performance.md")
ASSETS = Path("assets", "performance")


def write(findings: Findings, docs: Path = DOCS) -> None:
    """Write the page and what it shows into the documentation.

    Raises:
        MarkerError: the page has lost a marker.
    """
    (docs / ASSETS).mkdir(exist_ok=True)
    for plot in findings.plots:
        draw(plot, docs / ASSETS / f"{plot.name}.svg")
    (docs / ASSETS / "figures.json").write_text(report.document(findings), encoding="utf-8")
    page = docs / PAGE
    text = replaced(page.name, page.read_text(encoding="utf-8"), parts(findings))
    page.write_text(text, encoding="utf-8")


def parts(findings: Findings) -> dict[str, str]:
    """Return the measured parts of the page, in Markdown, by their names."""
    machine = report.machine()
    carried = [(each.question, each.answer, each.follows) for each in capacity.lines(findings)]
    return {
        "machine": "\n".join(f"- {name}: {value}" for name, value in machine.items()),
        "table": table(report.COLUMNS, map(report.cells, findings.rows)),
        "definitions": table(
            ("path", "who", "what one iteration does"), definitions(findings.rows)
        ),
        "capacity": table(("what", "how many", "why"), carried),
    }


def table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def definitions(rows: Iterable[Row]) -> list[tuple[str, str, str]]:
    """Return the sides of each path and what they do, each once."""
    found: dict[tuple[str, str, str], None] = {}
    for row in rows:
        for side in (row.ours, row.peer):
            if side is not None:
                found[row.path, side.name, side.does] = None
    return list(found)
