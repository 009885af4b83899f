"""The vocabulary of a service: remote procedure calls that run operations and read histories.

A service says what its messages look like as protobuf, which operation or history each method is
about, and which status each error has.  What a method does with them is the run time's.  Nothing is
left out in these files that has to be worked out, so generators read these values as they are.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StrictBool, Tag

from pingregistrywf.chart.parts import Constant, Word
from pingregistrywf.chart.spelling import (
    Count,
    ErrorName,
    FieldNumber,
    PascalName,
    Prose,
    Scalar,
    SnakeName,
    UpperName,
    WirePackage,
    by_shape,
)

WireType = Literal["string", "int32", "int64", "uint32", "bool", "uuid", "ulid"]
Status = Literal[
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNKNOWN",
]


class DerivedFrom(Word):
    """An id that follows from the name that the call is about."""

    id: SnakeName
    """The id, as the file of operations calls it."""


class VidOf(Word):
    """A version after the call."""

    vid_of: SnakeName
    """The chart of the history whose version it is."""


class CarriedValue(Word):
    """A value that the state carries, which the method found."""

    carried: SnakeName
    """The carried value: a record or a list of records, from which messages are made."""


ValueSource: TypeAlias = Annotated[
    Annotated[SnakeName, Tag("[name]")]
    | Annotated[DerivedFrom, Tag("[id]")]
    | Annotated[VidOf, Tag("[vid_of]")]
    | Annotated[CarriedValue, Tag("[carried]")]
    | Annotated[Constant, Tag("[constant]")],
    by_shape(
        "a name, {id: …}, {vid_of: …}, {carried: …} or {constant: …}",
        "id",
        "vid_of",
        "carried",
        "constant",
    ),
]


class RequestField(Word):
    """A field of a request.  An id that is absent differs from one that is empty."""

    number: FieldNumber
    """Its field number."""
    type: WireType | None = None
    """Its type."""
    enum: PascalName | None = None
    """Its enum, if it is of one."""
    repeated: StrictBool = False
    """True for any number of values."""
    doc: Prose


class ReplyField(Word):
    """A field of a reply, or of a message inside of one."""

    number: FieldNumber
    """Its field number."""
    type: WireType | Literal["event"] | None = None
    """Its type; ``event`` is any number of events, encoded as their charts say."""
    enum: PascalName | None = None
    """Its enum, if it is of one."""
    message: PascalName | None = None
    """Its message, if it is one."""
    value: ValueSource | None = Field(default=None, alias="is")
    """Where its value comes from.  A name is a field of what the message is made of, or, in a
    reply, of the request.  It is left out if nothing is given here."""
    by_state: dict[SnakeName, dict[PascalName, Scalar]] = {}
    """Of a message: fields that have other values while the history is in some states."""
    doc: Prose


class RecordOf(Word):
    """A record that a chart's state carries."""

    chart: SnakeName
    """The chart."""
    record: PascalName
    """The record."""


class Message(Word):
    """A message inside of replies."""

    made_of: Annotated[
        Annotated[Literal["name", "signal"], Tag("[name]")] | Annotated[RecordOf, Tag("[mapping]")],
        by_shape("one of name, signal or {chart: …, record: …}"),
    ]
    """What it is made of: a record; a ``name`` that the service serves, as its field name; or a
    ``signal`` that a history has changed, with the history's id as its field history."""
    fields: dict[SnakeName, ReplyField] = Field(min_length=1)
    """Its fields."""
    doc: Prose


class Enumeration(Word):
    """An enum."""

    values: dict[UpperName, Count] = Field(min_length=1)
    """Its values, each with its number; one is zero."""
    doc: Prose


class RunOperation(Word):
    """A method that runs an operation.

    Each input of the operation is the request's field of the same name, or the one named here.  The
    name that the call is about may be left out: it is then the owner of the history.
    """

    operation: SnakeName
    """The operation."""
    inputs: dict[SnakeName, SnakeName] = {}
    """The fields of inputs that have other names, by the input."""
    vid: SnakeName | None = None
    """The field with the version to expect."""
    constant: dict[SnakeName, SnakeName] = {}
    """Fields with a version that never changes, each with the id that it is.  One that is given and
    differs is a version conflict."""


class Wait(Word):
    """A wait for a history's state."""

    field: SnakeName
    """The field that asks for it."""
    value: UpperName
    """Its value if it does."""
    states: list[PascalName] = Field(alias="while", min_length=1)
    """The states in which the call waits."""


