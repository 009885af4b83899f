"""The picture of the house, made from the imports that the code has.

    python docs/hooks/architecture.py

writes it anew.  Boxes are the packages, in the layers of import-linter's contracts; an arrow leads
from each package to those that it imports.  A test compares the picture with the code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = Path(__file__).parents[2]
PICTURE: Final = ROOT / "docs" / "assets" / "architecture.svg"
PACKAGE: Final = "pingregistrywf"

WIDTH, HEIGHT, GAP, RISE, MARGIN = 128, 34, 24, 78, 16

STYLE: Final = """
text{font:13px sans-serif;text-anchor:middle;fill:#1a1a1a}
rect{fill:#eef2ff;stroke:#3949ab}.workshop rect{fill:#fff8e1;stroke:#b26a00}
path{fill:none;stroke:#80868b;stroke-width:1.1}
"""


def layers() -> tuple[list[list[str]], list[list[str]]]:
    """The layers of the product and of the workshop, as pyproject.toml has them."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    found = [each["layers"] for each in contracts if each["type"] == "layers"]
    product, workshop = (
        [[name.strip().removeprefix(f"{PACKAGE}.") for name in row.split("|")] for row in rows]
        for rows in found[:2]
    )
    return product, [row for row in workshop if row != ["cli"]]


def imports(names: set[str]) -> Iterator[tuple[str, str]]:
    """Which of these packages imports which, in their order."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    for one in sorted(names):
        for other in sorted(names - {one}):
            if graph.direct_import_exists(
                importer=f"{PACKAGE}.{one}", imported=f"{PACKAGE}.{other}", as_packages=True
            ):
                yield one, other


def places() -> Mapping[str, tuple[str, int, int]]:
    """The kind of each box, and its left upper corner; the product stands on the left."""
    found: dict[str, tuple[str, int, int]] = {}
    product, workshop = layers()
    for row, names in enumerate(product):
        for name in names:
            found[name] = ("product", MARGIN + (row % 2) * 60, MARGIN + row * RISE)
    left = MARGIN + WIDTH + 150
    for row, names in enumerate(workshop):
        for column, name in enumerate(names):
            x = left + column * (WIDTH + GAP) + (3 - len(names)) * (WIDTH + GAP) // 2
            found[name] = ("workshop", x, MARGIN + (2 * row + 2) * RISE)
    return found


def svg() -> str:
    """The picture."""
    boxes = places()
    drawn = []
    for one, other in imports(set(boxes)):
        (_, x1, y1), (_, x2, y2) = boxes[one], boxes[other]
        down = y2 > y1
        start = (x1 + WIDTH // 2, y1 + (HEIGHT if down else 0))
        end = (x2 + WIDTH // 2, y2 + (0 if down else HEIGHT))
        bend = (start[1] + end[1]) // 2
        drawn.append(
            f'<path d="M{start[0]},{start[1]} C{start[0]},{bend} {end[0]},{bend} {end[0]},{end[1]}"'
            f' marker-end="url(#head)"><title>{escape(one)} imports {escape(other)}</title></path>'
        )
    for name, (kind, x, y) in boxes.items():
        drawn.append(
            f'<g class="{kind}"><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
            f'<text x="{x + WIDTH // 2}" y="{y + 22}">{escape(name)}</text></g>'
        )
    width = max(x for _, x, _ in boxes.values()) + WIDTH + MARGIN
    height = max(y for _, _, y in boxes.values()) + HEIGHT + MARGIN
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
        ' markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:#80868b"/>'
        "</marker></defs>"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>The packages of pingregistrywf, and which imports which</title>",
            f"<style>{STYLE}</style>",
            head,
            *drawn,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    PICTURE.write_text(svg(), encoding="utf-8")
