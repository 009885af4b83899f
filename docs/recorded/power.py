"""Record how many departures from the chart, and other faults, each part of the suite finds.

``python docs/recorded/power.py`` measures them and writes both tables into the page about
conformance.  ``conform self-test`` prints the first one.  It takes a minute and a half.

Write it anew when the suite or the chart has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pingregistrywf import open_journal
from pingregistrywf.cli.adapter import reference
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.selftest.matrix import SelfTest
from pingregistrywf.conformance.selftest.power import Power, departures, percent, power
from pingregistrywf.conformance.selftest.yardsticks import WITHOUT_BOUND, Found, yardsticks
from pingregistrywf.conformance.suite.scenario import WHOLE, Bound
from pingregistrywf.generate.markdown import grid

PAGE: Final = Path(__file__).parents[1] / "conformance.md"


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


def table_beside(measured: Iterable[Found]) -> str:
    """Return the table of what is no wrong cell."""
    rows = []
    for group, suites in groupby(measured, lambda each: each.group):
        for each in suites:
            size = (f"{each.cases:,}", f"{each.actions:,}")
            found = percent(each.found, each.made)
            rows.append((f"{group} ({each.made})", each.suite, *size, found))
        if group in WITHOUT_BOUND:
            why = f"does not apply: {WITHOUT_BOUND[group]}"
            rows.append((rows[-1][0], "greater bounds", "", "", why))
    return grid(("class", "suite", "cases", "actions", "found"), rows)


def self_test(bound: Bound = WHOLE) -> SelfTest:
    """Return a self-test of this project's suite on the reference in memory."""

    def in_memory() -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return reference(open_journal("memory:")).answer

    hello = in_memory()({"op": "hello"})["hello"]
    return SelfTest(suite_of(), in_memory, hello["capabilities"], bound)


def main() -> None:
    """Measure, and write the page."""
    suite = suite_of()
    written = {
        "power": table(power(suite, departures(suite.chart))),
        "yardsticks": table_beside(yardsticks(self_test())),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, text in written.items():
        begin, end = (f"<!-- {word} generated {name} -->" for word in ("begin", "end"))
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n\n{text}\n{end}{rest.partition(end)[2]}"
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
