"""The parts of pages that show charts, operations and the program, made while the site is built.

A line such as ``<!-- table: ping_registry -->`` in a page becomes that table, as does what
``generate`` writes there for those who read the files.  ``CHART_MAKERS``
and ``MAKERS`` list what such a line may name.  A maker of the first kind takes a chart; one of the
second takes the name after the colon.  Both return Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from html import escape
from typing import Any, Final

import behaviour
import checked
import facts
import glossary
import language
import linked
import policy
import program
import protos
import table
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pingregistrywf.chart.ir import Chart, json_schema
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.schema import (
    chart_schema,
    invariant_schema,
    operations_schema,
    properties_schema,
    service_schema,
    system_schema,
)
from pingregistrywf.explorer import page
from pingregistrywf.generate.pages import emptied, event_numbers, state_codes
from pingregistrywf.generate.sequence import sequence
from pingregistrywf.generate.svg import COLOURS, svg

_LINE: Final = re.compile(r"^<!-- (\w+)(?:: (\w+))? -->$", re.MULTILINE)

_PARAGRAPH: Final = re.compile(r"^(?![#<|`:\-])\S.*?(?=\n\n)", re.MULTILINE | re.DOTALL)
_INLINE: Final = re.compile(r"(?<!<span></span>)<code>([^<]*)</code>")
_OPTION: Final = re.compile(r"(?<![\w-])--?[a-z][\w-]*")

_WHOLE: Final = r'<span class="option">\g<0></span>'

LONGEST_DESCRIPTION: Final = 180
"""As many letters of a description do search engines show."""

model = cache(load_model)


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fill a page in, and describe it for those who find it from outside."""
    path = page.file.src_uri
    markdown = emptied(markdown)
    if path == glossary.PAGE:
        markdown = glossary.with_places(markdown)
    page.meta.setdefault("description", escape(_description(markdown)))
    return linked.placed(_LINE.sub(_made, glossary.linked(markdown, path)), path)


def _description(markdown: str) -> str:
    """Return the first paragraph of a page as plain text, as far as sentences fit."""
    (paragraph,) = _PARAGRAPH.findall(f"{markdown}\n\n")[:1] or [""]
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]|<!--.*?-->", r"\1", " ".join(paragraph.split()))
    text = ""
    for sentence in re.split(r"(?<=[.:]) ", plain):
        if text and len(text) + len(sentence) > LONGEST_DESCRIPTION:
            break
        text = f"{text} {sentence}".strip()
    return text


def _made(line: re.Match[str]) -> str:
    maker, name = line.groups()
    if maker in CHART_MAKERS:
        return CHART_MAKERS[maker](model().charts[name])
    return MAKERS[maker](name)


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add what is no page: the explorer, the colours of diagrams, and the services' messages."""
    files.append(File.generated(config, "assets/diagrams.css", content=_colours()))
    explorer = page(model(), site=linked.OWN)
    files.append(File.generated(config, linked.EXPLORER, content=explorer))
    for each in protos.published(config):
        files.append(each)
    return files


def on_page_content(html: str, **_: Any) -> str:
    """Mark options of the command line, whose hyphens are no places to break a line."""
    return _INLINE.sub(lambda code: _OPTION.sub(_WHOLE, code[0]), html)


@event_priority(-100)  # the last one, so that no script is written after it
def on_post_page(output: str, **_: Any) -> str:
    """Let a page run no script but the site's and its own."""
    return policy.with_policy(output)


@event_priority(-100)
def on_post_template(output_content: str, template_name: str, **_: Any) -> str:
    """The same for the page that tells that there is no such page."""
    return policy.with_policy(output_content) if template_name.endswith(".html") else output_content


def _colours() -> str:
    """Return the colours of diagrams, which follow the site's switch of schemes."""
    rules = []
    for scheme, number in (("default", 0), ("slate", 1)):
        colours = "; ".join(f"--{name}: {pair[number]}" for name, pair in COLOURS.items())
        rules.append(f'[data-md-color-scheme="{scheme}"] .chart-diagram {{ {colours} }}\n')
    return "".join(rules)


def _diagram(chart: Chart) -> str:
    return framed(f"{chart.title}: diagram", linked.with_links(chart, svg(chart)))


def _operations(name: str) -> str:
    """Each operation: what it is for, its diagram, its steps and where its arguments come from."""
    operations = model().operations[name].operations.values()
    parts = ["On this page: " + ", ".join(f"[{each.name}](#{each.name})" for each in operations)]
    for operation in operations:
        drawn = framed(f"{operation.name}: sequence diagram", sequence(operation, model().charts))
        parts.append(facts.operation(operation, drawn))
        parts.append(linked.try_operation(name, operation.name))
    return "\n\n".join(parts)


def _behaviour(name: str) -> str:
    return framed(f"{name}: sequence diagram", behaviour.drawn(name, checked.lines_of(name)))


def framed(label: str, drawn: str) -> str:
    """A drawing in a frame that scrolls where the page is narrower than the drawing."""
    (wide,) = re.findall(r'^<svg [^>]* width="(\d+)"', drawn)
    return (
        f'<div class="diagram" style="--wide: {wide}px" role="region" aria-label="{label}"'
        f' tabindex="0">\n{drawn}</div>'
    )


SCHEMAS: Final = {
    "Chart": chart_schema,
    "Operations": operations_schema,
    "Service": service_schema,
    "System": system_schema,
    "Properties": properties_schema,
    "Invariant": invariant_schema,
}

CHART_MAKERS: Final[dict[str, Callable[[Chart], str]]] = {
    "diagram": _diagram,
    "table": table.table,
    "downloads": facts.downloads,
    "states": facts.states,
    "state_codes": state_codes,
    "events": facts.events,
    "event_numbers": event_numbers,
    "commands": facts.commands,
    "errors": facts.errors,
}
"""What a line may name with a chart."""

MAKERS: Final = {
    "changelog": lambda _: facts.changelog(),
    "raised": lambda _: facts.raised(),
    "operations": _operations,
    "language": lambda root: language.described(root, SCHEMAS[root]()),
    "document": lambda _: language.described("Document", json_schema(Chart)),
    "program": lambda _: program.described(),
    "protos": lambda _: protos.links(),
    "definition": lambda name: checked.definition(model(), name),
    "properties": lambda system: checked.properties(model(), system),
    "sizes": lambda system: checked.sizes(model(), system),
    "recorded": checked.recorded,
    "counterexample": checked.counterexample,
    "behaviour": _behaviour,
}
"""What a line may name besides."""
