"""What the benchmarks found: rows of the table, and curves of the plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .measuring import Scale


class Unit(Enum):
    """What a figure counts."""

    SECONDS = "s"
    BYTES = "bytes"
    SHARE = "share"


class Ratio(Enum):
    """How the ratio of a row is taken."""

    SPEED = "speed"
    """The peer's time over ours: how many times as fast we are."""
    COST = "cost"
    """Our time over the one beside it: how many times as much the larger case costs."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of two that are compared.

    Attributes:
        name: who, in a few words.
        does: what exactly one iteration does.
        value: the median of the rounds.
        unit: the value's unit; of an iteration, unless the unit is a share.
    """

    name: str
    does: str
    value: float
    unit: Unit = Unit.SECONDS


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row must reach: at least the bound, or at most."""

    bound: float
    at_least: bool

    def met_by(self, value: float) -> bool:
        """Return whether a value reaches the goal."""
        return value >= self.bound if self.at_least else value <= self.bound


def at_least(bound: float) -> Goal:
    """Return the goal to reach a bound."""
    return Goal(bound, at_least=True)


def at_most(bound: float) -> Goal:
    """Return the goal not to exceed a bound."""
    return Goal(bound, at_least=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Attributes:
        key: names the row for programs.
        path: what is measured.
        ours: this package.
        peer: what it is compared with; None for a figure that stands alone.
        goal: what the ratio must reach, or the figure alone; None for a row that only informs.
        taken: how the ratio is taken.
    """

    key: str
    path: str
    ours: Side
    peer: Side | None = None
    goal: Goal | None = None
    taken: Ratio = Ratio.SPEED

    @property
    def ratio(self) -> float | None:
        """The ratio of the two sides; None for a figure that stands alone."""
        if self.peer is None:
            return None
        ratio = self.peer.value / self.ours.value
        return ratio if self.taken is Ratio.SPEED else 1 / ratio

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.goal is None:
            return None
        return self.goal.met_by(self.ours.value if self.ratio is None else self.ratio)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot: figures by size, in seconds an iteration."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves with one axis.

    Attributes:
        name: of the file.
        title: above the plot.
        axis: what the sizes count.
        curves: the lines.
        per_second: whether the plot shows iterations a second.
    """

    name: str
    title: str
    axis: str
    curves: tuple[Curve, ...]
    per_second: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a run found, at which scale."""

    scale: Scale
    rows: Sequence[Row]
    plots: Sequence[Plot]
