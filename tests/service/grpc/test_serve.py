"""The command ``serve``, as a process of its own."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import grpc
import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.auth.keys import AuthFileError
from pingregistrywf.service.grpc.development import Development, made
from pingregistrywf.service.grpc.messages import Messages

from ...command_line import run
from .certificates import Authority
from .processes import RUN, ServerProcess
from .serving import TIMEOUT

WORKFLOW = UUID(int=7)


@pytest.mark.slow
def test_a_server_that_gathers_and_is_stopped(tmp_path: Path) -> None:
    messages = Messages(SERVICE)
    options = ("--gather", "--collect", "--metrics", "127.0.0.1:0", "--limit", "streams=5")
    url = f"sqlite:{tmp_path / 'pings.db'}"
    with ServerProcess(url, *options) as server:
        with grpc.insecure_channel(server.address) as channel:
            begin = channel.unary_unary("/nogfso.PingRegistry/BeginPingRegistry")
            request = messages._class("BeginPingRegistryI")(registry="reg", workflow=WORKFLOW.bytes)
            begin(request.SerializeToString(), timeout=TIMEOUT)
            events = channel.unary_stream("/nogfso.EphemeralRegistry/RegistryWorkflowEvents")
            watched = messages._class("RegistryWorkflowEventsI")(
                registry="reg", workflow=WORKFLOW.bytes, watch=True
            )
            for data in events(watched.SerializeToString(), timeout=TIMEOUT):
                reply = messages._class("RegistryWorkflowEventsO").FromString(data)
                if any(each.status_message == "gatherer ping 1" for each in reply.events):
                    break
        assert server.stop() == 128 + signal.SIGTERM
        actions = [each["action"] for each in server.log]
        assert actions[-1] == "stopped"
        assert "draining" in actions
    with open_journal(url) as journal:
        assert PingRegistry(journal, "reg").get(WORKFLOW).state.num_pings >= 1


@pytest.mark.slow
def test_a_directory_to_try_it_out(tmp_path: Path) -> None:
    place = tmp_path / "a place"
    url = f"sqlite:{tmp_path / 'pings.db'}"
    with ServerProcess(url, "--dev", str(place)) as server:
        address, printed = server.address, server.process.stdout
        assert printed is not None
        lines = [printed.readline() for _ in range(12)]
        assert call(address, place, "reader", "reader") == "OK"
        assert call(address, place, "reader", None) == "OK"
        assert call(address, place, "reader", "server") == "OK"
        assert call(address, place, None, "reader") == "UNAVAILABLE"
        shown = {each.split()[1]: each for each in lines if each.startswith("pingregistrywf ")}
        assert list(shown) == ["begin", "server", "gather", "list", "token"]
        (begun,) = re.findall(r"[-0-9a-f]{36}", shell(shown["begin"]))
        quick = shown["gather"].replace("gather reg", "gather reg --duration 1 --interval 0.1")
        admin = shown["begin"].replace("begin reg", "{} reg --workflow {}").strip()
        with daemon(shown["server"]):
            until = time.monotonic() + TIMEOUT
            # The deadline of the workflow is over when the gatherer starts: it waits for nobody.
            while "one ping" not in (got := shell(admin.format("get", begun))):
                assert time.monotonic() < until, got
            with daemon(quick):
                assert "summary" in shell(admin.format("get --wait 60", begun))
        assert shell(admin.format("commit", begun))
        reader = shown["list"].replace("list reg", "{} reg").strip()
        assert begun in shell(shown["list"])
        assert "PingRegistryCommitted" in shell(reader.format(f"events --workflow {begun}"))
        with daemon(reader.format("watch --json")) as watching:
            assert watching.stdout is not None
            (record,) = [json.loads(watching.stdout.readline())]
        assert record["workflow"] == begun
        refused = run(*shlex.split(reader.format("begin"))[1:])
        assert refused.returncode != 0
        assert "default deny" in refused.stderr
        assert shell(shown["token"]).endswith("taken  admin of reg; reader of reg\n")
    assert lines[-1].startswith(f"nogfsoctl --nogfsoregd=localhost:{address.rpartition(':')[2]} ")
    before = {each: each.read_bytes() for each in place.iterdir()}
    assert made(place, {"boss": ["admin"]}, ["reg"]) == Development(place)
    assert {each: each.read_bytes() for each in place.iterdir()} == before
    with pytest.raises(AuthFileError, match="has expired: name another directory"):
        made(place, {}, [], now=time.time() + 31 * 86_400)
    (mode,) = {each.stat().st_mode & 0o777 for each in place.iterdir()}
    assert mode == 0o600


def shell(line: str) -> str:
    """Run a line as in a shell, and return what it prints."""
    program, *words = shlex.split(line)
    assert program == "pingregistrywf"
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def daemon(line: str) -> Iterator[subprocess.Popen[str]]:
    """Run a line as a daemon of a shell, until it is no longer needed."""
    words = shlex.split(line)[1:]
    with subprocess.Popen(
        [*RUN, *words], stdout=subprocess.PIPE, stderr=None, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def call(address: str, place: Path, certificate: str | None, token: str | None) -> str:
    """Ask for the registries as the files in a directory allow; return the status."""
    pem = (place / f"{certificate}.pem").read_bytes() if certificate else None
    secure = grpc.ssl_channel_credentials((place / "ca.pem").read_bytes(), pem, pem)
    shown = (place / f"{token}.token").read_text().strip() if token else None
    metadata = (("authorization", f"Bearer {shown}"),) if shown else ()
    with grpc.secure_channel(address.replace("127.0.0.1", "localhost"), secure) as channel:
        try:
            channel.unary_unary("/nogfso.Main/GetRegistries")(
                b"", timeout=TIMEOUT, metadata=metadata
            )
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a CA's certificate, and a server's with its key, in one file and apart."""
    place = tmp_path_factory.mktemp("pems")
    authority = Authority(place, "ca")
    pem = authority.issue("server")
    return {"ca": authority.certificate, "pem": pem, "key": place / "server.key"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "--listen 0.0.0.0:0",
            "--listen: others can connect to 0.0.0.0; give --tls-cert and --auth",
        ),
        ("--listen 0.0.0.0:0 --auth roles.yaml", "--listen: others can connect to 0.0.0.0"),
        ("--listen 0.0.0.0:0 --tls-cert {pem}", "--listen: others can connect to 0.0.0.0"),
        ("--auth {auth}", "gives certificates roles: give --tls-cert and --client-ca"),
        ("--dev . --auth roles.yaml", "--dev brings its own --tls-cert, --client-ca and --auth"),
        ("--dev src", "src holds other files: name another directory, or remove it"),
        ("--limit call=5", "--limit: there is no limit 'call'; write message, calls, "),
        ("--limit calls=many", "--limit: calls is a whole number above 0, not 'many'"),
        ("--metrics localhost", "--metrics is HOST:PORT, not 'localhost'"),
        ("--auth missing.yaml", "'missing.yaml': no such file or directory; check the path"),
        ("--listen localhost", "--listen is HOST:PORT, not 'localhost'"),
        ("--listen example.org:1", "--listen: others can connect to example.org"),
        ("--client-ca pyproject.toml", "--tls-key and --client-ca need --tls-cert"),
        ("--listen 127.0.0.1:65536", "--listen: a port is a number from 0 to 65535, not 65536"),
        ("--metrics 127.0.0.1:99999", "--metrics: a port is a number from 0 to 65535, not 99999"),
        ("--tls-cert missing.pem", "'missing.pem': no such file or directory; check the path"),
        ("--tls-cert README.md", "--tls-cert: README.md holds no certificate in PEM"),
        (
            "--tls-cert {ca}",
            "--tls-key: {ca} does not belong to {ca}: it holds no private",
        ),
        (
            "--tls-cert {ca} --tls-key README.md",
            "README.md does not belong to {ca}: it holds no",
        ),
        (
            "--tls-cert {ca} --tls-key {key}",
            "{key} does not belong to {ca}: it is the key of",
        ),
        ("--tls-cert {pem} --client-ca README.md", "--client-ca: README.md holds no certificate"),
        ("--model pyproject.toml", "pyproject.toml"),
        ("--model {chart}", "--model: the files must declare one service, and declare none"),
        ("--model {chart} --gather", "--gather and --collect are daemons of the ping registry"),
        ("--listen 127.0.0.1:0 --registry REG", "'REG' is not the name of a registry"),
    ],
)
def test_what_it_refuses(words: str, reason: str, pems: dict[str, Path], tmp_path: Path) -> None:
    journal, auth = f"sqlite:{tmp_path / 'pings.db'}", tmp_path / "auth.yaml"
    auth.write_text("certificates: [{dns: a, roles: {admin: [reg]}}]")
    files = {**pems, "auth": auth, "chart": "tests/other_workflow/leases.yaml"}
    options = words.format(**files).split()
    done = run("serve", "--registry", "reg", "--journal", journal, *options)
    assert done.returncode == 2
    assert reason.format(**files) in done.stderr
