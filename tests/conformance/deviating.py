"""An adapter whose Commit is not idempotent."""

from __future__ import annotations

import sys
from typing import Any

from pingregistrywf.cli.conformance import in_memory
from pingregistrywf.service.stdio import serve

right = in_memory()
answer = right.answer


def wrong(request: Any) -> dict[str, Any]:
    reply = answer(request)
    if request.get("command") == "Commit" and reply.get("ok", {}).get("events") == []:
        error = {"code": "StateConflict", "definite": True, "message": "over"}
        return {"id": request["id"], "error": error}
    return reply


right.answer = wrong  # type: ignore[method-assign]
serve(right, sys.stdin.buffer, sys.stdout.buffer)
