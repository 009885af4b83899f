"""The parts of the documentation's pages that are made, for those who read the files.

Such a part stands between ``<!-- begin PART: NAME -->`` and ``<!-- end PART: NAME -->``, or the
same without a name.  The site makes its own from the same line.  Here a part of a chart is written
out, if it is short; of any other there is a link to where it is.
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
    "chart-json",
    "command-line",
    "commands",
    "diagrams",
    "errors",
    "events",
    "model",
    "operations",
    "service",
    "states",
    "table",
)
PAGES: Final = (
    PurePosixPath("docs/index.md"),
    PurePosixPath("docs/changelog.md"),
    PurePosixPath("docs/explanation/formal-model.md"),
    *(PurePosixPath("docs/reference", f"{name}.md") for name in _REFERENCE),
)
"""The pages with such parts."""
_BEGIN: Final = re.compile(r"^<!-- begin (\w+(?:: \w+)?) -->$", re.MULTILINE)
_PART: Final = re.compile(
    r"^<!-- begin (\w+(?:: \w+)?) -->\n.*?^<!-- end \1 -->$", re.MULTILINE | re.DOTALL
)


def filled(page: str, text: str, charts: Mapping[str, Chart]) -> str:
    """Return a page's text with each part written anew.

    Raises:
        MarkerError: a part has no end.
    """

    def written(found: re.Match[str]) -> str:
        marker = found[1]
        part, _, name = marker.partition(": ")
        if part in PARTS:
            content = PARTS[part](charts[name])
        else:
            content = SOURCES.get(part, SOURCE).format(name=name)
        return f"<!-- begin {marker} -->\n{content}\n<!-- end {marker} -->"

    ended = {found.start() for found in _PART.finditer(text)}
    for found in _BEGIN.finditer(text):
        if found.start() not in ended:
            raise MarkerError(f"{page} needs <!-- end {found[1]} -->: put it back")
    return _PART.sub(written, text)


def emptied(text: str) -> str:
    """Return a page's text with each part replaced by a line that names it, as the site has it."""
    return _PART.sub(r"<!-- \1 -->", text)


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
"""What a part of a chart is made by."""
SOURCE: Final = "The site has this part. It is made from [{name}.yaml](../../model/{name}.yaml)."
"""What stands for a long part of a chart or of another file of the model."""
_RECORDED: Final = "[{name}.json](../recorded/{name}.json)"
SOURCES: Final[Mapping[str, str]] = {
    "behaviour": f"The site draws it. It is made from {_RECORDED}.",
    "changelog": "The changes are in [CHANGELOG.md](../CHANGELOG.md).",
    "counterexample": f"The site shows it in words. It is recorded in {_RECORDED}.",
    "definition": "The definition of `{name}` is in the modules of"
    " [model/generated](../../model/generated).",
    "language": "The site has a table of every key. The JSON Schemas beside the charts,"
    " [model](../../model), say the same.",
    "document": "The site has a table of every key. The JSON Schema,"
    " [chart.schema.json](../../src/pingregistrywf/_generated/chart.schema.json), says the same.",
    "program": "The site has every command and option. `pingregistrywf --help` prints the commands,"
    " and `pingregistrywf COMMAND --help` the options of one.",
    "protos": "The files are"
    " [ping_registry_service.proto]"
    "(../../src/pingregistrywf/_generated/ping_registry_service/ping_registry_service.proto)"
    " and [workflows.proto](../../src/pingregistrywf/runtime/remote/workflows.proto).",
    "properties": "The site has a table of them. They are in"
    " [ping_registry_properties.yaml](../../model/ping_registry_properties.yaml).",
    "raised": "The site lists every error. They are defined in"
    " [errors.py](../../src/pingregistrywf/runtime/errors.py), with their fields.",
    "recorded": "The output is recorded in [{name}.txt](../recorded/{name}.txt).",
    "sizes": "The site has a table of them. The sizes are in"
    " [{name}.yaml](../../model/{name}.yaml), and their numbers in"
    " [sizes.jsonl](../recorded/sizes.jsonl).",
}
"""What stands for a part that is made of something else."""
