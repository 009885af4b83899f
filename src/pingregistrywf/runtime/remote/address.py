"""What a ``grpcs://`` URL names: a service, and how to get in.

Files that the URL does not name are named by environment variables, so that a URL can be the same
for everybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import unquote

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.urls import Option, read_options

FORM: Final = "write grpcs://HOST:PORT, for example grpcs://pings.example:7550?ca=ca.pem"
VARIABLE: Final = "PINGREGISTRYWF_SERVICE_{}"
"""The environment variable of an option."""
TOKEN_VARIABLE: Final = "PINGREGISTRYWF_SERVICE_TOKEN"  # noqa: S105 (the name of a variable)
"""The environment variable that holds a token itself."""

LOGIN: Final = (
    f"leave them out, and give a token in {TOKEN_VARIABLE} or as token_file, or a certificate"
)

_PLACE: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
_FILES: Final = ("ca", "cert", "key", "token_file")
_OPTIONS: Final = {
    name: Option(".+", unquote, bool, f"write {name}=PATH, the name of a file") for name in _FILES
}


@dataclass(frozen=True, slots=True)
class Address:
    """One service.

    Attributes:
        url: as it was given.
        place: ``HOST:PORT``.
        secure: whether the connection is secured with TLS.
        ca: the certificates of the authorities; None for those that gRPC knows.
        cert, key: the client's own certificate and its private key.
        token: what the client shows to be let in.
    """

    url: str
    place: str
    secure: bool
    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Read a URL, and the files that it or the environment names.

        Raises:
            JournalOpenError: it is no such URL, or a file cannot be read.
        """
        scheme, _, rest = url.partition(":")
        place, question, text = rest.removeprefix("//").partition("?")
        fits = rest.startswith("//") and _PLACE.fullmatch(place)
        if not fits and "@" in rest:  # what stands before may be a secret, and is not shown
            shown = f"{scheme}://{rest.rpartition('@')[2]}"
            raise JournalOpenError(shown, "the URL of a service has no user and no password", LOGIN)
        if not fits:
            raise JournalOpenError(url, f"{place!r} is not HOST:PORT", FORM)
        paths = read_options(url, text, _OPTIONS) if question else {}
        for name in _FILES:
            from_environment = environment.get(VARIABLE.format(name.upper()))
            if from_environment:
                paths.setdefault(name, from_environment)
        files = {name: _content(url, name, path) for name, path in paths.items()}
        secure = scheme == "grpcs"
        token = environment.get(TOKEN_VARIABLE)
        if "token_file" in files:
            token = files.pop("token_file").decode("utf-8", "replace")
        token = token.strip() if token else None
        if not secure and token:
            cause = "a token would travel over a connection that anybody can read"
            raise JournalOpenError(url, cause, "write grpcs://, or give no token")
        if secure and ("cert" in files) != ("key" in files):
            if "key" in files:
                raise JournalOpenError(url, "key is given without cert", "give both")
            files["key"] = files["cert"]
        return cls(url, place, secure, **files if secure else {}, token=token)


def _content(url: str, name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        cause = f"the file of {name} cannot be read: {error}"
        raise JournalOpenError(url, cause, f"name another file with {name}=PATH") from error
