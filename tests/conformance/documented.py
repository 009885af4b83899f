"""An implementation that departs from the charts by documented differences, and by nothing else.

They are those of the 2019 package (documentation: Behaviour, section 8) that an answer can show;
each is numbered as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from .adversary import claiming, reference

Json: TypeAlias = Any

KNOWN: Final = {"6f", "70", "71", "72", "73", "74", "5c", "8d01", "8e01", "00", "01", "02"}
"""The type numbers, as bytes, that upstream's enum has."""
NIL: Final = "00000000-0000-0000-0000-000000000000"


def documented() -> Callable[[Json], Json]:
    """Return the implementation."""
    answer = claiming(reference().answer, without={"concurrent"})
    begun: set[str] = set()

    def refused(request: Json, code: str) -> Json:
        error = {"code": code, "definite": True, "message": "as upstream"}
        return {"id": request["id"], "error": error}

    def changed(request: Json) -> Json:
        command, vid = request.get("command"), request.get("vid")
        if isinstance(vid, str) and vid.strip("0") in ("1", "2") and len(vid) == 26:  # 14
            request = request | {"vid": "no_vc" if vid.endswith("1") else "retry_no_vc"}
        if command == "Snapshot" and request["args"] == {"if_storage_reduction": False}:  # 21
            request = request | {"args": {"if_storage_reduction": True}}
        if request.get("operation") == "begin" and request["op"] == "run":  # 8
            if request["args"]["workflow"] in begun:
                return refused(request, "StateConflict")
            begun.add(request["args"]["workflow"])
        reply = answer(request)
        code = reply.get("error", {}).get("code")
        if code == "InvalidCommand" and request["op"] == "exec":  # 1, 15
            return refused(request, "Internal")
        if code == "HistoryDeleted":  # 3
            return refused(request, "Internal")
        if code == "EventType" and request["bytes"][2:4] not in KNOWN:  # 16
            return refused(request, "Internal")
        if code == "Malformed" and request["bytes"].endswith("11"):  # 11
            return refused(request, "Internal")
        if command == "CommitPingRegistry" and reply.get("ok", {}).get("events") == []:  # 6
            return refused(request, "StateConflict")
        return reply

    return changed
