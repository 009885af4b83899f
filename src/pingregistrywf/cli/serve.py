"""The command ``serve``: registries on a journal, for clients on other machines."""

from __future__ import annotations

import ipaddress
import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote
from uuid import uuid4

import typer
from typer import Option

from pingregistrywf.cli import completion
from pingregistrywf.cli.common import (
    CannotRunError,
    JournalOption,
    answering,
    open_,
    require,
    stopped_by_signals,
)
from pingregistrywf.cli.daemons import LogJsonOption, log
from pingregistrywf.cli.services import ServiceModelOption, declared_service
from pingregistrywf.cli.tls_files import read_tls

if TYPE_CHECKING:
    from pingregistrywf.coordination.waiting import Stop
    from pingregistrywf.runtime.journal import Journal
    from pingregistrywf.runtime.operations import Interpreter
    from pingregistrywf.runtime.services import Service
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
_HIGHEST_PORT: Final = 65_535
PORT: Final = 7550
"""The port that clients of the 2019 system dial unless told otherwise."""


def serve(
    names: Annotated[
        list[str],
        Option(
            "--registry",
            metavar="NAME",
            help="A registry to serve; give one for each, or '*' to serve all that are asked for.",
            autocompletion=completion.registries,
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
            help="Try it out with the certificates and tokens of a directory; make it if missing.",
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
    model: ServiceModelOption = None,
    log_json: LogJsonOption = False,
) -> None:
    """Serve registries over gRPC to the admins and servers of the 2019 system, until stopped.

    With --auth, callers may do what their roles allow.  Without it, anybody who can connect may do
    anything with the registries that are served.  Unless both --tls-cert
    and --auth are given, it listens on the loopback alone.

    With --model it serves a workflow of your own, to whoever speaks the service that you declare,
    or pingregistrywf.v1.
    """
    require("service")
    import asyncio

    from pingregistrywf.service.grpc.auth.keys import AuthFileError
    from pingregistrywf.service.grpc.serving import serve_until

    with answering(AuthFileError):
        if model and (gather or collect):
            raise CannotRunError(
                "--gather and --collect are daemons of the ping registry: leave them with --model,"
                " and run daemons of your own"
            )
        service = declared_service(model)
        callers = {role: (role,) for role in service.roles} if model else _CALLERS
        made = _development(dev, callers, names, tls_cert, tls_key, client_ca, auth)
        if made is not None:
            tls_cert, client_ca, auth = made.server, made.ca, made.auth
        tls = read_tls(tls_cert, tls_key, client_ca)
        _check_listen(listen, tls, auth)
        authenticator = _authenticator(auth, tls, service)
        limits, scraped = _limits(limit or []), _place("--metrics", metrics)
        log(as_json=log_json)
        with (
            open_(journal) as opened,
            stopped_by_signals() as stop,
            _housekeeping(opened, names, stop, gather=gather, collect=collect),
            _metrics(scraped) as counting,
        ):
            asyncio.run(
                serve_until(
                    stop,
                    service,
                    opened,
                    _operations(service, opened, own=not model),
                    names,
                    listen,
                    tls,
                    authenticator,
                    listening=None if made is None else partial(_tell, made, model, callers, names),
                    limits=limits,
                    metrics=counting,
                )
            )


def _operations(service: Service, journal: Journal, *, own: bool) -> Interpreter:
    """Return what runs a service's operations."""
    if not own:
        return service.operations(journal)
    from pingregistrywf.coordination.outside import OutsideOperations

    return OutsideOperations(journal)


@contextmanager
def _housekeeping(
    journal: Journal, names: Sequence[str], stop: Stop, *, gather: bool, collect: bool
) -> Iterator[None]:
    """Run the daemons that are asked for."""
    if not (gather or collect):
        yield
        return
    from pingregistrywf.coordination.housekeeping import housekeeping
    from pingregistrywf.coordination.registry import PingRegistry
    from pingregistrywf.service.grpc.every import EVERY

    if EVERY in names:
        raise CannotRunError("--gather and --collect need the names of registries, not '*'")
    registries = [PingRegistry(journal, name) for name in names]
    with housekeeping(registries, stop, gather=gather, collect=collect):
        yield


@contextmanager
def _metrics(scraped: tuple[str, int] | None) -> Iterator[Metrics | None]:
    """Yield metrics that Prometheus reads, if it is asked for."""
    if scraped is None:
        yield None
        return
    from pingregistrywf.runtime.log import logged
    from pingregistrywf.service.grpc.metrics import Metrics
    from pingregistrywf.service.grpc.server import check_free

    check_free(f"{scraped[0]}:{scraped[1]}")
    metrics = Metrics()
    port, stop = metrics.listen(*scraped)
    logged(logging.getLogger("pingregistrywf.service"), "metrics", address=f"{scraped[0]}:{port}")
    try:
        yield metrics
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
    if int(port) > _HIGHEST_PORT:
        raise CannotRunError(f"{option}: a port is a number from 0 to {_HIGHEST_PORT}, not {port}")
    return host.strip("[]"), int(port)


def _development(
    dev: Path | None,
    callers: Mapping[str, Sequence[str]],
    names: Sequence[str],
    *given: Path | None,
) -> Development | None:
    """Return the directory to try things out with, if one is asked for."""
    if dev is None:
        return None
    if any(given):
        raise CannotRunError("--dev brings its own --tls-cert, --client-ca and --auth: leave them")
    from pingregistrywf.service.grpc.development import made

    return made(dev, callers, names)


def _tell(
    made: Development,
    model: Sequence[Path] | None,
    callers: Mapping[str, Sequence[str]],
    names: Sequence[str],
    port: int,
) -> None:
    """Print lines to paste into a shell, for each kind of caller."""
    files = "".join(f" --model {shlex.quote(str(each.resolve()))}" for each in model or ())
    lines = []
    for caller, roles in callers.items():
        url = shlex.quote(_url(made, caller, port))
        command = "adapter" if model else _COMMANDS[caller].format(names[0])
        lines += [
            f"# {caller}: may do what {' and '.join(roles)} may",
            f"pingregistrywf {command}{files} --service {url}",
        ]
    first, shown = next(iter(callers)), shlex.quote(str(made.directory.resolve()))
    inspect = f"pingregistrywf token inspect {shown}/{first}.token --auth {shown}/auth.yaml{files}"
    lines += ["# what a token says", inspect]
    if not model:
        admin = (
            f"nogfsoctl --nogfsoregd=localhost:{port} --tls-ca={shown}/ca.pem"
            f" --tls-cert={shown}/admin.pem --jwt={shown}/admin.token --jwt-auth=no"
            f" ping-registry begin {names[0]} --no-vid --workflow={uuid4()}"
        )
        lines += ["# the 2019 system's admin client", admin]
    typer.echo("\n".join(lines))


def _url(made: Development, caller: str, port: int) -> str:
    """Return the service's URL with the files of a caller."""
    files = {"ca": made.ca, "cert": made.certificate(caller), "token_file": made.token(caller)}
    options = "&".join(f"{name}={quote(str(each.resolve()))}" for name, each in files.items())
    return f"grpcs://localhost:{port}?{options}"


def _authenticator(file: Path | None, tls: Tls | None, service: Service) -> Authenticator | None:
    """Read who may do what."""
    if file is None:
        return None
    from pingregistrywf.service.grpc.auth.file import read_auth_file

    authenticator = read_auth_file(file, service.roles)
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
