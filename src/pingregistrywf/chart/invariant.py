"""The vocabulary of an inductive invariant: why a system is safe with any number of participants.

The formulas are expressions in the syntax of Python, over what the model names:

- ``CHART[history]`` is a history.  It has a ``vid``, the ``first_vid`` of its first event and the
  ``parent`` of its newest one; unless the chart is keyed also a ``state`` and what events carry.
  If participants read it, it has ``saw``, the version on which such a run appended its event.
- ``CHART[history, key]`` is an entry of a keyed chart, with a ``state``, what events carry, and the
  ``vid`` of the newest event about it.
- ``running[participant]`` is a run of an operation.  ``next`` is its next step, such as Commit2, or
  Idle.  It has the inputs of the system, and what it found when it began: the version ``read``,
  ``before``, the newest event about the entry, and ``first``, the first event of the workflow that
  was listed.  ``vid1`` is the vid after step 1.
- ``Epoch`` is the version of a history without events.  States and steps are written in quotes.
- ``any(… for registry in Registries)`` holds if it holds for one of them.
- ``after(…)`` is what holds after an action, in consequences.

All of these are functions of ids and participants, of which there may be any number.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from pingregistrywf.chart.parts import Word
from pingregistrywf.chart.spelling import PascalName, Prose, SnakeName

PARTICIPANT: Final = "participant"
"""The variable of a clause that is a participant; all others are inputs of the system."""


class Clause(Word):
    """Something that holds for all ids and participants that it names."""

    variables: list[SnakeName] = Field(alias="for", min_length=1)
    """The variables: inputs of the system, and participant."""
    premise: str | None = Field(default=None, alias="if", min_length=1)
    """When it says something; always unless given."""
    conclusion: str = Field(alias="then", min_length=1)
    """What holds then."""
    doc: Prose


class Abbreviation(Word):
    """A name for what several clauses say."""

    parameters: list[SnakeName]
    """Its parameters."""
    formula: str = Field(min_length=1)
    """What it stands for."""
    doc: Prose


class Invariant(Word):
    """A file with the inductive invariant of a system."""

    invariant_of: SnakeName
    """The system."""
    definitions: dict[PascalName, Abbreviation] = {}
    """Names for what several clauses say."""
    clauses: dict[SnakeName, Clause] = Field(min_length=1)
    """The invariant: every clause holds at first, and every action keeps it where all hold.  A
    clause with the name of a property is that property."""
    consequences: dict[SnakeName, Clause] = {}
    """Properties of actions: what every action does where all clauses hold."""
    doc: Prose
