"""The command ``serve``: registries on a journal, for clients on other machines."""

from __future__ import annotations

import ipaddress
import logging
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote
from uuid import uuid4

import typer
from typer import Option

from pingregistrywf.cli.common import (
    CannotRunError,
    JournalOption,
    answering,
    open_,
    require,
    stopped_by_signals,
)
from pingregistrywf.cli.daemons import LogJsonOption, log

if TYPE_CHECKING:
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.journal import Journal
    from pingregistrywf.service.grpc.auth.authenticator import Authenticator
    from pingregistrywf.service.grpc.development import Development
    from pingregistrywf.service.grpc.limits import Limits
    from pingregistrywf.service.grpc.metrics import Metrics
    from pingregistrywf.service.grpc.server import Tls

_CALLERS: Final[Mapping[str, tuple[str, ...]]] = {
    "admin": ("admin", "reader"),
    "server": ("server",),
    "gatherer": ("gatherer", "server"),
    "reader": ("reader",),
}
"""The callers in the directory of ``--dev``, each with its roles."""
_COMMANDS: Final[Mapping[str, str]] = {
    "admin": "begin {}",
    "server": "server {} --name one",
    "gatherer": "gather {}",
    "reader": "list {}",
}
"""What each of them does in the lines that are printed."""
PORT: Final = 7550
"""The port that clients of the 2019 system dial unless told otherwise."""


def serve(
    names: Annotated[
        list[str],
        Option(
            "--registry",
            metavar="NAME",
            help="A registry to serve; give one for each, or '*' to serve all that are asked for.",
        ),
    ],
    journal: JournalOption,
    listen: Annotated[
        str, Option(metavar="HOST:PORT", help="Where to listen; port 0 is any that is free.")
    ] = f"127.0.0.1:{PORT}",
    tls_cert: Annotated[
        Path | None, Option(metavar="PEM", help="The server's certificate, and perhaps its key.")
    ] = None,
    tls_key: Annotated[
        Path | None, Option(metavar="PEM", help="Its key; in the certificate's file unless given.")
    ] = None,
    client_ca: Annotated[
        Path | None, Option(metavar="PEM", help="Ask clients for certificates of this CA.")
    ] = None,
    auth: Annotated[
        Path | None,
        Option(metavar="FILE", help="Which tokens and certificates give which roles."),
    ] = None,
    dev: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="To try it out: take certificates and tokens from a directory; make it first.",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        Option(metavar="NAME=NUMBER", help="Change what one client may use; give one for each."),
    ] = None,
    metrics: Annotated[
        str | None,
        Option(metavar="HOST:PORT", help="Where Prometheus reads metrics; port 0 is any."),
    ] = None,
    gather: Annotated[bool, Option("--gather", help="Also gather, as the command gather.")] = False,
    collect: Annotated[
        bool, Option("--collect", help="Also collect, each hour, as the command collect.")
    ] = False,
    log_json: LogJsonOption = False,
) -> None:
    """Serve registries over gRPC to the admins and servers of the 2019 system, until stopped.

    With --auth, callers may do what their roles allow.  Without it, anybody who can connect may do
    anything with the registries that are served.  So it listens elsewhere than on the loopback only
    with --tls-cert and --auth.
    """
    require("service")
    from pingregistrywf.service.grpc.auth.keys import AuthFileError

    with answering(AuthFileError):
        made = _development(dev, names, tls_cert, tls_key, client_ca, auth)
        if made is not None:
            tls_cert, client_ca, auth = made.server, made.ca, made.auth
        tls = _tls(tls_cert, tls_key, client_ca)
        _check_listen(listen, tls, auth)
        authenticator = _authenticator(auth, tls)
        limits, scraped = _limits(limit or []), _place("--metrics", metrics)
        log(as_json=log_json)
        with open_(journal) as opened, stopped_by_signals() as stop:
            _serve(
                names,
                opened,
                listen,
                tls,
                authenticator,
                stop,
                made,
                limits,
                scraped,
                gather=gather,
                collect=collect,
            )


def _serve(
    names: list[str],
    journal: Journal,
    listen: str,
    tls: Tls | None,
    authenticator: Authenticator | None,
    stop: Stop,
    made: Development | None,
    limits: Limits,
    scraped: tuple[str, int] | None,
    *,
    gather: bool,
    collect: bool,
) -> None:
    import asyncio

    from pingregistrywf._generated.ping_registry_service import SERVICE
    from pingregistrywf.coordination.housekeeping import housekeeping
    from pingregistrywf.coordination.outside import OutsideOperations
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.service.grpc.every import EVERY
    from pingregistrywf.service.grpc.serving import serve_until

    def listening(port: int) -> None:
        if made is not None:
            typer.echo(_lines(made, names[0], port))

    metrics = None
    if scraped is not None:
        from pingregistrywf.service.grpc.metrics import Metrics

        metrics = Metrics()

    named = [name for name in names if name != EVERY]
    if (gather or collect) and len(named) < len(names):
        raise CannotRunError("--gather and --collect need the names of registries, not '*'")
    registries = [PingRegistry(journal, name) for name in named]
    operations = OutsideOperations(journal)
    with housekeeping(registries, stop, gather=gather, collect=collect), _shown(metrics, scraped):
        asyncio.run(
            serve_until(
                stop,
                SERVICE,
                journal,
                operations,
                names,
                listen,
                tls,
                authenticator,
                listening=listening,
                limits=limits,
                metrics=metrics,
            )
        )


