"""Clients of a service: the facades, the registry and the command line on ``grpc://`` URLs."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    NO_VC,
    ArgumentNotIdempotentError,
    CmdAppendPing,
    CmdInit,
    JournalClosedError,
    JournalError,
    JournalOpenError,
    JournalUnusableError,
    PingRegistry,
    StateConflictError,
    UlidSource,
    UninitializedError,
    UnknownWorkflowError,
    VersionConflictError,
    open_journal,
)

from ...command_line import run as command
from .certificates import Authority
from .processes import RUN, ServerProcess
from .serving import TIMEOUT


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ca")


def test_a_registry_on_a_service(tmp_path: Path) -> None:
    with (
        ServerProcess(f"sqlite:{tmp_path / 'pings.db'}") as server,
        open_journal(f"grpc://{server.address}") as journal,
    ):
        registry, workflow = PingRegistry(journal, "reg"), uuid4()
        begun = registry.begin(workflow)
        assert registry.begin(workflow) == begun
        feed, stream = registry.workflows.feed(), registry.workflows.follow(workflow)
        pinged = registry.ping(workflow, 3, "m")
        assert registry.get(workflow).state.vid == pinged
        unlist = registry.indexes.delete_ping_registry
        refusals = [
            (VersionConflictError, lambda: registry.ping(workflow, 0, "m", vid=EPOCH)),
            (StateConflictError, lambda: registry.commit(workflow)),
            (UninitializedError, lambda: registry.get(uuid4())),
            (UnknownWorkflowError, lambda: unlist(registry.index_id, NO_VC, uuid4())),
            (JournalUnusableError, lambda: PingRegistry(journal, "other").begin(uuid4())),
            (JournalUnusableError, lambda: journal.collect()),
        ]
        for kind, refused in refusals:
            with pytest.raises(kind) as caught:
                refused()
            assert caught.value.definite
        other = registry.workflows
        third = uuid4()
        other.init(third, CmdInit(registry_id=registry.id))
        with pytest.raises(StateConflictError, match="Commit is not allowed in Initialized"):
            other.commit(third, other.find_id(third).vid)
        explained = other.explain(third, CmdAppendPing(code=0, message=""))
        assert [type(each).__name__ for each in explained.events] == ["ServerPinged"]
        registry.gather(workflow, 1, "done")
        registry.commit(workflow)
        assert other.happened(workflow, [pinged])
        assert not other.happened(workflow, [UlidSource().next(EPOCH)])
        names = [type(each).__name__ for each in stream]
        assert names == [type(each).__name__ for each in other.events(workflow)]
        assert [each.position for each in feed.read()][-1] == feed.position
        with pytest.raises(ArgumentNotIdempotentError) as argument:
            PingRegistry(journal, "reg", namespace=UUID(int=1)).workflows.init(
                third, CmdInit(registry_id=uuid4())
            )
        assert argument.value.arg == "RegistryId"
        subscription = journal.subscribe()
        journal.close()
        assert not subscription.wait()
        with pytest.raises(JournalError, match="closed"):
            registry.ping(workflow, 0, "m")
        for late in (journal.subscribe, journal.feed):  # a wait would never end
            with pytest.raises(JournalClosedError):
                late()


def test_the_command_line_on_a_service(tmp_path: Path, authority: Authority) -> None:
    pem = str(authority.issue("server"))
    client = str(authority.issue("client"))
    ca = str(authority.certificate)
    options = ("--gather", "--tls-cert", pem, "--client-ca", ca)
    with ServerProcess(f"sqlite:{tmp_path / 'pings.db'}", *options) as server:
        url = f"grpcs://{server.address}?ca={ca}"
        environment = {"PINGREGISTRYWF_SERVICE": url, "PINGREGISTRYWF_SERVICE_CERT": client}

        def run(*words: str) -> list[str]:
            done = subprocess.run(
                [*RUN, *words], capture_output=True, text=True, env=environment, check=False
            )
            return [*done.stdout.splitlines(), f"exit {done.returncode}"]

        workflow = str(uuid4())
        assert run("begin", "reg", "--workflow", workflow)[-1] == "exit 0"
        listed = run("list", "reg", "--service", f"{url}&cert={client}")
        assert listed[1].startswith(workflow)
        assert run("commit", "reg", "--workflow", workflow, "--vid", str(EPOCH))[-1] == "exit 1"


def test_the_collector_is_refused_at_once_on_a_service(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'pings.db'}"
    old = UUID(int=5)
    with open_journal(url, clock=lambda: time.time() - 2 * 86_400) as journal:
        PingRegistry(journal, "reg").begin(old)
    with ServerProcess(url) as server:
        service = f"grpc://{server.address}"
        done = command("collect", "reg", "--journal", service)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert "run 'pingregistrywf collect reg --journal URL' where its journal is" in line
        planned = command("collect", "reg", "--journal", service, "--dry-run")
        assert (planned.returncode, planned.stdout) == (0, f"expire    {old}\n")
    collected = command("collect", "reg", "--journal", url)
    assert collected.stdout.startswith(f"expire    {old}\n")  # the refused run had not done it


def test_a_client_that_waits_for_changes_has_no_thread_beside_that_which_reads() -> None:
    """gRPC's other way of streaming has two, which wake each other ten times a second."""
    program = (
        "import sys, threading\n"
        "from pingregistrywf import open_journal\n"
        "with open_journal(sys.argv[1]) as journal, journal.subscribe() as subscription:\n"
        f"    assert subscription.wait({TIMEOUT})  # the stream has begun\n"
        "    print(*(each.name for each in threading.enumerate()), sep=', ')\n"
    )
    with ServerProcess("memory:") as server:
        done = subprocess.run(
            [sys.executable, "-c", program, f"grpc://{server.address}"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout == "MainThread, service watch\n", done.stderr


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a.b.c\n", encoding="utf-8")
    wrong = {
        "grpcs://host": "not HOST:PORT",
        "grpc://127.0.0.1:1": "no service answers at 127.0.0.1:1",
        f"grpcs://127.0.0.1:1?ca={tmp_path / 'no'}": "the file of ca cannot be read",
        f"grpc://127.0.0.1:1?token_file={token}": "anybody can read",
        "grpc://127.0.0.1:1?color=red": "there is no option 'color'",
    }
    for url, cause in wrong.items():
        with pytest.raises(JournalOpenError, match=cause):
            open_journal(url)
