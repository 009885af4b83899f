"""What the adapter for a service's methods reads in several ways has to be the same."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pingregistrywf import EPOCH, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE
from pingregistrywf.coordination.outside import OutsideOperations
from pingregistrywf.runtime.remote.address import Address
from pingregistrywf.runtime.remote.connection import Connection
from pingregistrywf.service.grpc import methods_ways
from pingregistrywf.service.grpc.methods_adapter import MethodsAdapter

from .faulty import FAULTS, SILENT, WAYS
from .serving import TIMEOUT, serving
from .tokens import authenticator, token

WORKFLOW = str(UUID(int=7))
NAMES = {"registry": "reg", "workflow": WORKFLOW}
INDEX = str(OutsideOperations.declared["begin"].derive("index_id", "reg"))
CODED = {"args": {"code": 3, "message": "m"}, "workflow": WORKFLOW}
BEGIN = {"op": "run", "operation": "begin", "args": NAMES}
PING = {"op": "exec", "command": "AppendPing", **CODED}
SUMMARY = {"op": "exec", "command": "PostSummary", **CODED}
COMMIT = {"op": "run", "operation": "commit", "args": NAMES}
FIND = {"op": "find", "workflow": WORKFLOW}
LOOKS = [
    FIND,
    {"op": "events", "workflow": WORKFLOW},
    {"op": "events", "chart": "ping_registry_index", "index": INDEX},
]
SESSION = [
    {"op": "hello"},
    *[each for asked in (BEGIN, PING, PING, SUMMARY, COMMIT) for each in (asked, *LOOKS)],
    {"op": "bye"},
]


def answers(place: Path) -> list[Any]:
    """What the adapter answers to a session, on a server in this process.

    It has the roles that are documented.
    """
    shown = token(admin=["reg"], server=["reg"], gatherer=["reg"])

    def asked(url: str) -> list[Any]:
        # A token in a URL is for a connection with TLS.
        with closing(Connection(replace(Address.parse(url), token=shown))) as connection:
            adapter = MethodsAdapter(SERVICE, connection)
            return [adapter.answer(each) for each in SESSION]

    async def served() -> list[Any]:
        with open_journal("memory:") as journal:
            async with serving(SERVICE, journal, authenticator=authenticator(place)) as (_, server):
                return await asyncio.to_thread(asked, f"grpc://127.0.0.1:{server.port}")

    return asyncio.run(served())


def test_a_right_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(methods_ways, "WITHIN", TIMEOUT)
    told = answers(tmp_path)
    assert [each for each in told if "error" in each or "unsupported" in each] == []
    found = [each["ok"] for asked, each in zip(SESSION, told, strict=True) if asked is FIND]
    assert [len(each["pings"]) for each in found] == [0, 1, 2, 2, 2]
    codes = [each["summary"] and each["summary"]["code"] for each in found]
    assert codes == [None, None, None, 3, 3]
    histories = [each["ok"]["events"] for each in told if "events" in each.get("ok", {})]
    assert len(histories[-1]) == 2
    assert histories[-1][0]["parent"] == str(EPOCH)


@pytest.mark.parametrize(("fault", "said"), WAYS.items())
def test_a_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str, said: str) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    if fault in SILENT:
        monkeypatch.setattr(methods_ways, "WITHIN", 1.0)
        monkeypatch.setattr(methods_ways, "ONCE_LATE", 0.1)
    errors = [each["error"] for each in answers(tmp_path) if "error" in each]
    assert [each for each in errors if said in each["message"]]
    assert {each["code"] for each in errors} == {"Internal"}
