"""The configuration of the page on NATS gives a cluster with a user who may use a journal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf.runtime.journal import NO_HEAD, open_journal
from pingregistrywf.testing.clock import TurnedClock
from pingregistrywf.testing.journal import CHART, chain, given, post, read_feed

from ..ports import free_ports
from .cluster import server_program, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "nats.md"
CONFIGURATION = re.compile(r"^```conf\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = ("n1", "n2", "n3")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The URL of a journal on three servers as the page configures them, but on loopback."""
    (configuration,) = CONFIGURATION.findall(PAGE.read_text(encoding="utf-8"))
    ports = dict(zip(NAMES, free_ports(3), strict=True))
    routes = dict(zip(NAMES, free_ports(3), strict=True))
    with ExitStack() as stack:
        for name in NAMES:
            text = configuration.replace("server_name: n1", f"server_name: {name}")
            text = text.replace("0.0.0.0:4222", f"127.0.0.1:{ports[name]}")
            text = text.replace("0.0.0.0:6222", f"127.0.0.1:{routes[name]}")
            text = text.replace("/var/lib/nats", str(tmp_path / name))
            for other in NAMES:
                text = text.replace(f"{other}:6222", f"127.0.0.1:{routes[other]}")
            file = tmp_path / f"{name}.conf"
            file.write_text(text)
            log = stack.enter_context((tmp_path / f"{name}.log").open("w"))
            running = stack.enter_context(
                subprocess.Popen([server_program(), "--config", file], stderr=log)
            )
            stack.callback(running.kill)
        leads = "JetStream cluster new metadata leader"
        wait_until(
            lambda: any(leads in (tmp_path / f"{name}.log").read_text() for name in NAMES),
            60,
            lambda: "the cluster has no leader",
        )
        places = ",".join(f"127.0.0.1:{port}" for port in ports.values())
        yield f"nats://pings:change%20me@{places}/pings?replicas=3"


@pytest.mark.exhaustive
def test_the_configuration_holds_a_journal(url: str, tmp_path: Path) -> None:
    clock, history = TurnedClock(), uuid4()
    with open_journal(url, clock=clock) as journal, journal.subscribe(history) as news:
        head, entries = post(journal, history, NO_HEAD, 30)
        assert news.wait(60)
        assert journal.read(history).entries == tuple(entries)
        head = journal.commit(history, head, chain(head.vid), chart=CHART, restart=True)
        assert journal.trim(history)
        changes, _ = read_feed(journal)
        assert given(changes)[:30] == [(history, entry) for entry in entries]
        journal.backup(tmp_path / "copy.db")
        journal.delete(history, head)
        assert journal.collect(clock.now + 40 * 86_400).freed == (history,)
