"""Tokens: JSON Web Tokens, signed with a key that the server knows, and the roles in their claims.

There are two sets of claims: a plain one, in which ``roles`` maps each role to names; and that of
the 2019 system, whose tokens bring the certificate of the key, and scopes.  Both need an audience,
a subject and an expiry.  The server's clock counts, and some seconds of skew are forgiven
(documentation: Give roles to callers).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias, TypeGuard

import jwt
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID
from jwt.exceptions import (
    InvalidAudienceError,
    InvalidIssuerError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from pingregistrywf.runtime.services import Role
from pingregistrywf.service.grpc.auth.caller import EVERYTHING, Caller, matches, merged
from pingregistrywf.service.grpc.auth.keys import Key, algorithm_of
from pingregistrywf.service.grpc.refusal import CallRefusedError

Claims: TypeAlias = Mapping[str, Any]
Header: TypeAlias = Mapping[str, Any]

SKEW: Final = 30.0
"""Clocks may differ by so many seconds unless told otherwise."""
LATEST: Final = 1e12
"""No time in a token is later, in seconds since 1970."""
ISSUER_2019: Final = "nogapp"
AUDIENCE_2019: Final = "fso"
UNIT_2019: Final = "nogfsoiam"
"""The organizational unit of the certificates that sign the 2019 system's tokens."""


@dataclass(frozen=True, slots=True)
class Times:
    """When claims are valid.

    Attributes:
        clock: gives the time, in seconds since 1970.
        skew: how many seconds clocks may differ.
    """

    clock: Callable[[], float]
    skew: float = SKEW

    def check(self, claims: Claims) -> float:
        """Return when the claims expire, skew included.

        Raises:
            CallRefusedError: they have expired, or are not yet valid.
        """
        now = self.clock()
        until = _seconds(claims, "exp") + self.skew
        if now >= until:
            raise unauthenticated("the token has expired: get a new one")
        for name in ("nbf", "iat"):
            if name in claims and now < _seconds(claims, name) - self.skew:
                raise unauthenticated("the token is not yet valid: compare the clocks")
        return until


class Tokens(Protocol):
    """Tokens of one kind."""

    def takes(self, header: Header) -> bool:
        """Return whether a token with this header is of the kind."""

    def caller(self, token: str, header: Header) -> Caller:
        """Return who shows a token.

        Raises:
            CallRefusedError: the token is not valid.
        """


class PlainTokens:
    """Tokens whose claim ``roles`` maps roles to lists of names.

    Args:
        keys: the keys of those who issue tokens.
        audience: what the tokens have to be for.
        issuer: who has to have issued them; None for any who has one of the keys.
        times: when they are valid.
    """

    def __init__(
        self, keys: Sequence[Key], audience: str, issuer: str | None, times: Times
    ) -> None:
        self._keys: Final = keys
        self._audience: Final = audience
        self._issuer: Final = issuer
        self._times: Final = times

    def takes(self, header: Header) -> bool:
        return "x5c" not in header

    def caller(self, token: str, header: Header) -> Caller:
        claims = self._claims(token, header)
        until = self._times.check(claims)
        roles = claims.get("roles")
        if not isinstance(roles, dict) or not all(map(_are_texts, roles.values())):
            raise unauthenticated("roles of the token does not map each role to a list of names")
        return Caller(claims["sub"], merged(roles.items()), until=until)

    def _claims(self, token: str, header: Header) -> Claims:
        kid = header.get("kid")
        usable = [each for each in self._keys if each.algorithm == header.get("alg")]
        if kid is not None:
            usable = [each for each in usable if each.kid in (kid, None)]
        for key in usable:
            try:
                return _verified(token, key, self._audience, self._issuer)
            except InvalidSignatureError:
                continue
        raise unauthenticated("the token is not signed with a key of this server's")


