"""The vocabulary of a system and of its properties: what the formal model adds to a model.

Charts and operations say what every step does, but not who runs which operation when.  A system
says that: its participants, what each looks at before it runs an operation, and the sizes at which
the model is checked.  Properties are what must hold in it, each with the fault that it must catch.
Nothing is left out in these files that has to be worked out, so generators read these values as
they are.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pingregistrywf.chart.parts import Word
from pingregistrywf.chart.spelling import Count, PascalName, Positive, Prose, SnakeName

Check = Literal["safety", "liveness", "cells"]


class Place(Word):
    """A history, and in a keyed chart one of its entries."""

    chart: SnakeName
    """The chart."""
    history: SnakeName
    """The input that tells which of the chart's histories it is."""
    entry: SnakeName | None = None
    """For a keyed chart: the input that tells which entry it is."""


class Condition(Place):
    """What a participant has seen before it runs an operation."""

    now: list[PascalName] = Field(default=[], alias="is")
    """The states of which it sees one when the operation begins."""
    earlier: list[PascalName] = Field(default=[], alias="was")
    """The states of which it saw one at any time before.  What it saw may no longer hold."""


class Run(Word):
    """An operation that a participant runs, again and again, while its conditions hold."""

    operation: SnakeName
    """The operation."""
    when: list[Condition] = []
    """What the participant sees first; all conditions must hold."""
    reads: Place | None = None
    """The history that the participant reads first, and whose version it gives to the operation."""
    at_most: SnakeName | None = None
    """The limit, which each size sets, of how many events of each history come from one
    participant's runs of the operation."""
    acknowledged: bool = False
    """True if the answers matter to a property: the model then remembers each of them."""


class Input(Word):
    """An input of operations that the model tells apart; all other inputs are left out."""

    plural: PascalName
    """The name of the set of its values."""
    doc: Prose


class Participant(Word):
    """A kind of program that takes part."""

    plural: PascalName
    """The name of the set of such programs."""
    runs: list[Run] = Field(min_length=1)
    """What each of them does, in any order, one operation at a time."""
    doc: Prose


class Size(Word):
    """How many of everything there are when the model is checked."""

    inputs: dict[SnakeName, Positive]
    """How many values each input has."""
    participants: dict[SnakeName, Count]
    """How many programs of each kind take part."""
    limits: dict[SnakeName, Count] = {}
    """The limits that runs name."""
    crashes: Count
    """How often a participant may crash."""
    lives: Positive = 1
    """How often each id may be used: one more each time that a mark of deletion expires."""
    symmetric: list[SnakeName] = []
    """The participants that are interchangeable; of states that differ in them alone one is
    explored.  Not for liveness, which a checker could then miss."""
    checks: list[Check] = ["safety"]
    """What is checked at this size: properties that are safety or liveness, and which cells of the
    charts' tables are reached."""
    exhaustive: bool = False
    """True if it takes too long to be checked every time."""
    doc: Prose


class System(Word):
    """A file that describes a system: who runs which operation when."""

    system: SnakeName
    """The name of the system, and of the modules of its model."""
    operations: SnakeName
    """The operations that participants run."""
    title: str = Field(min_length=1)
    """Its name for people."""
    inputs: dict[SnakeName, Input] = Field(min_length=1)
    """The inputs that the model tells apart."""
    participants: dict[SnakeName, Participant] = Field(min_length=1)
    """Those who take part."""
    sizes: dict[SnakeName, Size] = Field(min_length=1)
    """The sizes at which the model is checked."""
    doc: Prose


class Fault(Word):
    """A mistake that somebody could make, put into the model to see that a property fails."""

    size: SnakeName
    """The smallest size at which the property fails."""
    model: dict[str, Any] = {}
    """Changes of the model's files, each from a path (FILE.KEY.KEY, where lists count from 1) to
    the new value, or to null for a key to remove."""
    operators: dict[PascalName, str] = {}
    """Operators of the generated modules, each with another definition, in TLA+."""
    product: str | None = None
    """The test of the product that catches the same mistake there."""
    doc: Prose


class Property(Word):
    """Something that must hold."""

    kind: Literal["invariant", "action", "liveness"]
    """An invariant holds in every state, an action property for every step, and liveness in every
    behaviour that is fair."""
    formula: str = Field(min_length=1)
    """The formula, in TLA+, over what the generated modules define."""
    fair: list[SnakeName] = []
    """For liveness: the participants that go on for ever unless nothing is left to do."""
    faults: list[Fault] = Field(min_length=1)
    """Faults that the property catches."""
    doc: Prose


class Definition(Word):
    """A name for what several formulas say."""

    parameters: list[SnakeName] = []
    """Its parameters."""
    formula: str = Field(min_length=1)
    """What it stands for, in TLA+."""
    doc: Prose


class Unreached(Word):
    """Cells of a chart's table that no behaviour of the system reaches."""

    chart: SnakeName
    """The chart."""
    command: PascalName
    """The command whose cells they are."""
    states: list[PascalName] = Field(alias="in", min_length=1)
    """The states whose cells they are."""
    arguments: Literal["same", "other"] | None = None
    """For a command that compares: only the cells of the same arguments, or of others."""
    doc: Prose
    """Why they cannot be reached."""


class Properties(Word):
    """A file of properties of a system."""

    properties_of: SnakeName
    """The system."""
    definitions: dict[PascalName, Definition] = {}
    """Names for what several formulas say."""
    properties: dict[SnakeName, Property] = Field(min_length=1)
    """What must hold."""
    unreached: list[Unreached] = []
    """The cells of the charts' tables that cannot be reached, and why.  The system reaches all
    others of the commands that it runs, at some size that checks cells."""
    doc: Prose
