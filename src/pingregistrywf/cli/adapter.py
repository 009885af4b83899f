"""The command ``adapter``: generated packages as a reference implementation behind the protocol."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from pingregistrywf import __version__
from pingregistrywf.cli.common import (
    JOURNAL_VARIABLE,
    SERVICE_VARIABLE,
    CannotRunError,
    ModelOption,
    answering,
    open_,
    require,
)
from pingregistrywf.cli.declarations import imported_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pingregistrywf.runtime.journal import Journal
    from pingregistrywf.service.stdio import Adapter

STORE_VARIABLE: Final = "PINGREGISTRYWF_ADAPTER_STORE"


def adapter(
    journal: Annotated[
        str,
        typer.Option(
            "--journal",
            "--service",
            metavar="URL",
            envvar=[JOURNAL_VARIABLE, SERVICE_VARIABLE],
            help=f"The journal, or grpcs://HOST:PORT for a service under test; a file in the"
            f" directory that {STORE_VARIABLE} names, if it names one, else memory:.",
            show_default=False,
        ),
    ] = "",
    rpc: Annotated[
        Literal["v1", "2019"],
        typer.Option(
            "--rpc",
            metavar="v1|2019",
            help="How the service under test is asked: by pingregistrywf.v1, or by the services of"
            " the 2019 system with what they can carry.",
        ),
    ] = "v1",
    model: ModelOption = None,
) -> None:
    """Answer adapter protocol 1 on standard input and output: the reference implementation.

    With --model it is the reference implementation of charts of your own.  With --service the
    commands are those of a service, which must serve every registry: its --registry is '*'.  With
    --rpc 2019 that may be any server that answers PingRegistry, EphemeralRegistry and
    LiveBroadcast.
    """
    require("conformance", "orjson")
    if rpc == "2019":
        _serve_methods(journal, model or [])
        return
    from pingregistrywf.runtime.deciding import Deciding
    from pingregistrywf.service.daemon_requests import SettableClock
    from pingregistrywf.service.stdio import serve

    store = os.environ.get(STORE_VARIABLE)
    url = journal or (f"sqlite:{Path(store) / 'adapter.db'}" if store else "memory:")
    clock = SettableClock()
    with answering(), open_(url, clock=clock) as opened:
        outlives = url != "memory:" and not isinstance(opened, Deciding)
        made = reference(opened, model or [], outlives=outlives)
        serve(made, sys.stdin.buffer, sys.stdout.buffer)


def _serve_methods(url: str, model: Sequence[Path]) -> None:
    """Answer for the server that a URL names, by the methods of the 2019 system."""
    with answering():
        if not url.startswith(("grpc://", "grpcs://")):
            raise CannotRunError("--rpc 2019 asks a server: give --service grpcs://HOST:PORT")
        if model:
            raise CannotRunError("--rpc 2019 is for the ping-registry charts: leave out --model")
        require("service")
        from pingregistrywf._generated.ping_registry_service import SERVICE
        from pingregistrywf.runtime.remote.address import Address
        from pingregistrywf.runtime.remote.connection import Connection
        from pingregistrywf.service.grpc.methods_adapter import MethodsAdapter
        from pingregistrywf.service.stdio import serve

        with closing(Connection(Address.parse(url))) as connection:
            connection.check()
            serve(MethodsAdapter(SERVICE, connection), sys.stdin.buffer, sys.stdout.buffer)


def reference(journal: Journal, files: Sequence[Path] = (), *, outlives: bool = False) -> Adapter:
    """Return the reference implementation of some charts; of this project's own without files.

    Args:
        journal: where the events rest.
        files: charts of others.
        outlives: whether the journal outlives this process.
    """
    return references(files)(journal, outlives=outlives)


def references(files: Sequence[Path] = ()) -> Callable[..., Adapter]:
    """Return what makes reference implementations of some charts, which are read once.

    It takes the arguments of ``reference`` but the files.
    """
    from pingregistrywf.runtime.behavior import Behavior
    from pingregistrywf.runtime.deciding import Deciding
    from pingregistrywf.runtime.operations import Interpreter
    from pingregistrywf.service.daemon_requests import DaemonRequests, SettableClock
    from pingregistrywf.service.requests import Service
    from pingregistrywf.service.stdio import Adapter, CrashPoint

    behaviors: list[type[Behavior[Any, Any, Any]]]
    makers: list[Callable[..., Interpreter]]
    if files:
        model, packages = imported_model(files)
        behaviors = [packages[name].Behavior for name in model.charts]
        makers = [packages[name].Operations for name in model.operations]
    else:
        from pingregistrywf._generated import ping_registry, ping_registry_index
        from pingregistrywf.coordination.outside import OutsideOperations

        behaviors = [ping_registry.Behavior, ping_registry_index.Behavior]
        makers = [OutsideOperations]

    def made(journal: Journal, *, outlives: bool = False) -> Adapter:
        crash = CrashPoint()
        operations = [make(journal, observers=[crash]) for make in makers]
        # Daemons are those of our own charts; a journal behind a service has its own clock.
        clock, daemons = journal.clock, None
        if isinstance(clock, SettableClock) and not isinstance(journal, Deciding) and not files:
            daemons = DaemonRequests(journal, clock).answer
        service = Service(behaviors, journal, operations, daemons)
        return Adapter(service, __version__, crash if outlives else None)

    return made
