"""The demonstration: a whole workflow in one command."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import uuid4

import typer
from typer import Option

from pingregistrywf.cli.common import (
    JOURNAL_VARIABLE,
    CannotRunError,
    called,
    json_wanted,
    open_,
    print_json,
    print_timeline,
    require,
    shown_url,
    with_json,
)


@with_json
def demo(
    servers: Annotated[
        int, Option(min=1, max=64, metavar="N", help="How many servers take part.")
    ] = 3,
    pings: Annotated[
        int, Option(min=0, metavar="N", help="How many pings each participant posts.")
    ] = 3,
    duration: Annotated[
        float, Option(min=0.0, metavar="S", help="Seconds from the start to the deadline.")
    ] = 4.0,
    interval: Annotated[
        float, Option(min=0.0, metavar="S", help="Seconds between two pings of one participant.")
    ] = 0.4,
    failing: Annotated[
        int,
        Option(
            "--failing",
            "--failing-servers",
            min=0,
            metavar="N",
            help="How many servers are not well.",
        ),
    ] = 1,
    chaos: Annotated[
        bool, Option("--chaos", help="Kill a server on the way, and start it again.")
    ] = False,
    journal: Annotated[
        str,
        Option(
            metavar="URL",
            envvar=JOURNAL_VARIABLE,
            help="The journal; a temporary file unless given.",
            show_default=False,
        ),
    ] = "",
    service: Annotated[
        bool,
        Option("--service", help="Put a service before the journal, in a process, with TLS."),
    ] = False,
) -> None:
    """Run a whole workflow: an admin, servers and a gatherer, each a process of its own."""
    from pingregistrywf._generated.ping_registry import DECLARATION, Workflows
    from pingregistrywf.coordination.demo import REGISTRY, Plan, run

    if failing > servers:
        raise CannotRunError(f"{failing} of {servers} servers cannot fail: give fewer --failing")
    if journal.startswith("memory:"):
        raise CannotRunError("processes cannot share memory: use --journal sqlite:PATH")
    if not journal:
        journal = f"sqlite:{Path(tempfile.mkdtemp(prefix='pingregistrywf-')) / 'demo.db'}"
    plan = Plan(servers, pings, interval, duration, failing, chaos)
    workflow_id = uuid4()
    serving = _served(journal, REGISTRY) if service else nullcontext(journal)
    with serving as url, open_(url) as opened:
        if not json_wanted():
            typer.echo(f"registry  {REGISTRY}\nworkflow  {workflow_id}\n")
        # Closed in any case: an interrupted demonstration ends its processes at once.
        with closing(run(opened, plan, workflow_id)) as lines:
            print_timeline(lines, seconds=duration)
        state = Workflows(opened).find_id(workflow_id)
    shown = shown_url(journal)
    where = ["--workflow", str(workflow_id), "--journal", shown]
    if shown != journal and os.environ.get(JOURNAL_VARIABLE) == journal:
        where = where[:2]  # the variable has the password, which is not shown
    again = shlex.join([*called(), "events", REGISTRY, *where])
    summary = state.summary_status
    final = DECLARATION.state_names[state.state_code]
    fields = {
        "registry": REGISTRY,
        "workflow": workflow_id,
        "state": final,
        "pings": state.num_pings,
        "summary": {"code": summary.code, "message": summary.message},
        "journal": shown,
        "command": again,
    }
    if json_wanted():
        print_json(fields)
        return
    # Not wrapped, so that the command can be copied.
    typer.echo(
        f"\nsummary   {summary.code} {summary.message}\nstate     {final}"
        f"\njournal   {shown}\nread it   {again}"
    )


@contextmanager
def _served(journal: str, registry: str) -> Iterator[str]:
    """Serve a journal in a process of its own, with a certificate made for it; give the URL."""
    require("service")
    from pingregistrywf.service.grpc.development import made

    with tempfile.TemporaryDirectory(prefix="pingregistrywf-") as directory:
        files = made(Path(directory) / "tls", {}, [registry])
        words = ["serve", "--registry", registry, "--journal", journal, "--log-json"]
        words += ["--listen", "127.0.0.1:0", "--tls-cert", str(files.server)]
        with subprocess.Popen(  # noqa: S603 (this very program)
            [sys.executable, "-m", "pingregistrywf", *words], stderr=subprocess.PIPE
        ) as process:
            log = iter(process.stderr or ())
            # A pipe that nobody reads becomes full, and the service would wait in each record.
            reader = threading.Thread(target=deque, args=(log, 0))
            try:
                address = _address(log)
                reader.start()
                yield f"grpcs://{address}?ca={quote(str(files.ca))}"
            finally:
                process.terminate()
                process.wait()
                if reader.is_alive():
                    reader.join()


def _address(log: Iterator[bytes]) -> str:
    """Return where a service says in its log that it listens.

    Raises:
        ChildProcessError: it ended before.
    """
    line = b""
    for line in log:
        address = json.loads(line).get("address") if line.startswith(b"{") else None
        if address is not None:
            return str(address)
    said = line.decode(errors="backslashreplace").strip().removeprefix("pingregistrywf: ")
    raise ChildProcessError(f"the service ended before it listened: {said or 'it did not say why'}")
