# Generated from chart ping_registry 1.0.0. Do not edit: change the chart.
"""The events of chart ping_registry."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pingregistrywf.runtime.field_types import Int32, Text, Uuid
from pingregistrywf.runtime.ids import NIL
from pingregistrywf.runtime.json_forms import EventUnion
from pingregistrywf.runtime.values import Event as BaseEvent


class Event(BaseEvent):
    """The base of the events of chart ping_registry; ``AnyEvent`` is their union.

    An event is an immutable link of a history's chain.  Its ``time`` is the time in its id.
    ``marshal_proto`` gives its bytes, and ``unmarshal_proto`` reads them.

    Attributes:
        id: The event's id.
        parent: The id of the event before it; the epoch for a history's first.
    """


class PingRegistryStarted(Event):
    """The admin began the workflow.

    Attributes:
        registry_id: The registry whose servers are asked to answer.
    """

    registry_id: Uuid = NIL


class ServerPinged(Event):
    """A server answered.

    Attributes:
        status_code: 0 if the server is well; any other number tells what is wrong.
        status_message: The same in words.
    """

    status_code: Int32 = 0
    status_message: Text = ""


class ServerPingsGathered(Event):
    """The gatherer summarized the pings.

    Attributes:
        status_code: 0 if every ping had code 0.
        status_message: How many pings there were, and how many told of trouble.
    """

    status_code: Int32 = 0
    status_message: Text = ""


class PingRegistryCompleted(Event):
    """The workflow was completed, by the admin or because it expired."""


class PingRegistryCommitted(Event):
    """The history ends here. The event has no other effect, and is missing when the steps of a
    commit were interrupted.
    """


AnyEvent: TypeAlias = Annotated[
    PingRegistryStarted
    | ServerPinged
    | ServerPingsGathered
    | PingRegistryCompleted
    | PingRegistryCommitted,
    EventUnion(),
]
"""An event of chart ping_registry, of a closed union: its name tells which."""
