"""Certificates of clients: a subject alternative name that the server knows gives roles.

TLS has checked the certificate by the time that it is looked at here.  Only the names of the kind
that is given count: ``dns`` does not match a URI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from cryptography import x509

from pingregistrywf.service.grpc.auth.caller import Caller, merged

Kind: TypeAlias = Literal["dns", "uri", "email", "ip"]
San: TypeAlias = tuple[Kind, str]
"""A subject alternative name."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client's certificate shows.

    Attributes:
        names: its subject alternative names.
        until: when it expires, in seconds since 1970.
    """

    names: frozenset[San]
    until: float


class Certificates:
    """The certificates that give roles.

    Args:
        roles: by the name in the certificate, its roles with the patterns of names.
    """

    def __init__(self, roles: Mapping[San, Mapping[str, frozenset[str]]]) -> None:
        self._roles: Final = roles

    def __len__(self) -> int:
        return len(self._roles)

    def caller(self, pem: bytes, now: float) -> Caller | None:
        """Return who shows a certificate at some time; None if it gives no role, or has expired."""
        shown = read_certificate(pem)
        known = sorted(shown.names & self._roles.keys())
        if not known or now >= shown.until:
            return None
        granted: Iterable[tuple[str, Iterable[str]]] = (
            item for each in known for item in self._roles[each].items()
        )
        kind, name = known[0]
        return Caller(f"{kind}:{name}", merged(granted), until=shown.until)


@lru_cache(maxsize=1024)
def read_certificate(pem: bytes) -> Shown:
    """Return what a certificate shows."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    found: set[San] = {("dns", each) for each in names.get_values_for_type(x509.DNSName)}
    found |= {("uri", each) for each in names.get_values_for_type(x509.UniformResourceIdentifier)}
    found |= {("email", each) for each in names.get_values_for_type(x509.RFC822Name)}
    found |= {("ip", str(each)) for each in names.get_values_for_type(x509.IPAddress)}
    return Shown(frozenset(found), certificate.not_valid_after_utc.timestamp())
