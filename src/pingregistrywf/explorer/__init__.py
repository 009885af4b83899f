"""The explorer: a page on which a model's charts are live.  It is made here, and runs in a browser.

``page(model)`` is the whole explorer as one HTML document.  It contains the documents chart.json
and operations.json, the diagrams, the style and the script.  So it works from any server, inside a
frame, and from disk, and its policy forbids every request.  ``write`` puts it into a directory.

The script is the concatenation of ``SCRIPTS``, plain ES modules of one idea each, without their
imports, exports and comments.  There is no build step, and Node runs the same files in the tests.
The scripts contain no rule of a workflow: they interpret the documents.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pingregistrywf.chart.ir import Model
from pingregistrywf.generate.svg import COLOURS, svg

SCRIPTS: Final = (
    "ids.mjs",
    "chart.mjs",
    "engine.mjs",
    "start.mjs",
    "journal.mjs",
    "wire.mjs",
    "operations.mjs",
    "session.mjs",
    "link.mjs",
    "names.mjs",
    "ways.mjs",
    "copy.mjs",
    "drawing.mjs",
    "own.mjs",
    "story.mjs",
    "scenario.mjs",
    "recorded.mjs",
    "dom.mjs",
    "frame.mjs",
    "about.mjs",
    "diagram.mjs",
    "table.mjs",
    "forms.mjs",
    "histories.mjs",
    "panels.mjs",
    "main.mjs",
)
"""The scripts; each comes after those that it imports from."""
ASSETS: Final = ("page.html", "style.css", *SCRIPTS)
"""The files that a page is made of, besides the model."""
INDEX: Final = "index.html"
PACKAGE: Final = "pingregistrywf"

_IMPORT: Final = re.compile(r"^import [^;]*? from \"\./[a-z]+\.mjs\";\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_COMMENT: Final = re.compile(
    r"^[ \t]*(?://[^\n]*|/\*\*(?:(?!\*/).)*\*/)\n", re.MULTILINE | re.DOTALL
)
"""Comments on lines of their own, which would be a seventh of the page's compressed bytes."""
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@dataclass(frozen=True)
class Recorded:
    """A history of a journal.

    Attributes:
        chart: the name of its chart.
        id: the history's id.
        events: its events, each as JSON with the names ``event``, ``id``, ``parent`` and
            ``fields``, oldest first.
    """

    chart: str
    id: str
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Site:
    """Addresses of the site that an explorer belongs to, relative to the explorer.

    Attributes:
        home: the page that the explorer leads back to.
        state: the place of a state, with ``{chart}`` and ``{state}`` for the names.
    """

    home: str
    state: str


def page(
    model: Model,
    *,
    package: str = PACKAGE,
    recorded: Recorded | None = None,
    site: Site | None = None,
) -> str:
    """Return the explorer of a model as one HTML document.

    The package is the Python package that was generated from the model, for ``Copy as Python``.
    The page opens with the recorded history, if one is given, and links to the site that it
    belongs to, if there is one.

    Raises:
        LayoutError: the diagrams cannot be laid out, see ``generate.svg``.
        ValueError: there is no chart.
    """
    if not model.charts:
        raise ValueError("no chart is given: an explorer needs one")
    charts = list(model.charts.values())
    diagrams = "".join(
        f'<div class="drawing" data-of="{escape(chart.name)}" hidden>{svg(chart)}</div>\n'
        for chart in charts
    )
    css, code = _asset("style.css") + _colours(), script()
    styles = " ".join(_source(text) for text in [css, *dict.fromkeys(_STYLE.findall(diagrams))])
    content: dict[str, Any] = {
        "package": package,
        "charts": [chart.model_dump(mode="json", exclude={"layout"}) for chart in charts],
        "operations": [each.model_dump(mode="json") for each in model.operations.values()],
    }
    if recorded is not None:
        content["recorded"] = asdict(recorded)
    back = ""
    if site is not None:
        content["site"] = asdict(site)
        back = f'<a id="back" href="{escape(site.home)}">Documentation</a>'
    parts = {
        "title": escape(charts[0].title),
        "policy": f"default-src 'none'; script-src {_source(code)}; style-src {styles};"
        " img-src data:; base-uri 'none'; form-action 'none'",
        "style": css,
        "back": back,
        "diagrams": diagrams,
        # No text of the model can end the element that holds it.
        "model": json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        "script": code,
    }
    return re.sub(r"\{\{ (\w+) \}\}", lambda match: parts[match[1]], _asset("page.html"))


def write(model: Model, directory: Path, *, package: str = PACKAGE) -> list[Path]:
    """Write the explorer of a model into a directory, as index.html; return the files written.

    Raises:
        LayoutError, ValueError: as for ``page``.
        OSError: the directory cannot be made, or the file cannot be written.
    """
    made = page(model, package=package)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / INDEX
    target.write_text(made, encoding="utf-8")
    return [target]


def script() -> str:
    """Return the scripts as one, without their comments, for a page."""
    left_out = (_COMMENT, _IMPORT, _EXPORT)
    return "".join(
        reduce(lambda text, pattern: pattern.sub("", text), left_out, _asset(name))
        for name in SCRIPTS
    )


def _colours() -> str:
    """The colours of diagrams, which follow the page's."""
    pairs = (f"--{name}: light-dark({', '.join(pair)})" for name, pair in COLOURS.items())
    return f".drawing .chart-diagram {{ {'; '.join(pairs)} }}\n"


def _asset(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """The source by which a content security policy allows a text: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
