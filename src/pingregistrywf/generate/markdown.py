"""Tables and prose in Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; empty if it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) if lines else ""


def plain(text: str) -> str:
    """Return prose that may stand in a paragraph or a cell: one line, without markup."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return " ".join(escaped.replace("*", "&#42;").replace("[", "&#91;").split())
