"""How a client signs in: what a journal's address says, as options of the client library.

Files are read here once before the library reads them, so that one that is missing or holds
something else is told in one line.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from pingregistrywf.runtime.journal.nats.address import Address

_JWT: Final = re.compile(rb"BEGIN NATS USER JWT-*\r?\n[\w.-]+\r?\n")
_SEED: Final = rb"SU[A-D][A-Z2-7]{55}"
_SEED_OF_CREDENTIALS: Final = re.compile(rb"BEGIN USER NKEY SEED-*\r?\n" + _SEED + rb"\r?\n")


def login(address: Address) -> dict[str, Any]:
    """Return the options with which the client library signs in.

    Raises:
        JournalOpenError: a file cannot be read, or holds no key.
    """
    if address.credentials is not None:
        text = _read(address, "credentials", address.credentials)
        if not (_JWT.search(text) and _SEED_OF_CREDENTIALS.search(text)):
            raise _foreign(address, "credentials", address.credentials, "a user's JWT and seed")
    elif address.nkey is not None:
        text = _read(address, "nkey", address.nkey)
        if not re.fullmatch(_SEED, text.strip()):
            raise _foreign(address, "nkey", address.nkey, "a user's seed")
    options: dict[str, Any] = {"user_credentials": address.credentials, "nkeys_seed": address.nkey}
    if address.user is not None and address.password is None:
        return {**options, "token": address.user}
    return {**options, "user": address.user, "password": address.password}


def _read(address: Address, option: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        cause = f"the file of {option} cannot be read: {error}"
        raise address.refusal(cause, "name one that exists and that you may read") from None


def _foreign(address: Address, option: str, path: str, wanted: str) -> Exception:
    return address.refusal(
        f"the file {path} does not hold {wanted}", f"name one with {option}=PATH"
    )