class FindState(Word):
    """A method that answers with the state of a history."""

    chart: SnakeName
    """The chart."""
    history: SnakeName
    """The field that names the history."""
    wait: Wait | None = None
    """What it can wait for first, until the call's deadline."""


class StreamEvents(Word):
    """A method that streams the events of a history."""

    chart: SnakeName
    """The chart."""
    history: Annotated[
        Annotated[SnakeName, Tag("[name]")] | Annotated[DerivedFrom, Tag("[id]")],
        by_shape("the name of a field, or {id: …}", "id"),
    ]
    """The field that names the history, or the id that it has."""
    after: SnakeName
    """The field with the version to begin after."""
    watch: SnakeName
    """The field that asks for the events to come, too."""
    will_block: SnakeName
    """The field of the reply that says that there is none at the moment."""
    unknown_after: Literal["fails", "ends"]
    """What happens if the history has no event to begin after: the call fails, or the stream ends
    as if nothing came after it."""


class StreamSignals(Word):
    """A method that streams which histories have changed."""

    signals: SnakeName
    """The field of the reply with the signals."""
    select: SnakeName
    """The field that selects kinds of signals; none selects all."""
    kind: UpperName
    """The kind of signals that histories have."""


class Method(Word):
    """A method.  It runs an operation, finds a state, streams events or signals, or does nothing
    but answer."""

    request: dict[SnakeName, RequestField]
    """The fields of the request, whose message is the method's name and an I."""
    reply: dict[SnakeName, ReplyField]
    """The fields of the reply, whose message is the method's name and an O."""
    run: RunOperation | None = None
    """The operation that it runs."""
    find: FindState | None = None
    """The state that it finds."""
    events: StreamEvents | None = None
    """The events that it streams."""
    signals: StreamSignals | None = None
    """The signals that it streams."""
    stream: Literal["empty"] | None = None
    """A stream that ends at once."""
    roles: list[SnakeName] = []
    """The roles that may call it, on the names that they have.  Nobody may if there is none."""
    doc: Prose


class Scope(Word):
    """What a token of the 2019 system's kind says to give a role."""

    action: str = Field(min_length=1)
    """The action, for people."""
    code: str = Field(min_length=1)
    """The action, as tokens write it."""
    name: str | None = None
    """The one name that goes with it, if the role is not about the names that are served.  The role
    is then given for all of these."""


class Role(Word):
    """What a caller may do.  Methods of the service say which roles may call them."""

    scope: Scope | None = None
    """What gives the role in a token of the 2019 system's kind."""
    reads: Literal["state", "events"] | None = None
    """What it reads by ``pingregistrywf.v1``: states, or states and events."""
    runs: list[SnakeName] = []
    """The operations that it runs there."""
    tells: dict[SnakeName, list[PascalName]] = {}
    """The commands that it gives there, by the chart."""
    doc: Prose


class Owner(Word):
    """How a history tells to which name it belongs."""

    chart: SnakeName
    """The chart."""
    history: SnakeName
    """The field of requests that names a history of this chart."""
    carried: SnakeName
    """The carried id that follows from the name."""
    refusal: str = Field(min_length=1)
    """What is said of a history that belongs to another name."""


class ErrorStatus(Word):
    """How an error is answered."""

    status: Status
    """Its status."""
    says: str | None = None
    """What is said; the error's own text unless given."""


class Service(Word):
    """A file that describes a service: what each method is about."""

    service: SnakeName
    """The name of the service's package, and of its ``.proto`` file."""
    operations: SnakeName
    """The operations that methods run."""
    title: str = Field(min_length=1)
    """Its name for people."""
    package: WirePackage
    """The protobuf package of its services and messages."""
    name: SnakeName
    """The name that calls are about, one of the names of the file of operations."""
    owner: Owner
    """Where a call finds the name that it is about, if it gives only a history."""
    roles: dict[SnakeName, Role] = {}
    """The roles that callers have, each on some of the names."""
    required_scope: PascalName | None = None
    """The message that tells a caller without a token which scope the call needs."""
    enums: dict[PascalName, Enumeration] = {}
    """The enums of its messages."""
    messages: dict[PascalName, Message] = {}
    """The messages inside of replies."""
    services: dict[PascalName, dict[PascalName, Method]] = Field(min_length=1)
    """The services, each with its methods."""
    errors: dict[ErrorName, ErrorStatus] = {}
    """How errors are answered that are not answered like others of their kind."""
    doc: Prose
