"""What a ``sqlite:`` URL names: a file, and options for its use."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.urls import Option, read_options

DEFAULT_TIMEOUT: Final = 10.0

_FORM: Final = "write sqlite:PATH, for example sqlite:pings.db"
_MOST_PAGES: Final = 4_294_967_294
_LONGEST_TIMEOUT: Final = 86_400


_OPTIONS: Final = {
    "max_page_count": Option(
        "[0-9]{1,10}",
        int,
        lambda pages: 0 < pages <= _MOST_PAGES,
        f"write the largest number of pages that the file may have, 1 to {_MOST_PAGES}",
    ),
    "timeout": Option(
        r"[0-9]+(\.[0-9]+)?",
        float,
        lambda seconds: 0 < seconds <= _LONGEST_TIMEOUT,
        f"write seconds, more than 0 and at most {_LONGEST_TIMEOUT}, for example 2.5",
    ),
    "filesystem": Option("any", str, bool, "write filesystem=any, or leave it out"),
    "mode": Option("ro", str, bool, "write mode=ro to read only, or leave it out"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One journal file.

    Attributes:
        url: as it was given.
        path: absolute, symbolic links followed, so that what stands beside the file is found from
            every working directory and through every link.
        max_page_count: the most pages the file may grow to (``PRAGMA max_page_count``), or None.
        timeout: seconds that a command waits for others that write before it gives up.
        filesystem: "any" to use a file system on which SQLite's log is known not to be safe.
        mode: "ro" to read only, whatever this user may do.
    """

    url: str
    path: Path
    max_page_count: int | None = None
    timeout: float = DEFAULT_TIMEOUT
    filesystem: str | None = None
    mode: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``sqlite:`` with ``PATH`` or ``///ABSOLUTE/PATH``, and options: ``?NAME=VALUE&…``.

        Raises:
            JournalOpenError: it is anything else.
        """
        path, question, options = url.partition(":")[2].partition("?")
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
        values = read_options(url, options, _OPTIONS) if question else {}
        return cls(url, Path(os.path.realpath(path)), **values)

    def refusal(self, cause: str, remedy: str) -> JournalOpenError:
        """Return the error for a file that cannot be used."""
        return JournalOpenError(self.url, cause, remedy)

    def uri(self, **parameters: object) -> str:
        """The file as SQLite's own URI."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"file:{quote(os.fsencode(self.path))}?{query}"
