"""Writes a report, or anything else, into a file: whole, and only ever in place of a file."""

from __future__ import annotations

from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all; a link leads to what is written, a device is written to.

    Raises:
        OSError: it cannot be written.
    """
    place = path.resolve()
    if place.exists() and not place.is_file():
        place.write_bytes(content)
        return
    aside = place.with_name(f".{place.name}.part")
    try:
        aside.write_bytes(content)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)
