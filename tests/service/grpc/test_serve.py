"""The command ``serve``, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import grpc
import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.messages import Messages

from ...command_line import run

WORKFLOW = UUID(int=7)


@contextmanager
def serve(place: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``serve`` on a file, and yield the process and the address that it logs."""
    program = [sys.executable, "-m", "pingregistrywf", "serve", "--log-json"]
    program += ["--registry", "reg"]
    program += ["--journal", f"sqlite:{place / 'pings.db'}", "--listen", "127.0.0.1:0", *words]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                record = json.loads(line)
                if record["action"] == "listening":
                    yield process, record["address"]
                    break
        finally:
            process.kill()


@pytest.mark.slow
def test_a_server_that_gathers_and_is_stopped(tmp_path: Path) -> None:
    messages = Messages(SERVICE)
    with serve(tmp_path, "--gather", "--collect") as (process, address):
        with grpc.insecure_channel(address) as channel:
            begin = channel.unary_unary("/nogfso.PingRegistry/BeginPingRegistry")
            request = messages._class("BeginPingRegistryI")(registry="reg", workflow=WORKFLOW.bytes)
            begin(request.SerializeToString(), timeout=20)
            events = channel.unary_stream("/nogfso.EphemeralRegistry/RegistryWorkflowEvents")
            watched = messages._class("RegistryWorkflowEventsI")(
                registry="reg", workflow=WORKFLOW.bytes, watch=True
            )
            for data in events(watched.SerializeToString(), timeout=20):
                reply = messages._class("RegistryWorkflowEventsO").FromString(data)
                if any(each.status_message == "gatherer ping 1" for each in reply.events):
                    break
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
        assert process.stderr is not None
        actions = [json.loads(line)["action"] for line in process.stderr]
        assert actions[-1] == "stopped"
        assert "draining" in actions
    with open_journal(f"sqlite:{tmp_path / 'pings.db'}") as journal:
        assert PingRegistry(journal, "reg").get(WORKFLOW).state.num_pings >= 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "--listen 0.0.0.0:0",
            "--listen: others can connect to 0.0.0.0; give --tls-cert and --auth",
        ),
        ("--listen 0.0.0.0:0 --auth roles.yaml", "--listen: others can connect to 0.0.0.0"),
        ("--listen 0.0.0.0:0 --tls-cert pyproject.toml", "--listen: others can connect to 0.0.0.0"),
        ("--auth missing.yaml", "No such file or directory: 'missing.yaml'"),
        ("--listen localhost", "--listen is HOST:PORT, not 'localhost'"),
        ("--listen example.org:1", "--listen: others can connect to example.org"),
        ("--client-ca pyproject.toml", "--tls-key and --client-ca need --tls-cert"),
        ("--tls-cert missing.pem", "No such file or directory: 'missing.pem'"),
        ("--listen 127.0.0.1:0 --registry REG", "'REG' is not the name of a registry"),
    ],
)
def test_what_it_refuses(words: str, reason: str, tmp_path: Path) -> None:
    journal = f"sqlite:{tmp_path / 'pings.db'}"
    done = run("serve", "--registry", "reg", "--journal", journal, *words.split())
    assert done.returncode == 2
    assert reason in done.stderr
