"""Markdown of what is said elsewhere as plain text."""

from __future__ import annotations

from pingregistrywf.generate.markdown import grid, plain

__all__ = ["code", "grid", "parts", "plain"]


def code(text: object) -> str:
    """Text as code."""
    return f"`{text}`"


def parts(*texts: str) -> str:
    """Paragraphs, without those that are empty."""
    return "\n\n".join(text for text in texts if text)
