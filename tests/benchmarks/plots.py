"""The plots, as SVG whose bytes depend on the figures alone."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from .figures import Plot

STYLE = {
    "svg.fonttype": "none",  # letters stay letters
    "svg.hashsalt": "pingregistrywf",
    "font.size": 11,
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": "#d0d7de",
}
NAMELESS = {"Creator": None, "Date": None, "Format": None, "Type": None}
COLOURS = ("#0550ae", "#bc4c00", "#1a7f37")
MARKS = ("o", "s", "^")


def draw(plot: Plot, path: Path) -> None:
    """Write a plot: both axes count in powers, unless it shows iterations a second."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.0), layout="constrained")
        axes = figure.subplots()
        for curve, colour, mark in zip(plot.curves, COLOURS, MARKS, strict=False):
            sizes, seconds = zip(*curve.points, strict=True)
            shown = [1 / each if plot.per_second else 1000 * each for each in seconds]
            axes.plot(sizes, shown, label=curve.name, color=colour, marker=mark)
        if plot.per_second:
            axes.set_xscale("log", base=2)
            axes.set_xticks(sizes, [str(size) for size in sizes])
            axes.set_ylim(bottom=0)
        else:
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.set_xlabel(plot.axis)
        axes.set_ylabel("appends a second" if plot.per_second else "milliseconds")
        axes.set_title(plot.title)
        axes.legend()
        figure.savefig(path, format="svg", metadata=NAMELESS)
