"""The rule for names that come from outside and from which ids are made, such as a registry's."""

from __future__ import annotations

import re
from typing import Final

from pingregistrywf.runtime.errors import InvalidCommandError

_PART: Final = "[a-z]([a-z0-9-]*[a-z0-9])?"
_NAME: Final = re.compile(rf"{_PART}(\.{_PART})*")


def check_name(what: str, name: object) -> None:
    """Check a name: one or more parts ``[a-z]([a-z0-9-]*[a-z0-9])?``, joined by dots.

    Args:
        what: what the name belongs to, for the error's text.
        name: the name.

    Raises:
        InvalidCommandError: it is not a name; the text shows the rule.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidCommandError(
            f"{name!r} is not the name of a {what}: a name is one or more of {_PART},"
            " joined by dots"
        )
