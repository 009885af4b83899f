"""The templates in ``templates/``, and what all of them need from Jinja."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from jinja2 import Environment, PackageLoader, StrictUndefined


def templates(*filters: Callable[..., Any], **names: object) -> Environment:
    """Return the templates, with filters of these functions' names and with these global names."""
    environment = Environment(  # noqa: S701 (each template escapes for its own notation)
        loader=PackageLoader("pingregistrywf.generate"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {each.__name__: each for each in (escape, number, quoteattr, *filters)}
    environment.globals |= names
    return environment


def number(value: float) -> str:
    """Return a coordinate as text, with at most one digit after the point."""
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 100_000 else f"{value:.0f}"