@contextmanager
def _shown(metrics: Metrics | None, scraped: tuple[str, int] | None) -> Iterator[None]:
    """Let Prometheus read metrics, if it is asked for."""
    if metrics is None or scraped is None:
        yield
        return
    from pingregistrywf.runtime.log import logged

    port, stop = metrics.listen(*scraped)
    logged(logging.getLogger("pingregistrywf.service"), "metrics", address=f"{scraped[0]}:{port}")
    try:
        yield
    finally:
        stop()


def _limits(words: list[str]) -> Limits:
    """Return the usual limits, with those that are changed."""
    from pingregistrywf.service.grpc.limits import LIMITS, Limits

    changed: dict[str, float] = {}
    for word in words:
        name, _, number = word.partition("=")
        if name not in LIMITS:
            raise CannotRunError(f"--limit: there is no limit {name!r}; write {', '.join(LIMITS)}")
        if not number.isdecimal() or int(number) == 0:
            raise CannotRunError(f"--limit: {name} is a whole number above 0, not {number!r}")
        changed[name] = int(number)
    return Limits(**changed)


def _place(option: str, text: str | None) -> tuple[str, int] | None:
    """Return the host and the port that an option gives."""
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal()):
        raise CannotRunError(f"{option} is HOST:PORT, not {text!r}")
    return host.strip("[]"), int(port)


def _development(dev: Path | None, names: list[str], *given: Path | None) -> Development | None:
    """Return the directory to try things out with, if one is asked for."""
    if dev is None:
        return None
    if any(given):
        raise CannotRunError("--dev brings its own --tls-cert, --client-ca and --auth: leave them")
    from pingregistrywf.service.grpc.development import made

    return made(dev, _CALLERS, names)


def _lines(made: Development, registry: str, port: int) -> str:
    """Return lines to paste into a shell, for each kind of caller."""
    place, lines = made.directory.resolve(), []
    for caller, roles in _CALLERS.items():
        files = {"ca": made.ca, "cert": made.certificate(caller), "token_file": made.token(caller)}
        options = "&".join(f"{name}={quote(str(each.resolve()))}" for name, each in files.items())
        url = shlex.quote(f"grpcs://localhost:{port}?{options}")
        command = _COMMANDS[caller].format(registry)
        lines += [
            f"# {caller}: may do what {' and '.join(roles)} may",
            f"pingregistrywf {command} --service {url}",
        ]
    shown = shlex.quote(str(place))
    admin = (
        f"nogfsoctl --nogfsoregd=localhost:{port} --tls-ca={shown}/ca.pem"
        f" --tls-cert={shown}/admin.pem --jwt={shown}/admin.token --jwt-auth=no"
        f" ping-registry begin {registry} --no-vid --workflow={uuid4()}"
    )
    inspect = f"pingregistrywf token inspect {shown}/admin.token --auth {shown}/auth.yaml"
    lines += ["# what a token says", inspect, "# the 2019 system's admin client", admin]
    return "\n".join(lines)


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    """Read what secures the connections."""
    from pingregistrywf.service.grpc.server import Tls

    if certificate is None:
        if key is not None or client_ca is not None:
            raise CannotRunError("--tls-key and --client-ca need --tls-cert: give it, too")
        return None
    return Tls(
        certificate.read_bytes(),
        (key or certificate).read_bytes(),
        client_ca.read_bytes() if client_ca is not None else None,
    )


def _authenticator(file: Path | None, tls: Tls | None) -> Authenticator | None:
    """Read who may do what."""
    if file is None:
        return None
    from pingregistrywf._generated.ping_registry_service import SERVICE
    from pingregistrywf.service.grpc.auth.file import read_auth_file

    authenticator = read_auth_file(file, SERVICE.roles)
    if authenticator.looks_at_certificates and (tls is None or tls.client_ca is None):
        raise CannotRunError(f"{file} gives certificates roles: give --tls-cert and --client-ca")
    return authenticator


def _check_listen(listen: str, tls: Tls | None, auth: Path | None) -> None:
    """Refuse to listen where strangers could connect."""
    place = _place("--listen", listen)
    host = place[0] if place is not None else ""
    if _is_loopback(host) or (tls is not None and auth is not None):
        return
    raise CannotRunError(
        f"--listen: others can connect to {host}; give --tls-cert and --auth, so that nobody reads"
        " what is sent, and callers do only what they may"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
