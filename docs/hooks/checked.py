"""Markdown about the formal model: its definitions, its properties, and what the checker found.

What the checker found is read from ``recorded/``, which ``recorded/record.py`` explains.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from marked import code, grid, plain
from rich.console import Console

from pingregistrywf.chart.ir import Model
from pingregistrywf.formal.report import show_timeline
from pingregistrywf.formal.timeline import Line
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.checks import model_checks

RECORDED: Final = Path(__file__).parents[1] / "recorded"
WIDTH: Final = 100
"""How many letters a line of a timeline has."""


def lines_of(name: str) -> list[Line]:
    """The timeline of a recorded counterexample."""
    recorded = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return [Line(**{**each, "details": tuple(each["details"])}) for each in recorded["timeline"]]


def counterexample(name: str) -> str:
    """A recorded counterexample as ``verify`` prints it."""
    printed = io.StringIO()
    console = Console(file=printed, width=WIDTH, highlight=False, soft_wrap=True, color_system=None)
    show_timeline(lines_of(name), console)
    return f"```text\n{printed.getvalue()}```"


def definition(model: Model, name: str) -> str:
    """A definition of a generated module, with the comment above it."""
    found = re.compile(rf"^(?:\\\* .*\n)*{name}\b.*\n(?:[ ].*\n)*", re.MULTILINE)
    modules = (text for system in model.systems for text in formal_model(model, system).values())
    (text,) = {match[0] for module in modules for match in found.finditer(module)}
    return f"```text\n{text}```"


def properties(model: Model, system: str) -> str:
    """Each property, and each fault that it catches at the smallest size that shows it."""
    rows = (
        (code(name) if number == 0 else "", each.kind, plain(fault.doc), code(fault.size))
        for name, each in model.properties[system].properties.items()
        for number, fault in enumerate(each.faults)
    )
    return grid(("property", "kind", "a fault that it catches", "size"), rows)


def sizes(model: Model, system: str) -> str:
    """Each size at which the model is checked, with what one run of the checker found there."""
    head = ("size", "what it is", "checked", "distinct states", "depth")
    return grid(head, _sizes(model, system))


def recorded(name: str) -> str:
    """What a command has printed."""
    printed = (RECORDED / f"{name}.txt").read_text(encoding="utf-8")
    return f"```text\n{printed}```"


def _sizes(model: Model, system: str) -> Iterator[tuple[str, ...]]:
    found = _runs()
    declared = model.properties[system]
    for run in model_checks(model.systems[system], declared):
        one = next(iter(run.properties))
        fair = declared.properties[one].fair
        outcome = found[run.size, one]
        yield (
            code(run.size) + (" (exhaustive)" if run.exhaustive else ""),
            plain(model.systems[system].sizes[run.size].doc),
            f"liveness, fair to each {' and '.join(fair)}" if fair else "safety",
            f"{outcome['distinct']:,}",
            str(outcome["depth"]),
        )


def _runs() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """What was found of each property at each size; properties of one run have its figures."""
    lines = (RECORDED / "sizes.jsonl").read_text(encoding="utf-8").splitlines()
    return {(each["size"], each["property"]): each for each in map(json.loads, lines)}
