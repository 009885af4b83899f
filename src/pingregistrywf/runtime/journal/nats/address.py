"""What a ``nats://`` URL names: servers, a stream, and how to get in."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal.urls import Option, read_options, without_password

DEFAULT_PORT: Final = 4222
DEFAULT_REPLICAS: Final = 1
DEFAULT_STREAMS: Final = 1

_FORM: Final = "write nats://HOST:PORT/STREAM, for example nats://127.0.0.1:4222/pings?replicas=3"
_STREAM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_MOST_STREAMS: Final = 64
_PATHS: Final = ("credentials", "nkey", "tls_ca", "tls_cert", "tls_key")


_OPTIONS: Final = {
    "replicas": Option("[0-9]", int, lambda count: count in (1, 3, 5), "write 1, 3 or 5"),
    "streams": Option(
        "[0-9]{1,2}",
        int,
        lambda count: 1 <= count <= _MOST_STREAMS,
        f"write how many streams hold the histories, 1 to {_MOST_STREAMS}",
    ),
    "allow_server": Option(
        r"[0-9]+\.[0-9]+\.[0-9]+", str, bool, "write the server's version, for example 2.14.3"
    ),
    "tls": Option("yes", str, bool, "write tls=yes, or leave it out"),
    **{
        name: Option(".+", unquote, bool, f"write {name}=PATH, the name of a file")
        for name in _PATHS
    },
}


@dataclass(frozen=True, slots=True)
class Address:
    """One journal on NATS servers.

    Attributes:
        url: as it was given.
        servers: the URLs of the servers to begin with; they name the others of their cluster.
        stream: the name of the journal's first stream.
        replicas: how many servers keep each stream, at least; None if the URL does not say.
        streams: over how many streams the histories are spread; None if the URL does not say.
        allow_server: the version of an old server that is accepted nonetheless.
        user, password: for servers that ask for them; a user alone is a token.
        credentials: the file with a user's JWT and seed.
        nkey: the file with a user's seed.
        tls: "yes" if the servers must speak TLS, though no certificate is named.
        tls_ca: the file with the authorities' certificates.
        tls_cert, tls_key: the files with the client's own certificate and key.
    """

    url: str = field(repr=False)
    servers: tuple[str, ...]
    stream: str
    replicas: int | None = None
    streams: int | None = None
    allow_server: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials: str | None = None
    nkey: str | None = None
    tls: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None

    @classmethod
    def parse(cls, url: str, environment: Mapping[str, str] = os.environ) -> Self:
        """Read ``nats://[USER[:PASSWORD]@]HOST[:PORT][,…]/STREAM[?NAME=VALUE&…]``.

        What the URL leaves open is taken from the variables that the ``nats`` command line reads:
        ``NATS_USER``, ``NATS_PASSWORD``, ``NATS_CREDS``, ``NATS_NKEY``, ``NATS_CA``, ``NATS_CERT``
        and ``NATS_KEY``.

        Raises:
            JournalOpenError: it is anything else.
        """
        rest, question, options = url.partition(":")[2].partition("?")
        if not rest.startswith("//"):
            raise JournalOpenError(without_password(url), "it names no server", _FORM)
        place, _, stream = rest[2:].partition("/")
        login, at, hosts = place.rpartition("@")
        if not _STREAM.fullmatch(stream):
            cause = f"{stream!r} is no name of a stream" if stream else "it names no stream"
            remedy = "use up to 64 letters, digits, - and _" if stream else _FORM
            raise JournalOpenError(without_password(url), cause, remedy)
        servers = tuple(_server(url, each) for each in hosts.split(","))
        values = read_options(without_password(url), options, _OPTIONS) if question else {}
        user, colon, password = login.partition(":")
        if at:
            values["user"] = unquote(user)
        if colon:
            values["password"] = unquote(password)
        return cls(url, servers, stream, **_of_environment(environment, values), **values)

    @property
    def shown(self) -> str:
        """The URL without the password."""
        return without_password(self.url)

    @property
    def wants_tls(self) -> bool:
        """Whether the servers must speak TLS."""
        return bool(self.tls or self.tls_ca or self.tls_cert)

    def refusal(self, cause: str, remedy: str) -> JournalOpenError:
        """Return the error for a journal that cannot be used."""
        return JournalOpenError(self.shown, cause, remedy)

    def tls_context(self) -> ssl.SSLContext | None:
        """Return how to speak TLS; None where nothing asks for it.

        Raises:
            JournalOpenError: a file cannot be read, or is no certificate.
        """
        if not self.wants_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            if self.tls_cert:
                context.load_cert_chain(self.tls_cert, self.tls_key)
        except OSError as error:
            cause = f"the certificates cannot be used: {error}"
            raise self.refusal(cause, "name files with certificates in PEM") from None
        return context


def _server(url: str, text: str) -> str:
    found = _SERVER.fullmatch(text)
    if found is None or int(found[1] or DEFAULT_PORT) > 65535:
        raise JournalOpenError(without_password(url), f"{text!r} is no HOST:PORT", _FORM)
    return f"nats://{text}" if found[1] else f"nats://{text}:{DEFAULT_PORT}"


def _of_environment(environment: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    names = {"tls_ca": "NATS_CA", "tls_cert": "NATS_CERT", "tls_key": "NATS_KEY"}
    if not any(given.get(each) for each in ("user", "credentials", "nkey")):
        names |= {
            "user": "NATS_USER",
            "password": "NATS_PASSWORD",
            "credentials": "NATS_CREDS",
            "nkey": "NATS_NKEY",
        }
    return {
        name: environment.get(variable) or None
        for name, variable in names.items()
        if not given.get(name)
    }
