"""Record how many departures from the chart each part of the suite finds by itself.

``python docs/recorded/power.py`` measures what ``conform self-test`` prints of it, and writes the
table into the page about conformance.  It takes half a minute.

Write it anew when the suite or the chart has changed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.selftest.power import Power, departures, percent, power
from pingregistrywf.generate.markdown import grid

PAGE: Final = Path(__file__).parents[1] / "conformance.md"
_TABLE: Final = re.compile(
    r"(?<=^<!-- begin generated power -->\n).*?(?=^<!-- end generated power -->$)",
    re.MULTILINE | re.DOTALL,
)


def table(measured: Power) -> str:
    """Return the table of the page."""
    classes = [f"{group} ({made:,})" for group, made in measured.made.items()]
    rows = [
        (
            *(each.suite, f"{each.sequences:,}", f"{each.commands:,}"),
            *(percent(each.found[group], made) for group, made in measured.made.items()),
        )
        for each in measured.strengths
    ]
    return grid(("suite", "sequences", "commands", *classes), rows)


def main() -> None:
    """Measure, and write the page."""
    suite = suite_of()
    written = table(power(suite, departures(suite.chart)))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: f"\n{written}\n", page), encoding="utf-8")


if __name__ == "__main__":
    main()
