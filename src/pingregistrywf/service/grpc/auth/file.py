"""The file of ``serve --auth``: which tokens and which certificates give which roles.

It is YAML.  Files that it names are beside it, unless their paths are absolute.  Documentation:
Give roles to callers::

    tokens:
      keys: [issuer.pem]
      audience: pingregistrywf
    tokens_of_2019:
      ca: [jwt-ca.pem]
    certificates:
      - uri: spiffe://example.org/storage
        roles: {server: [reg]}
    clock_skew: 30
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, cast

import yaml
from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pingregistrywf.runtime.services import Role
from pingregistrywf.service.grpc.auth.authenticator import RoleAuthenticator
from pingregistrywf.service.grpc.auth.caller import merged
from pingregistrywf.service.grpc.auth.certificates import Certificates, Kind, San
from pingregistrywf.service.grpc.auth.keys import AuthFileError, read_keys
from pingregistrywf.service.grpc.auth.tokens import (
    SKEW,
    PlainTokens,
    Times,
    Tokens,
    TokensOf2019,
)

AUDIENCE: Final = "pingregistrywf"
"""What plain tokens are for unless told otherwise."""

_Text = Annotated[str, Field(min_length=1)]
_Roles = dict[_Text, Annotated[list[_Text], Field(min_length=1)]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _PlainTokens(_Part):
    keys: Annotated[list[_Text], Field(min_length=1)]
    audience: _Text = AUDIENCE
    issuer: _Text | None = None


class _TokensOf2019(_Part):
    ca: Annotated[list[_Text], Field(min_length=1)]


class _Certificate(_Part):
    dns: _Text | None = None
    uri: _Text | None = None
    email: _Text | None = None
    ip: _Text | None = None
    roles: _Roles

    @property
    def names(self) -> list[San]:
        """The names that are given; there has to be exactly one."""
        kinds: tuple[Kind, ...] = ("dns", "uri", "email", "ip")
        return [(kind, cast("str", name)) for kind in kinds if (name := getattr(self, kind))]


class _File(_Part):
    tokens: _PlainTokens | None = None
    tokens_of_2019: _TokensOf2019 | None = None
    certificates: list[_Certificate] = []
    clock_skew: Annotated[float, Field(ge=0, le=300)] = SKEW


def read_auth_file(
    file: Path, roles: Mapping[str, Role], clock: Callable[[], float] = time.time
) -> RoleAuthenticator:
    """Return what finds callers and their roles, as a file says.

    Args:
        file: the file.
        roles: the roles that there are.
        clock: gives the time, in seconds since 1970.

    Raises:
        AuthFileError: something in it, or in a file that it names, cannot be used.
        OSError: a file cannot be read.
    """
    read = _read(file)
    times = Times(clock, read.clock_skew)
    tokens: list[Tokens] = []
    if read.tokens is not None:
        keys = [key for name in read.tokens.keys for key in read_keys(file.parent / name)]
        tokens.append(PlainTokens(keys, read.tokens.audience, read.tokens.issuer, times))
    if read.tokens_of_2019 is not None:
        named = (file.parent / name for name in read.tokens_of_2019.ca)
        authorities = [each for place in named for each in read_authorities(place)]
        tokens.append(TokensOf2019(authorities, roles, times))
    certificates = _certificates(file, read.certificates, roles)
    if not tokens and not read.certificates:
        raise AuthFileError(f"{file} lets nobody in: add tokens, tokens_of_2019 or certificates")
    return RoleAuthenticator(tokens, Certificates(certificates), clock)


def read_authorities(file: Path) -> list[x509.Certificate]:
    """Return the certificates of the CAs in a PEM file.

    Raises:
        AuthFileError: there is none, or one that is not of a CA.
        OSError: it cannot be read.
    """
    try:
        authorities = x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:
        raise AuthFileError(f"{file} holds no certificate: give a PEM file with one") from None
    for each in authorities:
        try:
            is_ca = each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            is_ca = False
        if not is_ca:
            raise AuthFileError(f"{file} holds a certificate that is not of a CA: remove it")
    return authorities


def _read(file: Path) -> _File:
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: as for a 13th month
        raise AuthFileError(f"{file} is no YAML: {' '.join(str(error).split())}") from None
    try:
        return _File.model_validate({} if document is None else document)
    except ValidationError as error:
        first = error.errors()[0]
        counted = (each + 1 if isinstance(each, int) else each for each in first["loc"])
        place = ".".join(map(str, counted)) or "the file"
        known = ", ".join(_File.model_fields)
        remedy = f"; there are {known}" if len(first["loc"]) == 1 else ""
        raise AuthFileError(f"{file}: {place}: {first['msg']}{remedy}") from None


def _certificates(
    file: Path, listed: Iterable[_Certificate], roles: Mapping[str, Role]
) -> dict[San, dict[str, frozenset[str]]]:
    found: dict[San, dict[str, frozenset[str]]] = {}
    for position, each in enumerate(listed, start=1):
        place = f"{file}: certificates.{position}"
        if len(each.names) != 1:
            raise AuthFileError(f"{place}: write one of dns, uri, email and ip")
        for role in each.roles:
            if role not in roles:
                raise AuthFileError(f"{place}: there is no role {role}; write {', '.join(roles)}")
        (name,) = each.names
        known = found.get(name, {})
        found[name] = merged([*known.items(), *each.roles.items()])
    return found
