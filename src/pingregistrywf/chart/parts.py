"""Parts that a chart has both as it is written (``vocabulary``) and as it is lowered (``ir``)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, Tag, field_validator

from pingregistrywf.chart.spelling import (
    Count,
    ErrorName,
    FieldNumber,
    PascalName,
    Positive,
    Scalar,
    SnakeName,
    WirePackage,
    by_shape,
)


class Part(BaseModel):
    """Base of every part of a document."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Word(Part):
    """Base of every part of a file in ``model/``.

    Unknown keys are mistakes, and so is an empty value (``emit:`` and nothing after it).
    """

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("it is empty")
        return value


class Wire(Word):
    """How the chart's events look as protobuf."""

    package: WirePackage = "workflow"
    """The protobuf package."""
    message: PascalName = "WorkflowEvent"
    """The message that every event of every chart on this wire is encoded as."""
    event: FieldNumber = 1
    """The field number of the event's type, an enum named Type inside of the message."""
    id: FieldNumber = 2
    """The field number of the event's id (16 bytes, a ULID)."""
    parent: FieldNumber = 3
    """The field number of the id of the event before it (16 bytes, zero at the epoch)."""


class Constant(Word):
    """A constant in place of an argument."""

    constant: Scalar
    """The value: a number, a text, true or false, or an id as text."""


class VidOfStep(Word):
    """The vid after an earlier step."""

    step: Positive
    """The earlier step's number, from 1."""


class CommandOnHistory(Word):
    """What a step of an operation does: one command on one history."""

    chart: SnakeName
    """The chart whose command this is."""
    history: SnakeName
    """The operation's argument that names the history."""
    command: PascalName
    """The command."""
    vid: Annotated[
        Annotated[Literal["given", "none", "retry"], Tag("[name]")]
        | Annotated[VidOfStep, Tag("[mapping]")],
        by_shape("one of given, none, retry or {step: …}"),
    ] = "retry"
    """The version to expect: given (by the caller), none (no check), retry (no check, and try again
    when a race is lost), or {step: N}, the vid after step N.  A command that begins a history takes
    none.

    If the caller gives none, given in the first step is retry.  In a later step it expects that
    nothing changed since before the first step: of a keyed chart, in the entry that the command
    names; else in the whole history."""
    on_refusal: Literal["stop", "continue", "done"] = "stop"
    """What happens when the chart refuses: stop with the error, continue with the next step, or be
    done."""


class Incarnation(Word):
    """Which of the histories that had one id after another an operation is about.

    An id may be used again once its history was deleted.  The operation is about the history that a
    keyed chart lists before the first step.  To its first step on each history, another history of
    the same id is empty, and another's entry absent; if none was listed, this holds for any.  A
    later step on a history says by its vid which one it means.
    """

    chart: SnakeName
    """The keyed chart that lists histories by their ids."""
    history: SnakeName
    """The operation's argument that names the history of that chart."""
    entry: SnakeName
    """The operation's argument that is both the key of the entry and the id of the history."""
    began_with: SnakeName
    """The carried value of the entry that is the id of the history's first event."""


class Posting(Word):
    """What a daemon posts to a history, one after the other, until it has posted all.

    The history tells what was posted: whoever comes back posts the next that it does not hold.
    """

    operation: SnakeName
    """The operation that posts one.  It takes a ``code`` and a ``message``."""
    code: StrictInt
    """The code of each, if the daemon is well."""
    message: str = Field(min_length=1)
    """The message of each, in which ``{name}`` is the daemon's name and ``{number}`` the number of
    the one that is posted, from 1."""
    held: SnakeName
    """The carried list of what was posted, records with a ``code`` and a ``message``."""


class Summing(Word):
    """What a daemon posts of all that was posted, once it is time."""

    operation: SnakeName
    """The operation that posts it.  It takes a ``code`` and a ``message``."""
    code: StrictInt
    """The code if every code in the list is zero."""
    code_of_errors: StrictInt
    """The code if any is not."""
    message: str = Field(min_length=1)
    """The message, in which ``{count}`` is the length of the list, and ``{errors}`` says how many
    of its codes are not zero."""


class Ageing(Word):
    """What a collector does to each history that has been listed in a state for long enough."""

    operation: SnakeName
    """The operation that does it.  It is about one history, which a keyed chart lists."""
    state: PascalName = Field(alias="in")
    """The state in which it is listed."""
    since: SnakeName
    """The carried value of the entry, the id of an event, from whose time the age counts."""
    days: Positive
    """It is done to what is older than so many days, and not to what is exactly as old."""
    told: SnakeName
    """The name under which a run tells which histories it did it to."""


class Collecting(Word):
    """What one run of a collector does, in this order."""

    ages: list[Ageing] = Field(min_length=1)
    """First, what it does to histories by their age.  The first names the operation's inputs by
    which every daemon is told its history."""
    then: list[SnakeName] = []
    """Then the operations that it runs, whatever the age.  Last it trims, and collects garbage."""


class Daemons(Word):
    """What those who run on their own do at a time that is given to them."""

    posting: Posting
    """What a server posts, and a gatherer before it is time for the summary."""
    summing: Summing
    """What a gatherer posts from then on."""
    collecting: Collecting
    """What a collector does."""


class Limit(Word):
    """The most entries that a snapshot may hold."""

    entries: Positive
    """The number of entries."""
    error: ErrorName
    """The error above it."""


class Saving(Word):
    """When a snapshot saves storage: after enough events, and more of them than it costs."""

    events: Count
    """The least number of events since the last snapshot."""
    base: Count
    """What a snapshot costs, in events."""
    per_entry: Count
    """What each of its entries costs, in events."""
    error: ErrorName
    """The error when it does not save storage."""
