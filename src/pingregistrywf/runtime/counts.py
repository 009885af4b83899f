"""Counts in words, with the right singular and plural."""

from __future__ import annotations


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number of things in words: ``1 ping``, ``2,000 pings``.

    Args:
        number: how many there are.
        thing: what one is called.
        things: what several are called; with an s unless given.
    """
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
