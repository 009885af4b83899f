"""What happened to a workflow, line by line: when, what, by whom, and the state it led to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pingregistrywf._generated import ping_registry as workflow
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf._generated.ping_registry_operations import DAEMONS
from pingregistrywf.coordination import GATHERER
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.render import event_json, printable
from pingregistrywf.runtime.values import Event

ADMIN: Final = "admin"
_WIDTH: Final = max(len(each.__name__) for each in workflow.DECLARATION.by_event)


def zoned(moment: datetime, *, utc: bool) -> datetime:
    """Return the moment in local time, or in UTC if asked for or if local time cannot say it."""
    try:
        return moment.astimezone(UTC if utc else None)
    except (OverflowError, ValueError):  # at the very end of the calendar
        return moment


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a workflow's or an index's history."""

    declaration: Declaration
    event: Event

    @property
    def who(self) -> str:
        """Who posted the event, as far as it shows; empty in an index."""
        match self.event:
            case workflow.ServerPinged(status_message=message):
                posted = DAEMONS.posting.posted_as(message)
                return posted[0] if posted else ""
            case workflow.ServerPingsGathered():
                return GATHERER
            case _:
                return ADMIN if self.declaration is workflow.DECLARATION else ""

    @property
    def details(self) -> tuple[str, ...]:
        """The event's fields in words."""
        match self.event:
            case workflow.ServerPinged() | workflow.ServerPingsGathered() as event:
                return (f"{event.status_code} {printable(event.status_message)}",)
            case index.SnapshotState(ping_registry=entries):
                return (f"{len(entries)} listed",)
            case event:
                names = type(event).model_fields.keys() - {"id", "parent"}
                return tuple(f"{name} {_value(getattr(event, name))}" for name in sorted(names))

    @property
    def failed(self) -> bool:
        """Whether the event is a ping or a summary that tells of trouble."""
        match self.event:
            case workflow.ServerPinged() | workflow.ServerPingsGathered() as event:
                return event.status_code != 0
            case _:
                return False

    @property
    def state(self) -> str:
        """The state that the event leads to, as the chart names it; empty if it leads nowhere."""
        known = self.declaration.by_event.get(type(self.event))
        if known is None or known.target is None:
            return ""
        return self.declaration.state_names[known.target]

    def columns(self) -> tuple[str, str, str]:
        """Who, event and state, as texts of even width."""
        return f"{self.who:<10}", f"{type(self.event).__name__:<{_WIDTH}}", f"{self.state:<11}"

    def text(self, *, utc: bool) -> str:
        """The line as plain text: when, who, event, state and details."""
        when = zoned(self.event.id.time, utc=utc).isoformat(timespec="milliseconds")
        return "  ".join((when, *self.columns(), " ".join(self.details))).rstrip()

    def json(self) -> dict[str, Any]:
        """The line as a JSON object; its time is in UTC."""
        return {
            **event_json(self.declaration, self.event),
            "time": self.event.id.time.isoformat(timespec="milliseconds"),
            "who": self.who,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened to a participant and stands in no history."""

    who: str
    what: str

    def text(self, *, utc: bool) -> str:  # noqa: ARG002 (an incident has no time)
        """The incident as plain text, in line with those of events."""
        return f"{'':29}  {self.who:<10}  {self.what}"

    def json(self) -> dict[str, Any]:
        """The incident as a JSON object."""
        return {"incident": self.what, "who": self.who}


def _value(value: object) -> str:
    return str(value) if isinstance(value, UUID | Ulid) else repr(value)
