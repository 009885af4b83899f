"""Commands for the tokens of a service: issue them for small set-ups, and look into them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from typer import Argument, Option

from pingregistrywf.cli.common import (
    REFUSED,
    CannotRunError,
    answer,
    answering,
    fail,
    require,
    with_json,
)
from pingregistrywf.cli.program import App
from pingregistrywf.cli.services import ServiceModelOption, declared_service

DAY: Final = 86_400.0
CENTURY: Final = 36_525

token = App(help="Issue tokens for the callers of serve, and inspect tokens.", no_args_is_help=True)


@token.command()
@with_json
def issue(
    key: Annotated[Path, Option(metavar="PEM", help="The private key that signs.")],
    name: Annotated[str, Option(metavar="NAME", help="The caller, as the logs will call it.")],
    role: Annotated[
        list[str],
        Option(metavar="ROLE=REGISTRY", help="A role on a registry; give one for each."),
    ],
    days: Annotated[
        float, Option(min=0, max=CENTURY, metavar="DAYS", help="How long the token is valid.")
    ] = 30.0,
    audience: Annotated[
        str, Option(metavar="TEXT", help="What the token is for.")
    ] = "pingregistrywf",
    issuer: Annotated[
        str | None, Option(metavar="TEXT", help="Who issues it, if the server asks.")
    ] = None,
    model: ServiceModelOption = None,
) -> None:
    """Print a token that gives a caller roles on registries."""
    require("service")
    from pingregistrywf.service.grpc.auth.issuing import issue as issued
    from pingregistrywf.service.grpc.auth.issuing import read_private_key
    from pingregistrywf.service.grpc.auth.keys import AuthFileError

    with answering(AuthFileError):
        made = issued(
            read_private_key(key),
            name,
            _roles(role, declared_service(model).roles),
            audience=audience,
            now=time.time(),
            seconds=days * DAY,
            issuer=issuer,
        )
        answer({"token": made}, made)


@token.command()
@with_json
def inspect(
    file: Annotated[Path, Argument(metavar="FILE", help="The token; - for standard input.")],
    auth: Annotated[
        Path | None, Option(metavar="FILE", help="Check the token as serve --auth FILE does.")
    ] = None,
    model: ServiceModelOption = None,
) -> None:
    """Print what a token says, and with --auth whether a server takes it, and for which roles.

    Without --auth, nothing of the token is checked, not even who signed it.
    """
    require("service")
    from pingregistrywf.service.grpc.auth.file import read_auth_file
    from pingregistrywf.service.grpc.auth.keys import AuthFileError
    from pingregistrywf.service.grpc.refusal import CallRefusedError

    with answering(AuthFileError):
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        shown = data.decode(errors="replace").strip()
        said = _said(shown)
        _print(said)
        if auth is None:
            return
        authenticator = read_auth_file(auth, declared_service(model).roles)
        try:
            caller = authenticator.by_token(shown)
        except CallRefusedError as error:
            fail(f"the server refuses it: {error}", REFUSED)
        roles = {role: sorted(names) for role, names in caller.roles.items()}
        text = "; ".join(f"{role} of {', '.join(names)}" for role, names in roles.items())
        answer(
            {"caller": caller.name, "taken": True, "roles": roles}, f"taken  {text or 'no role'}"
        )


def _roles(words: list[str], known: Mapping[str, Any]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {}
    for word in words:
        role, equals, registry = word.partition("=")
        if not (equals and registry):
            raise CannotRunError(f"--role is ROLE=REGISTRY, not {word!r}")
        if role not in known:
            raise CannotRunError(f"--role: there is no role {role!r}; write {', '.join(known)}")
        roles.setdefault(role, []).append(registry)
    return roles


def _said(shown: str) -> dict[str, Any]:
    """Return the header and the claims of a token, of which nothing is checked."""
    import jwt

    try:
        decoded = jwt.decode_complete(shown, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise CannotRunError(f"the file holds no token: {error}") from None
    return {"header": decoded["header"], "claims": decoded["payload"]}


def _print(said: Mapping[str, Any]) -> None:
    """Print a token; its times are also written as dates."""
    lines = []
    for part, fields in said.items():
        for name, value in fields.items():
            text = json.dumps(value)
            if name in ("exp", "nbf", "iat") and isinstance(value, int):
                text += _date(value)
            lines.append(f"{part}  {name}  {text}")
    answer(said, "\n".join(lines))


def _date(seconds: int) -> str:
    """Return a time as a date to be added to it; nothing if no calendar has it."""
    try:
        return f"  {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return ""
