"""The adapter of your implementation: this is the file to edit.

It runs as it is: below the line REPLACE FROM HERE stands a tiny implementation in memory.  Put
calls of your own in its place.  ``protocol.py`` does the talking, and refuses what is malformed.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

from protocol import (
    EPOCH,
    NO_VC,
    RETRY_NO_VC,
    Adapter,
    Event,
    Implementation,
    RefusalError,
    Told,
    new_ulid,
)

HELLO = {
    "implementation": "starter",
    "version": "0.1.0",
    # Claim what yours can do: what is not claimed is not tested.
    "capabilities": ["versions", "retry", "delete", "multi_server"],
}

STATUS = {"code": "int32", "message": "string"}
COMMANDS: Mapping[str, Mapping[str, str]] = {
    "Init": {"registry_id": "uuid"},
    "AppendPing": STATUS,
    "PostSummary": STATUS,
    "Commit": {},
    "AbortExpired": {},
    "End": {},
    "Delete": {},
}
BEGINS = "Init"

# ---- REPLACE FROM HERE ---------------------------------------------------------------------------

LEADS_TO = {
    "PingRegistryStarted": "Initialized",
    "ServerPinged": "Appending",
    "ServerPingsGathered": "Summarized",
    "PingRegistryCompleted": "Completed",
    "PingRegistryCommitted": "Terminated",
}
# What a command does in a state: append an event, or something else.  What is not here is refused.
RULES: Mapping[str, Mapping[str, str]] = {
    "Init": {"Uninitialized": "PingRegistryStarted", "Initialized": "same registry"},
    "AppendPing": {"Initialized": "ServerPinged", "Appending": "ServerPinged"},
    "PostSummary": {"Initialized": "ServerPingsGathered", "Appending": "ServerPingsGathered"},
    "Commit": {"Summarized": "PingRegistryCompleted", "Completed": "noop"},
    "AbortExpired": {
        "Initialized": "PingRegistryCompleted",
        "Appending": "PingRegistryCompleted",
        "Summarized": "PingRegistryCompleted",
        "Completed": "noop",
        "Terminated": "noop",
    },
    "End": {"Completed": "PingRegistryCommitted", "Terminated": "noop"},
    "Delete": {"Uninitialized": "noop", "Completed": "delete", "Terminated": "delete"},
}
FIELDS = {"registry_id": "registry_id", "code": "status_code", "message": "status_message"}

# The journal that all servers share; one thread at a time uses it.
LOCK = Lock()
HISTORIES: dict[str, list[Event]] = {}
DELETED: set[str] = set()


class Workflows(Implementation):
    """The workflows as one server sees them."""

    def __init__(self, server: str) -> None:
        self.server = server

    def tell(self, workflow: str, command: str, args: Mapping[str, Any], vid: str) -> Told:
        with LOCK:
            history = HISTORIES.get(workflow, [])
            head = history[-1].id if history else EPOCH
            state = LEADS_TO[history[-1].event] if history else "Uninitialized"
            if vid not in (NO_VC, RETRY_NO_VC, head):
                message = f"the version is {head}, not {vid}"
                raise RefusalError("VersionConflict", message, stored=head, expected=vid)
            if command == "Init" and workflow in DELETED:
                raise RefusalError("HistoryDeleted", f"{workflow} was deleted")
            outcome = RULES[command].get(state)
            if outcome is None:
                raise RefusalError("StateConflict", f"{command} is not allowed in state {state}")
            if outcome == "same registry" and args != history[0].fields:
                raise RefusalError("ArgumentNotIdempotent", "another registry", arg="RegistryId")
            if outcome in ("same registry", "noop"):
                return Told(head)
            if outcome == "delete":
                del HISTORIES[workflow]
                DELETED.add(workflow)
                return Told(EPOCH)
            fields = {FIELDS[name]: value for name, value in args.items()}
            event = Event(outcome, id=new_ulid(head), parent=head, fields=fields)
            HISTORIES.setdefault(workflow, history).append(event)
            return Told(event.id, (event,))

    def find(self, workflow: str) -> Mapping[str, Any] | None:
        history = self.events(workflow)
        if not history:
            return None
        return {
            "state": LEADS_TO[history[-1].event],
            "vid": history[-1].id,
            "registry_id": history[0].fields["registry_id"],
            "pings": [status(event) for event in history if event.event == "ServerPinged"],
            "summary": next(
                (status(event) for event in history if event.event == "ServerPingsGathered"), None
            ),
        }

    def events(self, workflow: str) -> list[Event]:
        with LOCK:
            return list(HISTORIES.get(workflow, []))


def status(event: Event) -> Mapping[str, Any]:
    return {
        "code": event.fields["status_code"],
        "message": event.fields["status_message"],
        "event_id": event.id,
    }


# ---- TO HERE -------------------------------------------------------------------------------------

if __name__ == "__main__":
    Adapter(Workflows, HELLO, COMMANDS, BEGINS).serve()
