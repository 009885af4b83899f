"""Where the boxes and arrows of a diagram go: Graphviz as a library.

Boxes and labels come with their sizes, and what comes back is coordinates, so no text is measured
with a font of this machine.  Graphviz is the PyPI package ``graphviz-pure``, which gives the same
coordinates on every machine; it is looked for where this Python keeps its commands and nowhere
else, since another version of it might draw the same chart otherwise.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TypeAlias

from pingregistrywf.extras import remedy
from pingregistrywf.generate.rendering import templates

COMMAND: Final = "graphviz-pure"
TIMEOUT: Final = 60.0

Point: TypeAlias = tuple[float, float]


class LayoutError(Exception):
    """Graphviz is not there, or did not answer; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box to place, of this size, which shares no place with another."""

    name: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow between two boxes, and the size of its label; more weight makes it straighter."""

    tail: str
    head: str
    width: float = 0
    height: float = 0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    """A Bézier path, the tip of the arrow that ends it, the centre of its label or else the tip."""

    path: tuple[Point, ...]
    tip: Point
    label: Point


def place(boxes: Sequence[Box], links: Sequence[Link]) -> tuple[dict[str, Point], list[Route]]:
    """Lay boxes out from top to bottom, in the direction of the links.

    Returns the centres of the boxes by name and the routes of the links; y goes down, in pixels.

    Raises:
        LayoutError: if Graphviz is not installed or fails.
    """
    template = templates().get_template("layout.dot.jinja")
    answer = _graphviz(template.render(boxes=boxes, links=links))
    centres = {node["name"]: _point(node["pos"]) for node in answer["objects"]}
    edges = {int(edge["id"]): edge for edge in answer.get("edges", ())}
    return centres, [_route(edges[number]) for number in range(len(links))]


def executable() -> str:
    """Return the path of the command that does the layout.

    Raises:
        LayoutError: if it is not installed for this Python.
    """
    places = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    try:
        files = metadata.files(COMMAND) or ()
    except metadata.PackageNotFoundError:
        files = ()
    # The list of the package's files knows the place also after `pip install --user` or `--target`.
    places = [str(Path(str(f.locate())).parent) for f in files if f.stem == COMMAND] + places
    found = shutil.which(COMMAND, path=os.pathsep.join(places))
    if found is None:
        raise LayoutError(
            f"diagrams need {COMMAND}, which is not installed for {sys.executable}:"
            f" {remedy('model')}"
        )
    return found


def _graphviz(text: str) -> dict[str, Any]:
    return _answer(executable(), text)


@functools.lru_cache(maxsize=32)  # the SVG and chart.json ask for the same layout
def _answer(command: str, text: str) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - the package's own command, fed on standard input
            [command, "-Kdot", "-Tjson0"],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip() or f"exit code {error.returncode}"
        raise LayoutError(f"{command} failed: {why}") from None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise LayoutError(f"{command} failed: {error}") from error
    return answer


def _route(edge: dict[str, Any]) -> Route:
    # "e,x,y x,y x,y ...": the tip of the arrow, then the path up to the arrow's base.
    end, *path = edge["pos"].split()
    tip = end.removeprefix("e,")
    return Route(tuple(map(_point, path)), _point(tip), _point(edge.get("lp", tip)))


def _point(text: str) -> Point:
    x, y = text.split(",")
    return float(x), -float(y)
