"""Find the caller of each call: by a token, by a certificate, or by both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol

from pingregistrywf.service.grpc.auth.caller import Caller
from pingregistrywf.service.grpc.auth.certificates import Certificates
from pingregistrywf.service.grpc.auth.tokens import Tokens, header_of, unauthenticated

_CERTIFICATE: Final = "x509_pem_cert"
"""The key of the client's certificate in what gRPC knows of a connection."""
_SCHEME: Final = "bearer "


class Call(Protocol):
    """What is known of a call beside its request, as ``grpc.aio.ServicerContext`` has it."""

    def invocation_metadata(self) -> Sequence[tuple[str, str | bytes]] | None: ...

    def auth_context(self) -> Mapping[str, Iterable[bytes]]: ...


class Authenticator(Protocol):
    """Finds callers.

    Attributes:
        clock: gives the time by which what they show expires, in seconds since 1970.
    """

    @property
    def clock(self) -> Callable[[], float]: ...

    def caller(self, call: Call) -> Caller:
        """Return who makes a call.

        Raises:
            CallRefusedError: the caller shows nothing that is valid.
        """


class RoleAuthenticator:
    """Finds the roles of callers in tokens and certificates.

    A token that is shown has to be valid, whatever the certificate says.  A caller who shows both
    has the roles of both.

    Args:
        tokens: the kinds of tokens that are taken.
        certificates: the certificates that give roles.
        clock: gives the time, in seconds since 1970.

    Attributes:
        clock: the same.
        looks_at_certificates: whether a certificate may give roles.
    """

    def __init__(
        self, tokens: Sequence[Tokens], certificates: Certificates, clock: Callable[[], float]
    ) -> None:
        self.looks_at_certificates: Final = bool(certificates)
        self._tokens: Final = tokens
        self._certificates: Final = certificates
        self.clock: Final = clock

    def caller(self, call: Call) -> Caller:
        token = _token(call)
        by_certificate = self._by_certificate(call) if self.looks_at_certificates else None
        if token is None:
            if by_certificate is None:
                raise unauthenticated("there is no token: send one as authorization")
            return by_certificate
        shown = self.by_token(token)
        return shown.together(by_certificate) if by_certificate else shown

    def by_token(self, token: str) -> Caller:
        """Return who shows a token.

        Raises:
            CallRefusedError: it is not valid.
        """
        header = header_of(token)
        for each in self._tokens:
            if each.takes(header):
                return each.caller(token, header)
        raise unauthenticated("tokens of this kind are not taken here")

    def _by_certificate(self, call: Call) -> Caller | None:
        shown = [*call.auth_context().get(_CERTIFICATE, ())]
        return self._certificates.caller(shown[0], self.clock()) if shown else None


def _token(call: Call) -> str | None:
    """Return the token of a call: ``authorization: Bearer TOKEN``, or the bare token of 2019."""
    metadata = call.invocation_metadata() or ()
    shown = [value for key, value in metadata if key == "authorization"]
    if not shown:
        return None
    if len(shown) > 1 or not isinstance(shown[0], str):
        raise unauthenticated("authorization is there more than once: send one token")
    text = shown[0].strip()
    return text[len(_SCHEME) :].strip() if text.lower().startswith(_SCHEME) else text