class TokensOf2019:
    """Tokens of the 2019 system: scopes, and the certificate of the key in the header.

    Args:
        authorities: the certificates of the CAs that sign the tokens' certificates.
        roles: the roles, each with the scope that gives it.
        times: when they are valid.
    """

    def __init__(
        self, authorities: Sequence[x509.Certificate], roles: Mapping[str, Role], times: Times
    ) -> None:
        self._authorities: Final = authorities
        self._roles: Final = roles
        self._times: Final = times

    def takes(self, header: Header) -> bool:
        return "x5c" in header

    def caller(self, token: str, header: Header) -> Caller:
        public: Any = self._certificate(header["x5c"]).public_key()
        try:
            key = Key(algorithm_of(public), public)
        except ValueError as error:
            raise unauthenticated(f"the token's certificate: {error}") from None
        if key.algorithm != "RS256" or header.get("alg") != key.algorithm:
            raise unauthenticated("the token is not signed by RS256")
        try:
            claims = _verified(token, key, AUDIENCE_2019, ISSUER_2019)
        except InvalidSignatureError:
            raise unauthenticated("the token is not signed with its certificate's key") from None
        until = self._times.check(claims)
        return Caller(claims["sub"], merged(self._granted(claims.get("sc"))), until=until)

    def _certificate(self, encoded: object) -> x509.Certificate:
        """Return the certificate that is encoded in a token's header, after checking it."""
        try:
            certificate = x509.load_der_x509_certificate(
                base64.b64decode(encoded if isinstance(encoded, str) else "", validate=True)
            )
            usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        except (binascii.Error, ValueError, x509.ExtensionNotFound):
            raise unauthenticated("the token's x5c is no certificate for signatures") from None
        units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        if [each.value for each in units] != [UNIT_2019] or not usage.digital_signature:
            raise unauthenticated("the token's certificate is not one that signs tokens")
        now = datetime.fromtimestamp(self._times.clock(), UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise unauthenticated("the token's certificate is not valid at this time")
        if not any(_is_issued_by(certificate, each) for each in self._authorities):
            raise unauthenticated("the token's certificate is not of a CA that signs tokens")
        return certificate

    def _granted(self, scopes: object) -> Iterable[tuple[str, Iterable[str]]]:
        if not isinstance(scopes, list):
            raise unauthenticated("sc of the token is no list of scopes")
        for each in scopes:
            scoped: Mapping[str, Any] = each if isinstance(each, dict) else {}
            actions, names = scoped.get("aa"), scoped.get("n", [])
            if not (_are_texts(actions) and _are_texts(names)):
                raise unauthenticated("sc of the token is no list of scopes")
            for name, role in self._roles.items():
                scope = role.scope
                if scope is None or not any(matches(action, scope.code) for action in actions):
                    continue
                if scope.name is None:
                    yield name, names
                elif any(matches(pattern, scope.name) for pattern in names):
                    yield name, [EVERYTHING]


def header_of(token: str) -> Header:
    """Return the header of a token, of which nothing is checked yet.

    Raises:
        CallRefusedError: it is no token.
    """
    try:
        return jwt.get_unverified_header(token)
    except (PyJWTError, RecursionError):
        raise unauthenticated("what authorization holds is no token") from None


def unauthenticated(text: str, *, definite: bool = True) -> CallRefusedError:
    """Return the refusal of a call whose caller is not known, or no longer known."""
    return CallRefusedError("UNAUTHENTICATED", "Unauthenticated", text, definite=definite)


def _verified(token: str, key: Key, audience: str, issuer: str | None) -> Claims:
    """Return the claims of a token, whose times are still to be checked.

    Raises:
        InvalidSignatureError: the key did not sign it.
        CallRefusedError: something else is wrong with it.
    """
    times = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    options: Any = {"require": ["exp", "sub", "aud"], **times}
    try:
        claims = jwt.decode(
            token,
            key.public,
            algorithms=[key.algorithm],
            audience=audience,
            issuer=issuer,
            options=options,
        )
    except InvalidSignatureError:
        raise
    except InvalidAudienceError:
        raise unauthenticated(f"the token is for another audience than {audience}") from None
    except InvalidIssuerError:
        raise unauthenticated(f"the token was not issued by {issuer}") from None
    except MissingRequiredClaimError as error:
        raise unauthenticated(f"the token has no {error.claim}") from None
    except (PyJWTError, RecursionError, ValueError):
        raise unauthenticated("the token is malformed") from None
    if not claims["sub"]:
        raise unauthenticated("the token has no sub")
    return claims


def _seconds(claims: Claims, name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise unauthenticated(f"{name} of the token is no time")
    return float(value)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
