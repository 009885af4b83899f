"""errors.py: the errors of the chart's own, and which errors its facade answers with."""

from __future__ import annotations

from pingregistrywf.chart.table import Table
from pingregistrywf.generate.python.shape import (
    PLAIN,
    own_errors,
)
from pingregistrywf.generate.python.text import (
    WIDTH,
    assigned,
    docstring,
    module,
)


def errors(table: Table) -> str:
    """The errors of the chart's own, and which errors its facade answers with."""
    chart = table.chart
    body: list[str] = []
    for name in own_errors(chart):
        error = chart.errors[name]
        prose = " ".join(error.doc.split()) or f"{name}."
        body += [f"class {name}(DeclaredError):", *docstring(prose, "    "), ""]
        body += [*assigned("    prose = ", prose), ""]
        if error.fields:
            arguments = ", ".join(
                f"{field}: {PLAIN[each.type]}" for field, each in error.fields.items()
            )
            for field, each in error.fields.items():
                body.append(f"    {field}: {PLAIN[each.type]}")
            passed = ", ".join(f"{field}={field}" for field in error.fields)
            body += [
                "",
                f"    def __init__(self, {arguments}) -> None:",
                f"        super().__init__({passed})",
            ]
        while body[-1] == "":
            body.pop()
        body += ["", ""]
    own = ", ".join(own_errors(chart))
    total = (
        f"PACKAGE_ERRORS: Final = (*BASE_ERRORS, {own})"
        if own
        else "PACKAGE_ERRORS: Final = BASE_ERRORS"
    )
    if len(total) > WIDTH:
        total = "\n".join(
            ["PACKAGE_ERRORS: Final = (", "    *BASE_ERRORS,"]
            + [f"    {name}," for name in own_errors(chart)]
            + [")"]
        )
    body += [
        total,
        '"""What the facade answers with."""',
        "",
        "",
        "def is_package_error(err: BaseException | None) -> bool:",
        '    """True for the errors that the facade answers with, false for all else."""',
        "    return isinstance(err, PACKAGE_ERRORS)",
    ]
    return module(
        f"The errors of chart {chart.chart}.",
        [
            ["from typing import Final", "from uuid import UUID"],
            [
                "from pingregistrywf.runtime.errors import PACKAGE_ERRORS as BASE_ERRORS",
                "from pingregistrywf.runtime.ids import Ulid",
                "from pingregistrywf.runtime.values import DeclaredError",
            ],
        ],
        body,
    )
