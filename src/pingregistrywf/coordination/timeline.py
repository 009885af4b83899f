"""What happened to a workflow, line by line: when, what, by whom, and the state it led to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pingregistrywf._generated import ping_registry as workflow
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.coordination.defaults import GATHERER
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.render import event_json
from pingregistrywf.runtime.values import Event

ADMIN: Final = "admin"
_WIDTH: Final = max(len(each.event.__name__) for each in workflow.DECLARATION.events)


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a history.

    Attributes:
        event: the event.
        who: who posted it, as far as the event tells.
        what: its fields in words.
        declaration: the chart of the history.
    """

    event: Event
    who: str
    what: str
    declaration: Declaration

    @property
    def state(self) -> str:
        """The state that the event leads to, as the chart names it; empty if it leads nowhere."""
        known = self.declaration.by_event.get(type(self.event))
        return self.declaration.state_names[known.target] if known else ""

    def columns(self) -> tuple[str, str, str, str, str]:
        """When, event, who, state and what, as texts of even width."""
        when = self.event.id.time.strftime("%H:%M:%S.%f")[:-3]
        name = type(self.event).__name__
        return when, f"{name:<{_WIDTH}}", f"{self.who:<10}", f"{self.state:<11}", self.what

    def text(self) -> str:
        """The line as plain text."""
        when, event, who, state, what = self.columns()
        return f"{when}  {who}  {event}  {state}  {what}".rstrip()

    def json(self) -> dict[str, Any]:
        """The line as a JSON object."""
        return {
            **event_json(self.declaration, self.event),
            "time": self.event.id.time.isoformat(timespec="milliseconds"),
            "who": self.who,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened to a participant, and stands in no history.

    Attributes:
        who: the participant.
        what: what happened.
    """

    who: str
    what: str

    def text(self) -> str:
        """The incident as plain text, in line with those of events."""
        return f"{'':12}  {self.who:<10}  {self.what}"

    def json(self) -> dict[str, Any]:
        """The incident as a JSON object."""
        return {"incident": self.what, "who": self.who}


def workflow_lines(events: Sequence[workflow.Event]) -> Iterator[Line]:
    """The lines of a workflow's history."""
    for event in events:
        yield Line(event, _who(event), _what(event), workflow.DECLARATION)


def index_lines(events: Sequence[index.Event]) -> Iterator[Line]:
    """The lines of an index's history."""
    for event in events:
        yield Line(event, "", _what(event), index.DECLARATION)


def _who(event: workflow.Event) -> str:
    match event:
        case workflow.ServerPinged(status_message=message):
            # Pings of this project's daemons name their poster: NAME ping K.
            name, _, number = message.rpartition(" ping ")
            return name if number.isdigit() else ""
        case workflow.ServerPingsGathered():
            return GATHERER
        case _:
            return ADMIN


def _what(event: Event) -> str:
    match event:
        case workflow.ServerPinged() | workflow.ServerPingsGathered():
            return f"{event.status_code} {printable(event.status_message)}"
        case index.SnapshotState(ping_registry=entries):
            return f"{len(entries)} listed"
        case _:
            names = type(event).model_fields.keys() - {"id", "parent"}
            return " ".join(f"{name} {_value(getattr(event, name))}" for name in sorted(names))


def _value(value: object) -> str:
    return str(value) if isinstance(value, UUID | Ulid) else repr(value)


def printable(message: str) -> str:
    """A message on one line that no terminal takes for an order."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in message
    )
