"""What pages show of the chart, made while the site is built, by what generates everything else.

A line such as ``<!-- table: ping_registry -->`` in a page becomes that table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, get_args

from pingregistrywf.chart import vocabulary
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.reader import Model
from pingregistrywf.chart.table import Table
from pingregistrywf.chart.vocabulary import Chart, Event, Word
from pingregistrywf.generate.readme import markdown_table

_LINE: Final = re.compile(r"^<!-- (\w+): (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill a page in."""
    return _LINE.sub(lambda found: _MAKERS[found[1]](found[2]), markdown)


@cache
def _model() -> Model:
    return load_model()


def _chart(name: str) -> Chart:
    return _model().charts[name]


def _table(name: str) -> str:
    return markdown_table(Table(_chart(name)))


def _states(name: str) -> str:
    states = _chart(name).states.items()
    return _grid(
        ("state", "code", "meaning"),
        ((state, str(said.code), said.doc) for state, said in states),
    )


def _events(name: str) -> str:
    chart = _chart(name)
    rows = [
        (event, f"{said.wire.name} {said.wire.number}", said.to, _payload(said))
        for event, said in chart.events.items()
    ]
    if chart.snapshot:
        wires = ("Begin", chart.snapshot.begin), ("State", chart.snapshot.state)
        for part, wire in (*wires, ("End", chart.snapshot.end)):
            told = "what is listed" if part == "State" else "nothing"
            rows.append((f"Snapshot{part}", f"{wire.name} {wire.number}", "as listed", told))
    return _grid(("event", "on the wire", "leads to", "tells"), rows)


def _payload(event: Event) -> str:
    told = (f"{name} ({field.type.value})" for name, field in event.fields.items())
    return ", ".join(told) or "nothing"


def _vocabulary(root: str) -> str:
    return "\n\n".join(_section(word) for word in _words(getattr(vocabulary, root)))


def _section(word: type[Word]) -> str:
    rows = []
    for name, field in word.model_fields.items():
        key = f"`{field.alias or name}`"
        meaning = " ".join((field.description or "").split()) or "Prose."
        rows.append((key, "yes" if field.is_required() else "", meaning))
    doc = " ".join((word.__doc__ or "").replace("``", "`").split())
    return f"### {word.__name__}\n\n{doc}\n\n" + _grid(("key", "required", "meaning"), rows)


def _words(root: type[Word]) -> list[type[Word]]:
    """The classes that a file of this kind is made of, in the order in which they are met."""
    found: list[type[Word]] = []

    def visit(annotation: Any) -> None:
        is_word = isinstance(annotation, type) and issubclass(annotation, Word)
        if is_word and annotation not in found:
            found.append(annotation)
            for field in annotation.model_fields.values():
                visit(field.annotation)
        for inner in get_args(annotation):
            visit(inner)

    visit(root)
    return found


def _grid(head: tuple[str, ...], rows: Any) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"


_MAKERS: Final = {
    "table": _table,
    "states": _states,
    "events": _events,
    "vocabulary": _vocabulary,
}
