"""What keeps a journal on NATS from being opened or used, each told in one line with a remedy."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf.runtime.errors import DBError, JournalOpenError, VersionConflictError
from pingregistrywf.runtime.ids import EPOCH
from pingregistrywf.runtime.journal import NO_HEAD, Entry, open_journal
from pingregistrywf.runtime.journal.nats.address import Address
from pingregistrywf.runtime.journal.nats.connection import Attempts, Connection
from pingregistrywf.runtime.journal.nats.failures import ApiError
from pingregistrywf.testing.journal import CHART, IDS, post

from ...nats.cluster import Cluster, server_program, wait_until
from ...ports import free_ports

ACCOUNTS = """
accounts {
  A {
    jetstream: enabled
    users: [
      { user: all, password: secret }
      { user: deaf, password: secret, permissions: { subscribe: "_INBOX.>" } }
      { user: reader, password: secret, permissions: { publish: { allow: [
        "$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.MSG.GET.*"] } } }
    ]
  }
  B { users: [ { user: elsewhere, password: secret } ] }
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HOST:PORT of a server with users."""
    with Cluster(tmp_path_factory.mktemp("nats"), 1, ACCOUNTS) as server:
        yield server.nodes[0].address


def refusal(url: str, *, create: bool = True) -> JournalOpenError:
    """Why a journal is not opened."""
    with pytest.raises(JournalOpenError) as caught:
        open_journal(url, create=create)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.remedy
    return caught.value


def api(server: str, request: str, body: dict[str, Any]) -> None:
    """Ask the JetStream API for something, as an operator would."""
    connection = Connection(Address.parse(f"nats://all:secret@{server}/any"))
    try:
        connection.run(connection.ask(request, body))
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("nats:", "names no server"),
        ("nats:host/stream", "names no server"),
        ("nats://", "names no stream"),
        ("nats://host", "names no stream"),
        ("nats://host/", "names no stream"),
        ("nats://host/a.b", "'a.b' is no name of a stream"),
        ("nats:///stream", "'' is no HOST:PORT"),
        ("nats://one,two:x/stream", "'two:x' is no HOST:PORT"),
        ("nats://host:99999/stream", "'host:99999' is no HOST:PORT"),
        ("nats://me:secret@host/stream?replicas=2", "replicas is not '2'"),
        ("nats://host/stream?streams=0", "streams is not '0'"),
        ("nats://host/stream?allow_server=old", "allow_server is not 'old'"),
        ("nats://host/stream?tls=no", "tls is not 'no'"),
        ("nats://host/stream?color=red", "there is no option 'color'"),
        ("nats://host/stream?streams=1&streams=1", "streams is given twice"),
        ("nats://host/stream?tls_ca=/nowhere", "the certificates cannot be used"),
    ],
)
def test_a_url_that_makes_no_sense(url: str, cause: str) -> None:
    assert cause in refusal(url).cause


def test_the_url_goes_before_the_environment() -> None:
    environment = {"NATS_USER": "one", "NATS_PASSWORD": "two", "NATS_CA": "three"}
    address = Address.parse("nats://host/stream", environment)
    assert (address.user, address.password, address.tls_ca) == ("one", "two", "three")
    address = Address.parse("nats://me@host/stream?tls_ca=a%26b", environment)
    assert (address.user, address.password, address.tls_ca) == ("me", None, "a&b")
    address = Address.parse("nats://host,other:1/stream?nkey=seed", environment)
    assert (address.user, address.nkey) == (None, "seed")
    assert address.servers == ("nats://host:4222", "nats://other:1")


def test_no_server() -> None:
    (port,) = free_ports(1)
    assert (
        f"no NATS server answers at 127.0.0.1:{port}" in refusal(f"nats://127.0.0.1:{port}/x").cause
    )


def test_no_jetstream(server: str) -> None:
    cause = refusal(f"nats://elsewhere:secret@{server}/x").cause
    assert cause == "the server has no JetStream, which stores messages"


def test_no_jetstream_at_all(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with subprocess.Popen(
        [server_program(), "--addr", "127.0.0.1", "--port", str(port)], stderr=subprocess.DEVNULL
    ) as running:
        try:
            wait_until(lambda: listens(port), 20, lambda: "the server does not start")
            cause = refusal(f"nats://127.0.0.1:{port}/x").cause
            assert cause == "the server has no JetStream, which stores messages"
            cause = refusal(f"nats://127.0.0.1:{port}/x?tls=yes").cause
            assert cause == "the server does not speak TLS"
        finally:
            running.kill()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("login", ["", "all:wrong@", "nobody:secret@"])
def test_a_user_who_may_not_enter(server: str, login: str) -> None:
    assert "does not let this user in" in refusal(f"nats://{login}{server}/x").cause


def test_missing_permissions(server: str) -> None:
    url = f"nats://reader:secret@{server}/permitted"
    assert "may not publish to $JS.API.STREAM.CREATE.permitted" in refusal(url).cause
    with open_journal(f"nats://all:secret@{server}/permitted") as journal:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
    with open_journal(url) as journal:
        assert journal.read(history).head == head
        with pytest.raises(DBError, match=r"this user may not publish to permitted\.0\.") as caught:
            post(journal, history, head)
        assert caught.value.definite


def test_a_user_who_may_not_hear_of_races(server: str) -> None:
    with open_journal(f"nats://deaf:secret@{server}/unheard") as journal:
        history = uuid4()
        with journal.exclusive(history):
            head, _ = post(journal, history, NO_HEAD)
        with pytest.raises(VersionConflictError):
            post(journal, history, NO_HEAD)
        with journal.exclusive(history):
            post(journal, history, head)


def test_no_journal_there(server: str) -> None:
    assert refusal(f"nats://all:secret@{server}/x", create=False).cause == "there is no stream 'x'"


def answer_first(monkeypatch: pytest.MonkeyPatch, error: ApiError, times: int) -> None:
    """Let the first requests for a new stream be answered by an error."""
    answered, left = Connection.answered, [error] * times

    async def sent(self: Connection, subject: str, *more: Any) -> dict[str, Any]:
        if "STREAM.CREATE" in subject and left:
            raise left.pop()
        return await answered(self, subject, *more)

    monkeypatch.setattr(Connection, "answered", sent)


@pytest.mark.parametrize(
    ("code", "status"),
    [(10004, 503), (10005, 400), (10007, 500), (10008, 503), (10009, 500), (10041, 500)],
)
def test_a_cluster_that_elects_a_leader_is_asked_again(
    server: str, monkeypatch: pytest.MonkeyPatch, code: int, status: int
) -> None:
    answer_first(monkeypatch, ApiError(code, status, "not yet"), 3)
    with open_journal(f"nats://all:secret@{server}/electing{code}") as journal:
        post(journal, uuid4(), NO_HEAD)


def test_a_cluster_that_does_not_come_back(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Attempts.__init__

    def begin_impatiently(self: Attempts) -> None:
        begin(self)
        self._end = asyncio.get_running_loop().time() + 0.1

    monkeypatch.setattr(Attempts, "__init__", begin_impatiently)
    answer_first(monkeypatch, ApiError(10005, 400, "no suitable peers, peer offline"), 1000)
    error = refusal(f"nats://all:secret@{server}/offline")
    assert "the server answered: no suitable peers, peer offline (10005)" in error.cause
    assert "wait until the servers of the cluster run" in error.remedy


def test_more_replicas_than_servers(server: str) -> None:
    assert "replicas > 1 not supported" in refusal(f"nats://all:secret@{server}/x?replicas=3").cause


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"storage": "memory"}, "storage is memory and not file"),
        ({"allow_direct": True}, "allow_direct is true and not false"),
        ({"max_age": 10**12}, "max_age is 1000000000000 and not 0"),
        ({"max_bytes": 10**6}, "max_bytes is 1000000 and not -1"),
        ({"max_msgs": 9, "discard": "old"}, "discard is old and not new, max_msgs is 9 and not -1"),
        ({"max_msgs_per_subject": 9, "discard": "old"}, "max_msgs_per_subject is 9 and not -1"),
        ({"allow_atomic": False}, "allow_atomic is false and not true"),
        ({"metadata": {}}, "is no journal of this package"),
    ],
)
def test_a_stream_with_other_settings(server: str, settings: dict[str, Any], cause: str) -> None:
    name = f"other-{uuid4().hex}"
    sound = {
        "name": name,
        "subjects": [f"{name}.0.*"],
        "discard": "new",
        "allow_atomic": True,
        "metadata": {
            "pingregistrywf-journal": str(uuid4()),
            "pingregistrywf-streams": "1",
        },
    }
    api(server, f"STREAM.CREATE.{name}", {**sound, **settings})
    assert cause in refusal(f"nats://all:secret@{server}/{name}").cause


def test_the_number_of_streams_is_fixed(server: str) -> None:
    with open_journal(f"nats://all:secret@{server}/several?streams=3") as journal:
        history = uuid4()
        head, _ = post(journal, history, NO_HEAD)
    cause = refusal(f"nats://all:secret@{server}/several?streams=2").cause
    assert cause == "the journal has streams=3, and the URL says streams=2"
    with open_journal(f"nats://all:secret@{server}/several") as journal:
        assert journal.read(history).head == head


def test_an_event_that_is_too_large(server: str) -> None:
    with open_journal(f"nats://all:secret@{server}/large") as journal:
        history, entry = uuid4(), Entry(IDS.next(EPOCH), EPOCH, bytes(2_000_000))
        with pytest.raises(DBError, match="raise their max_payload") as caught:
            journal.commit(history, NO_HEAD, [entry], chart=CHART)
        assert caught.value.definite
        assert journal.read(history).head == NO_HEAD


@contextmanager
def old_server(version: str) -> Iterator[str]:
    """Something that greets as a server of a version does; its HOST:PORT."""
    info = {"server_id": "old", "version": version, "max_payload": 1_000_000, "jetstream": True}

    def serve(listening: socket.socket) -> None:
        client, _ = listening.accept()
        with client:
            client.sendall(b"INFO " + json.dumps(info).encode() + b"\r\n")
            while received := client.recv(4096):
                if b"PING" in received:
                    client.sendall(b"PONG\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        serving.join()


@pytest.mark.parametrize("version", ["2.9.10", "2.14.9", "2.15.0-RC.1", ""])
def test_an_old_server(version: str) -> None:
    with old_server(version) as place:
        error = refusal(f"nats://{place}/x?allow_server=2.9.9")
    assert f"nats-server {version or 'of an unknown version'}" in error.cause
    assert f"allow_server={version.partition('-')[0]}" in error.remedy
