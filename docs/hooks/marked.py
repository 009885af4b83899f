"""Markdown of what is said elsewhere as plain text."""

from __future__ import annotations

from collections.abc import Iterable


def grid(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; empty if it has no rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]) if lines else ""


def plain(text: str) -> str:
    """Prose that may stand in a paragraph or a cell: one line, with nothing that Markdown reads."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return " ".join(escaped.replace("*", "&#42;").replace("[", "&#91;").split())


def code(text: object) -> str:
    """Text as code."""
    return f"`{text}`"


def parts(*texts: str) -> str:
    """Paragraphs, without those that are empty."""
    return "\n\n".join(text for text in texts if text)
