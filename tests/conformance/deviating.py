"""An adapter whose Commit is not idempotent."""

from __future__ import annotations

import sys
from typing import Any

from pingregistrywf import open_journal
from pingregistrywf.cli.adapter import reference
from pingregistrywf.service.stdio import serve

right = reference(open_journal("memory:"))
answer = right.answer


def wrong(request: Any) -> dict[str, Any]:
    reply = answer(request)
    if request.get("command") == "Commit" and reply.get("ok", {}).get("events") == []:
        error = {"code": "StateConflict", "definite": True, "message": "over"}
        return {"id": request["id"], "error": error}
    return reply


right.answer = wrong  # type: ignore[method-assign]
serve(right, sys.stdin.buffer, sys.stdout.buffer)
