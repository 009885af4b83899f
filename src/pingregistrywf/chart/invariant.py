"""The vocabulary of an inductive invariant: why a system is safe with any number of participants.

Its formulas are functions of ids and participants, of which there may be any number.  The reader
checks all but the formulas; the proof reads those.
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
    """A file with the inductive invariant of a system.

    Its formulas are expressions in the syntax of Python, over what the model names.

    ``CHART[history]`` is a history.  It has a ``vid``.  Unless the chart is keyed, it also has the
    ``first_vid`` of its first event, the ``parent`` of its newest one, a ``state``, and what events
    carry.

    ``CHART[history, key]`` is an entry of a keyed chart.  It has a ``state``, what events carry,
    and the ``vid`` of the newest event about it.

    What is written by an operation that reads has ``saw``, the version that was read.

    ``running[participant]`` is a run of an operation.  Its ``next`` is the next step, such as
    Commit2, or Idle.  It has the inputs of the system; ``vid1``, the vid after step 1; and what it
    found when it began: the version ``read``, the newest event about the entry (``before``), and
    the first event of the history that was listed (``first``).

    ``Epoch`` is the version of a history without events.  States and steps are written in quotes.
    ``any(… for registry in Registries)`` says that it holds for one of them.  In a consequence,
    ``after(…)`` is a value, or what holds, after the action.
    """

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
