"""What pages show of the charts, the operations and the program, made while the site is built.

A line such as ``<!-- table: ping_registry -->`` in a page becomes that table.  What a line can ask
for is in ``MAKERS``; each maker takes the name after the colon and gives Markdown.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import facts
import language
import program
from mkdocs.structure.files import File, Files

from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.schema import chart_schema, operations_schema
from pingregistrywf.chart.table import Table
from pingregistrywf.explorer import page
from pingregistrywf.generate.readme import markdown_table
from pingregistrywf.generate.sequence import sequence
from pingregistrywf.generate.svg import COLOURS, svg

_LINE: Final = re.compile(r"^<!-- (\w+)(?:: (\w+))? -->$", re.MULTILINE)

model = cache(load_model)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill a page in."""
    return _LINE.sub(lambda found: MAKERS[found[1]](found[2]), markdown)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the explorer, and the colours of diagrams: they follow the site's switch of schemes."""
    files.append(File.generated(config, "assets/diagrams.css", content=_colours()))
    files.append(File.generated(config, "explorer/index.html", content=page(model())))
    return files


def _colours() -> str:
    rules = []
    for scheme, number in (("default", 0), ("slate", 1)):
        colours = "; ".join(f"--{name}: {pair[number]}" for name, pair in COLOURS.items())
        rules.append(f'[data-md-color-scheme="{scheme}"] .chart-diagram {{ {colours} }}\n')
    return "".join(rules)


def _table(name: str) -> Table:
    return Table(model().charts[name])


def _diagram(name: str) -> str:
    return framed(f"{model().charts[name].title}: diagram", svg(_table(name)))


def _operations(name: str) -> str:
    """Each operation: what it is for, its diagram, its arguments and its steps."""
    charts = model().charts
    parts = []
    for operation, said in model().operations[name].operations.items():
        drawn = framed(f"{operation}: sequence diagram", sequence(operation, said, charts))
        parts.append(facts.operation(operation, said, drawn))
    return "\n\n".join(parts)


def framed(label: str, drawn: str) -> str:
    """A drawing in a frame that scrolls where the page is narrower than the drawing."""
    (wide,) = re.findall(r'^<svg [^>]* width="(\d+)"', drawn)
    return (
        f'<div class="diagram" style="--wide: {wide}px" role="region" aria-label="{label}"'
        f' tabindex="0">\n{drawn}</div>'
    )


SCHEMAS: Final = {"Chart": chart_schema, "Operations": operations_schema}

MAKERS: Final = {
    "diagram": _diagram,
    "table": lambda name: markdown_table(_table(name)),
    "downloads": lambda name: facts.downloads(_table(name)),
    "states": lambda name: facts.states(_table(name)),
    "state_codes": lambda name: facts.state_codes(_table(name)),
    "events": lambda name: facts.events(_table(name)),
    "event_numbers": lambda name: facts.event_numbers(_table(name)),
    "commands": lambda name: facts.commands(_table(name)),
    "errors": lambda name: facts.errors(_table(name)),
    "raised": lambda _: facts.raised(),
    "operations": _operations,
    "language": lambda root: language.described(root, SCHEMAS[root]()),
    "program": lambda _: program.described(),
}
