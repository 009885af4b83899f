"""What the URLs of journals have in common: options behind a ``?``, and passwords to be hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pingregistrywf.runtime.errors import JournalOpenError

_PASSWORD: Final = re.compile(r"(?<=://)[^/@]*@")


class Option(NamedTuple):
    """One option of a backend.

    Attributes:
        pattern: what its text looks like, as a regular expression.
        read: makes its value of the text.
        accepts: whether that is a value for it.
        remedy: what to write instead of what is refused.
    """

    pattern: str
    read: Callable[[str], Any]
    accepts: Callable[[Any], bool]
    remedy: str


def read_options(shown: str, text: str, options: Mapping[str, Option]) -> dict[str, Any]:
    """Read ``NAME=VALUE&…``.

    Args:
        shown: the URL, as errors show it.
        text: what stands behind the question mark.
        options: what there is, by name.

    Raises:
        JournalOpenError: it is anything else.
    """
    values: dict[str, Any] = {}
    for name, _, written in (each.partition("=") for each in text.split("&")):
        option = options.get(name)
        if option is None:
            known = ", ".join(options)
            cause = f"there is no option {name!r}"
            raise JournalOpenError(shown, cause, f"the options are {known}")
        if name in values:
            raise JournalOpenError(shown, f"{name} is given twice", "give it once")
        value = option.read(written) if re.fullmatch(option.pattern, written) else None
        if value is None or not option.accepts(value):
            raise JournalOpenError(shown, f"{name} is not {written!r}", option.remedy)
        values[name] = value
    return values


def without_password(url: str) -> str:
    """Return a URL without the user and the password."""
    return _PASSWORD.sub("", url)
