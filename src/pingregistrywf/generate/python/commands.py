"""commands.py: the command classes."""

from __future__ import annotations

from pingregistrywf.chart.table import Table
from pingregistrywf.generate.python.shape import (
    CHECKED,
    methods,
)
from pingregistrywf.generate.python.text import (
    class_doc,
    docstring,
    module,
)


def commands(table: Table) -> str:
    """The command classes."""
    chart = table.chart
    body: list[str] = []
    for method in methods(chart):
        body += ["", "", f"class Cmd{method.name}(Command):"]
        fields = {each.name: each.doc for each in method.arguments}
        doc = method.doc or f"The command {method.name}."
        body += class_doc(doc, fields) if fields else docstring(doc, "    ")
        if fields:
            body.append("")
        for each in method.arguments:
            annotation = CHECKED[each.type]
            body.append(
                f"    {each.name}: "
                + (f"Annotated[{annotation}, NonZero]" if each.nonzero else annotation)
            )
    return module(
        f"The commands of chart {chart.chart}.",
        [
            ["from typing import Annotated", "from uuid import UUID"],
            [
                "from pingregistrywf.runtime.ids import Ulid",
                "from pingregistrywf.runtime.values import Command, Int32, NonZero, Text",
            ],
        ],
        body[2:],
    )
