"""The layout of a chart's diagram: where each state, arrow and word is.

The generator that draws the SVG makes it (``generate.svg``), and ``chart.json`` carries it, so that
others draw the same diagram without laying it out.  It is no part of the chart's meaning, and its
hash does not cover it.  Lengths are pixels; x grows to the right and y downwards.
"""

from __future__ import annotations

from typing import Literal

from pingregistrywf.chart.parts import Part


class Rectangle(Part):
    """A rectangle, by its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Circle(Part):
    """A circle, by its centre."""

    x: float
    y: float
    radius: float


class DrawnLine(Part):
    """A line that ends in the head of an arrow, as data of two SVG paths."""

    curve: str
    """The line: absolute commands M, C and L only."""
    head: str
    """The head, a closed triangle to fill: absolute commands M, L and Z only."""


class DrawnWord(Part):
    """A piece of an arrow's label."""

    text: str
    style: Literal["command", "condition", "event"]
    command: str | None = None
    """The command that it names, if it names one."""


class LabelLine(Part):
    """A line of an arrow's label; x is its left end, y its baseline."""

    x: float
    y: float
    words: list[DrawnWord]


class DrawnArrow(Part):
    """An arrow: commands that have one effect in one state."""

    kind: Literal["move", "loop", "noop", "delete"]
    """It moves to another state, emits and stays, changes nothing, or deletes the history."""
    source: str
    target: str
    event: str | None
    """The event that the commands emit."""
    commands: list[str]
    line: DrawnLine
    label: list[LabelLine]


class Layout(Part):
    """The layout of a diagram."""

    area: Rectangle
    """What the diagram takes, with its margin."""
    header: float
    """The height of a state's upper part, which holds its name; arrows that stay are below it."""
    marker: Circle
    """The marker of the initial state."""
    initial: DrawnLine
    """The arrow from the marker to the initial state."""
    states: dict[str, Rectangle]
    """The states, and Deleted if a history can be deleted."""
    arrows: list[DrawnArrow]
    """The arrows, as they are drawn; those that stay lie inside of their state, over its box."""
