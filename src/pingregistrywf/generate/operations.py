"""The typed Python module of a file of operations: declarations and one-line methods."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.naming import upper
from pingregistrywf.chart.vocabulary import (
    Chart,
    Constant,
    Operation,
    Operations,
    Step,
    StepVid,
    Type,
)
from pingregistrywf.generate.python.shape import PLAIN
from pingregistrywf.generate.python.table import literal
from pingregistrywf.generate.python.text import WIDTH, assigned, docstring, imports, item


def operations_module(operations: Operations, charts: Mapping[str, Chart]) -> str:
    """The module's text."""
    body: list[str] = []
    for name, operation in operations.operations.items():
        body += [*_declaration(name, operation, charts), ""]
    body += [
        "OPERATIONS: Final = {",
        *(f'    "{name}": {upper(name)},' for name in operations.operations),
        "}",
        '"""Every operation by its name."""',
        "",
        "",
        "class Operations(Interpreter):",
        *docstring(f"{operations.title}, as methods.", "    "),
    ]
    for name, operation in operations.operations.items():
        body += ["", *_method(name, operation)]
    used = {step.chart for each in operations.operations.values() for step in each.steps}
    text = "\n".join(body)
    groups = [
        ["from typing import Final", "from uuid import UUID"],
        [
            "from pingregistrywf.runtime.declaration import Argument, Constant",
            "from pingregistrywf.runtime.ids import Ulid",
            "from pingregistrywf.runtime.operations import "
            + ", ".join(["Interpreter", "Operation", "Ran", "Step", "VidOfStep"]),
        ],
        # By their packages: two charts may have commands of one name.
        [f"from .. import {', '.join(sorted(used))}"],
    ]
    blocks = [block for group in groups if (block := imports(group, text))]
    doc = "\n".join(docstring(f"{operations.title}. {operations.doc}"))
    head = "\n\n".join([doc, "from __future__ import annotations", *blocks])
    opening = (
        f"# Generated from operations {operations.operations_of}. Do not edit: change the model.\n"
    )
    return f"{opening}{head}\n\n{text}\n"


def _declaration(name: str, operation: Operation, charts: Mapping[str, Chart]) -> list[str]:
    arguments = "".join(f'"{argument}", ' for argument in operation.args).rstrip(" ")
    lines = [
        f"{upper(name)}: Final = Operation(",
        f'    name="{name}",',
        f"    arguments=({arguments}),",
        "    steps=(",
    ]
    for step in operation.steps:
        lines += _step(step, charts)
    return [*lines, "    ),", *assigned("    doc=", operation.doc, ","), ")"]


def _step(step: Step, charts: Mapping[str, Chart]) -> list[str]:
    chart = charts[step.chart]
    if step.command in chart.commands:
        types = {name: each.type for name, each in chart.commands[step.command].args.items()}
    else:
        types = {chart.snapshot.command.option: Type.BOOL} if chart.snapshot else {}
    sources = ", ".join(f'"{name}": {_source(step, name, kind)}' for name, kind in types.items())
    vid = f"VidOfStep({step.vid.step})" if isinstance(step.vid, StepVid) else f'"{step.vid}"'
    return [
        "        Step(",
        f'            chart="{step.chart}",',
        f'            history="{step.history}",',
        f"            command={step.chart}.Cmd{step.command},",
        f"            sources={{{sources}}},",
        f"            vid={vid},",
        f'            on_refusal="{step.on_refusal}",',
        *assigned("            doc=", step.doc, ","),
        "        ),",
    ]


def _source(step: Step, name: str, kind: Type) -> str:
    match step.args.get(name, name):
        case StepVid(step=number):
            return f"VidOfStep({number})"
        case Constant(constant=value):
            return literal(value, kind)
        case argument:
            return f'Argument("{argument}")'


def _method(name: str, operation: Operation) -> list[str]:
    given = any(step.vid == "given" for step in operation.steps)
    arguments = [f"{each}: {PLAIN[arg.type]}" for each, arg in operation.args.items()]
    last = ["*", "vid: Ulid | None = None"] if given else []
    parameters = ["self", *arguments, *last]
    lines = [f"    def {name}({', '.join(parameters)}) -> Ran:"]
    if len(lines[0]) > WIDTH:
        inner = (f"        {each}," for each in parameters)
        lines = [f"    def {name}(", *inner, "    ) -> Ran:"]
    doc = docstring(operation.doc, "        ")
    if doc[-1].strip() == '"""':
        doc.pop()
    else:
        doc[-1] = doc[-1].removesuffix('"""')
    lines += [*doc, "", "        Args:"]
    for each, arg in operation.args.items():
        lines += item(f"{each}: {arg.doc}", 12, 16)
    if given:
        lines += item("vid: The version to expect; None if the caller has none.", 12, 16)
    lines += ["", "        Raises:"]
    lines += item("WorkflowError: what a step raised; the steps before it stay done.", 12, 16)
    passed = ", ".join(f'"{each}": {each}' for each in operation.args)
    end = ", vid" if given else ""
    call = f"        return self.run({upper(name)}, {{{passed}}}{end})"
    if len(call) > WIDTH:
        call = "\n".join(
            [
                "        arguments = {",
                *(f'            "{each}": {each},' for each in operation.args),
                "        }",
                f"        return self.run({upper(name)}, arguments{end})",
            ]
        )
    return [*lines, '        """', call]
