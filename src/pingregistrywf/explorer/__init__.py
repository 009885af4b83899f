"""The explorer: a page on which a model's charts are live.  It is made here, and runs in a browser.

``page(model)`` is the whole explorer as one HTML document: the charts' documents (chart.json), the
declared operations, the diagrams, the style and the script are inside of it.  So it works from any
server, inside of a frame, and from disk, and it forbids itself every request.  ``write`` puts it
into a directory.  Both take any model that ``chart.reader`` reads.

The script is the concatenation of ``SCRIPTS``, plain ES modules of one idea each, without their
imports and exports: there is no build step, and Node runs the same files in the tests.  No rule of
a workflow stands in them: they interpret the documents.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pingregistrywf.chart.reader import Model
from pingregistrywf.chart.table import Table
from pingregistrywf.chart.vocabulary import Operation, Operations
from pingregistrywf.generate.document import document
from pingregistrywf.generate.svg import svg

SCRIPTS: Final = (
    "ids.mjs",
    "chart.mjs",
    "engine.mjs",
    "journal.mjs",
    "operations.mjs",
    "session.mjs",
    "link.mjs",
    "names.mjs",
    "copy.mjs",
    "dom.mjs",
    "diagram.mjs",
    "forms.mjs",
    "panels.mjs",
    "main.mjs",
)
"""The scripts, each after those that it imports from."""
ASSETS: Final = ("page.html", "style.css", *SCRIPTS)
"""All files that a page is made of, beside the model."""
INDEX: Final = "index.html"
PACKAGE: Final = "pingregistrywf"

_IMPORT: Final = re.compile(r"^import [^;]*? from \"\./[a-z]+\.mjs\";\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def page(model: Model, *, package: str = PACKAGE) -> str:
    """The explorer of a model, as one HTML document.

    Args:
        model: charts and operations.
        package: the Python package that was generated from the model, for ``Copy as Python``; this
            project's own unless given.

    Raises:
        LayoutError: the diagrams cannot be laid out, see ``generate.svg``.
        ValueError: there is no chart.
    """
    if not model.charts:
        raise ValueError("no chart is given: an explorer needs one")
    tables = [Table(chart) for chart in model.charts.values()]
    diagrams = "".join(
        f'<div class="drawing" data-of="{escape(table.chart.chart)}" hidden>{svg(table)}</div>\n'
        for table in tables
    )
    css, code = _asset("style.css"), script()
    styles = " ".join(_source(text) for text in [css, *dict.fromkeys(_STYLE.findall(diagrams))])
    parts = {
        "title": escape(tables[0].chart.title),
        "policy": f"default-src 'none'; script-src {_source(code)}; style-src {styles};"
        " img-src data:; base-uri 'none'; form-action 'none'",
        "style": css,
        "diagrams": diagrams,
        # No text of the model can end the element that holds it.
        "model": json.dumps(_content(tables, model, package), separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "script": code,
    }
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: parts[match[1]], _asset("page.html"))


def write(model: Model, directory: Path, *, package: str = PACKAGE) -> list[Path]:
    """Write the explorer of a model into a directory, as index.html; returns the files written.

    Args:
        model: charts and operations.
        directory: where; it is made if it is not there.
        package: as for ``page``.

    Raises:
        LayoutError, ValueError: as for ``page``.
        OSError: the file cannot be written.
    """
    made = page(model, package=package)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / INDEX
    target.write_text(made, encoding="utf-8")
    return [target]


def script() -> str:
    """The scripts as one, for a page."""
    return "".join(_EXPORT.sub("", _IMPORT.sub("", _asset(name))) for name in SCRIPTS)


def _asset(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """A text, as a content security policy allows it: by its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _content(tables: list[Table], model: Model, package: str) -> Mapping[str, Any]:
    return {
        "charts": [document(table).model_dump(mode="json") for table in tables],
        "operations": [_set(each) for each in model.operations.values()],
        "python": {
            "package": package,
            "facades": {table.chart.chart: table.chart.facade for table in tables},
        },
    }


def _set(operations: Operations) -> Mapping[str, Any]:
    named = [_operation(name, each) for name, each in operations.operations.items()]
    return {"name": operations.operations_of, "title": operations.title, "operations": named}


def _operation(name: str, operation: Operation) -> Mapping[str, Any]:
    args = [{"name": each, **arg.model_dump(mode="json")} for each, arg in operation.args.items()]
    steps = [step.model_dump(mode="json") for step in operation.steps]
    return {"name": name, "doc": operation.doc, "args": args, "steps": steps}
