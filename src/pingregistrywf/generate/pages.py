"""The parts of the documentation's pages that come from charts, for those who read the files.

Such a part stands between ``<!-- begin PART: CHART -->`` and ``<!-- end PART: CHART -->``.  The
site makes its own from the same line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from pingregistrywf.chart.ir import Chart, Event
from pingregistrywf.generate.markdown import grid, plain
from pingregistrywf.generate.mermaid import mermaid
from pingregistrywf.generate.readme import MarkerError, markdown_table

_REFERENCE: Final = (
    "behaviour",
    "commands",
    "diagrams",
    "errors",
    "events",
    "operations",
    "states",
    "table",
)
PAGES: Final = (
    PurePosixPath("docs/index.md"),
    *(PurePosixPath("docs/reference", f"{name}.md") for name in _REFERENCE),
)
"""The pages with such parts."""
_BEGIN: Final = re.compile(r"^<!-- begin (\w+): (\w+) -->$", re.MULTILINE)
_PART: Final = re.compile(
    r"^<!-- begin (\w+): (\w+) -->\n.*?^<!-- end \1: \2 -->$", re.MULTILINE | re.DOTALL
)


def filled(page: str, text: str, charts: Mapping[str, Chart]) -> str:
    """Return a page's text with each part written anew.

    Raises:
        MarkerError: a part has no end.
    """

    def written(found: re.Match[str]) -> str:
        part, name = found.groups()
        content = PARTS[part](charts[name]) if part in PARTS else SOURCE.format(name=name)
        return f"<!-- begin {part}: {name} -->\n{content}\n<!-- end {part}: {name} -->"

    ended = {found.start() for found in _PART.finditer(text)}
    for found in _BEGIN.finditer(text):
        if found.start() not in ended:
            part, name = found.groups()
            raise MarkerError(f"{page} needs <!-- end {part}: {name} -->: put it back")
    return _PART.sub(written, text)


def emptied(text: str) -> str:
    """Return a page's text with each part replaced by a line that names it, as the site has it."""
    return _PART.sub(r"<!-- \1: \2 -->", text)


def diagram(chart: Chart) -> str:
    """Return a chart's diagram as text that code hosts draw."""
    return f"```mermaid\n{mermaid(chart)}```"


def state_codes(chart: Chart) -> str:
    """Return the states in a table."""
    rows = ((each.name, str(each.code), plain(each.doc)) for each in chart.states.values())
    return grid(("state", "code", "meaning"), rows)


def event_numbers(chart: Chart) -> str:
    """Return the events in a table."""
    rows = (
        (each.name, f"{each.wire_name} {each.number}", each.to or "as listed", _payload(each))
        for each in chart.events.values()
    )
    return grid(("event", "on the wire", "leads to", "carries"), rows)


def _payload(event: Event) -> str:
    if event.listing:
        return "what is listed"
    fields = (f"{name} ({field.type.value})" for name, field in event.fields.items())
    return ", ".join(fields) or "nothing"


PARTS: Final[Mapping[str, Callable[[Chart], str]]] = {
    "diagram": diagram,
    "table": markdown_table,
    "state_codes": state_codes,
    "event_numbers": event_numbers,
}
"""What a part is made by; in place of any other, which is long, stands a link to its source."""
SOURCE: Final = "The site has this part. It is made from [{name}.yaml](../../model/{name}.yaml)."
