"""What a ``sqlite:`` URL names: a file, and limits on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from pingregistrywf.runtime.errors import JournalOpenError

_FORM: Final = "write sqlite:PATH, for example sqlite:pings.db"
_LIMIT: Final = "max_page_count"
_MOST_PAGES: Final = 4_294_967_294


@dataclass(frozen=True, slots=True)
class Address:
    """One journal file.

    Attributes:
        url: as it was given.
        path: absolute, symbolic links followed, so that what stands beside the file is found from
            every working directory and through every link.
        max_page_count: the most pages the file may grow to (``PRAGMA max_page_count``), or None.
    """

    url: str
    path: Path
    max_page_count: int | None = None

    @classmethod
    def parse(cls, url: str, text: str) -> Self:
        """Read ``PATH`` or ``///ABSOLUTE/PATH``, either with ``?max_page_count=N``.

        Raises:
            JournalOpenError: it is anything else.
        """
        path, question, options = text.partition("?")
        if path.startswith("//"):
            host, slash, rest = path[2:].partition("/")
            if host:
                raise JournalOpenError(url, f"it names a host, {host!r}: a file is local", _FORM)
            path = slash + rest
        if not path:
            raise JournalOpenError(url, "it names no file", _FORM)
        if path == ":memory:":
            raise JournalOpenError(url, "SQLite in memory is not shared", "use memory: instead")
        if "\0" in path:
            raise JournalOpenError(url, "a file name has no NUL in it", _FORM)
        try:
            os.fsencode(path)
        except UnicodeEncodeError:
            raise JournalOpenError(url, "no file can have that name", _FORM) from None
        limit = _max_page_count(url, options) if question else None
        return cls(url, Path(os.path.realpath(path)), limit)

    def uri(self, **parameters: object) -> str:
        """The file as SQLite's own URI."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"file:{quote(os.fsencode(self.path))}?{query}"


def _max_page_count(url: str, options: str) -> int:
    name, _, value = options.partition("=")
    if name != _LIMIT:
        raise JournalOpenError(
            url, f"there is no option {name!r}", f"the only option is ?{_LIMIT}=N"
        )
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= _MOST_PAGES):
        raise JournalOpenError(
            url,
            f"{_LIMIT} is not {value!r}",
            f"write the largest number of pages that the file may have, 1 to {_MOST_PAGES}",
        )
    return int(value)
