"""What a server counts and logs of its calls."""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.request
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.service.grpc.metrics import Metrics

from ...runtime.breaking import Breaking
from .serving import TIMEOUT, refused, serving
from .tokens import authenticator, token

OWN, OTHER = UUID(int=7), UUID(int=8)
LABELS = ("method", "kind", "registry", "code", "state")
PAGE = Path(__file__).parents[3] / "docs/how-to/serve.md"


def scraped(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    """What Prometheus reads: each sample by its name and the values of its labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=TIMEOUT) as response:
        text = response.read().decode()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = (
                sample.labels[name].rpartition("/")[2] for name in LABELS if name in sample.labels
            )
            found.setdefault(sample.name, {})[tuple(labels)] = sample.value
    return found


def test_what_prometheus_reads(tmp_path: Path) -> None:
    metrics = Metrics()
    port, stop = metrics.listen("127.0.0.1", 0)

    async def session() -> None:
        with open_journal("memory:") as journal:
            checked = authenticator(tmp_path)
            async with serving(
                SERVICE, journal, ("reg", "other"), authenticator=checked, metrics=metrics
            ) as (client, _):
                client.token = token(admin=["reg"], server=["reg"])
                await client("BeginPingRegistry", registry="reg", workflow=OWN.bytes)
                PingRegistry(journal, "other").begin(OTHER)
                for _ in range(3):
                    await client("ServerPing", workflow=OWN.bytes)
                await refused(client("ServerPing", workflow=OTHER.bytes))
                signals = client.stream("AggregateSignals")
                await signals.initial_metadata()

                found = await asyncio.to_thread(scraped, port)
                calls = found["pingregistrywf_calls_total"]
                assert calls["ServerPing", "OK"] == 3
                assert calls["ServerPing", "PERMISSION_DENIED"] == 1
                assert calls["BeginPingRegistry", "OK"] == 1
                assert found["pingregistrywf_call_seconds_count"]["ServerPing",] == 4
                assert found["pingregistrywf_streams"]["AggregateSignals",] == 1
                assert found["pingregistrywf_journal_wait_seconds_count"]["command",] == 5
                assert found["pingregistrywf_workflows"] == {
                    ("other", "Initialized"): 1,
                    ("reg", "Appending"): 1,
                }
                signals.cancel()
                while (await asyncio.to_thread(scraped, port))["pingregistrywf_streams"][
                    "AggregateSignals",
                ]:
                    pass

    try:
        asyncio.run(session())
    finally:
        stop()


def test_the_page_lists_the_metrics() -> None:
    rows = re.findall(r"^\| `(pingregistrywf_\w+)` \| ([\w, ]+) \|", PAGE.read_text(), re.MULTILINE)

    async def session() -> None:
        with open_journal("memory:") as journal:
            metrics = Metrics()
            async with serving(SERVICE, journal, metrics=metrics):
                families = [
                    # What has no child yet shows its labels nowhere else.
                    *(vars(metrics)[each] for each in ("_calls", "_seconds", "_streams", "_waits")),
                ]
                known = {
                    each._name + ("_total" if each._type == "counter" else ""): each._labelnames
                    for each in families
                }
                known["pingregistrywf_workflows"] = ("registry", "state")
                assert dict(rows) == {name: ", ".join(each) for name, each in known.items()}
                names = {each.name for each in metrics.registry.collect()}
                assert names == {name.removesuffix("_total") for name in known}

    asyncio.run(session())


def test_one_record_a_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pingregistrywf.service")
    shown = token(admin=["reg"], server=["reg"])

    async def session() -> None:
        with open_journal("memory:") as opened:
            checked, journal = authenticator(tmp_path), Breaking(opened)
            async with serving(SERVICE, journal, ("reg", "other"), authenticator=checked) as (
                client,
                _,
            ):
                client.token = shown
                await client("BeginPingRegistry", registry="reg", workflow=OWN.bytes)
                secret = {"status_code": 0, "status_message": "private"}
                await client("ServerPing", workflow=OWN.bytes, **secret)
                await refused(client("Info", registry="other"))
                await refused(client("ServerPing", b"\xff"))
                waiting = asyncio.ensure_future(
                    client("GetRegistryPings", workflow=OWN.bytes, job_control=1)
                )
                assert await asyncio.to_thread(journal.waits.wait, TIMEOUT)
                waiting.cancel()
                async with asyncio.timeout(TIMEOUT):
                    while len(told()) < 5:  # the server learns of it in its own time
                        await asyncio.sleep(0.01)
                client.token = shown[:-3]
                await refused(client("Info", registry="reg"))

    def told() -> list[dict[str, Any]]:
        records = [each for each in caplog.records if each.getMessage() == "call"]
        return [each.__dict__["fields"] for each in records]

    asyncio.run(session())
    assert [(each["caller"], each["about"], each["code"]) for each in told()] == [
        ("me", str(OWN), "OK"),
        ("me", str(OWN), "OK"),
        ("me", "other", "PERMISSION_DENIED"),
        ("me", None, "INVALID_ARGUMENT"),
        ("me", str(OWN), "CANCELLED"),
        ("ipv4:127.0.0.1", "reg", "UNAUTHENTICATED"),
    ]
    assert told()[1]["method"] == "nogfso.PingRegistry/ServerPing"
    assert all(each["seconds"] >= 0 for each in told())
    written = "".join(str(each.__dict__) for each in caplog.records)
    assert "private" not in written
    assert not any(part in written for part in shown.split("."))
