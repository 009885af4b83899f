"""facade.py: Behavior, Advancer, and the facade with one method a command."""

from __future__ import annotations

from pingregistrywf.chart.naming import snake
from pingregistrywf.chart.table import DELETED, Table
from pingregistrywf.chart.vocabulary import Chart, Rule
from pingregistrywf.generate.python.shape import (
    PLAIN,
    Method,
    methods,
)
from pingregistrywf.generate.python.text import (
    WIDTH,
    docstring,
    item,
    module,
)


def facade(table: Table) -> str:
    """Behavior, Advancer, and the facade with one method a command."""
    chart = table.chart
    body = [
        "class Advancer(BaseAdvancer[State, Event]):",
        '    """Applies events to states."""',
        "",
        "    declaration = DECLARATION",
        "",
        "",
        "class Behavior(BaseBehavior[State, Event]):",
        f'    """What the commands and events of chart {chart.chart} do."""',
        "",
        "    declaration = DECLARATION",
        "",
        "    def new_event(self) -> type[Event]:",
        '        """The class of events; ``unmarshal_proto`` makes one from bytes."""',
        "        return Event",
        "",
        "    def new_advancer(self) -> Advancer:",
        '        """What applies events to states."""',
        "        return Advancer()",
        "",
        "",
        f"class {chart.facade}(Facade[State, Event]):",
        *docstring(f"{chart.title}: its commands as methods, on a journal.", "    "),
        "",
        "    behavior = Behavior",
    ]
    for method in methods(chart):
        body += ["", *_method(table, method)]
    return module(
        f"The facade of chart {chart.chart}.",
        [
            ["from uuid import UUID"],
            [
                "from pingregistrywf.runtime.behavior import Advancer as BaseAdvancer",
                "from pingregistrywf.runtime.behavior import Behavior as BaseBehavior",
                "from pingregistrywf.runtime.facade import Facade",
                "from pingregistrywf.runtime.ids import Ulid, Vid",
            ],
            [
                "from .commands import "
                + ", ".join(sorted(f"Cmd{each.name}" for each in methods(chart))),
                "from .events import Event",
                "from .states import State",
                "from .table import DECLARATION",
            ],
        ],
        body,
    )


def _method(table: Table, method: Method) -> list[str]:
    chart, name = table.chart, method.name
    rules = chart.commands[name].rules if name in chart.commands else []
    starts = name in chart.commands and chart.starts(name)
    deletes = any(rule.delete for rule in rules)
    if starts:
        arguments = ["id: UUID", f"cmd: Cmd{name}"]
        call = f"self._begin(id, cmd, Cmd{name})"
    else:
        arguments = ["id: UUID", "vid: Vid"]
        arguments += [f"{each.name}: {PLAIN[each.type]}" for each in method.arguments]
        passed = ", ".join(f"{each.name}={each.name}" for each in method.arguments)
        call = f"self._tell(id, vid, Cmd{name}({passed}))"
    result = "None" if deletes else "Ulid"
    signature = f"    def {snake(name)}(self, {', '.join(arguments)}) -> {result}:"
    if len(signature) > WIDTH:
        signature = "\n".join(
            [
                f"    def {snake(name)}(",
                f"        self, {', '.join(arguments)}",
                f"    ) -> {result}:",
            ]
        )
    lines = [signature, *_method_doc(table, method, starts=starts, deletes=deletes)]
    body = f"        {call}" if deletes else f"        return {call}"
    if len(body) > WIDTH:
        inner = [f"            {each.name}={each.name}," for each in method.arguments]
        body = "\n".join(
            [
                f"        command = Cmd{name}(",
                *inner,
                "        )",
                "        " + ("" if deletes else "return ") + "self._tell(id, vid, command)",
            ]
        )
    return [*lines, body]


def _method_doc(table: Table, method: Method, *, starts: bool, deletes: bool) -> list[str]:
    chart = table.chart
    lines = docstring(method.doc or f"The command {method.name}.", "        ")
    if lines[-1].strip() == '"""':
        lines.pop()
    else:
        lines[-1] = lines[-1].removesuffix('"""')
    if method.name in chart.commands:
        lines.append("")
        for number, rule in enumerate(chart.commands[method.name].rules, start=1):
            lines += item(
                f"- {', '.join(rule.states)}: {_said(rule)} (rule {method.name}.{number}).", 8, 10
            )
        lines += item(f"- Anywhere else: {chart.otherwise}.", 8, 10)
    lines += ["", "        Args:"]
    lines += item("id: Which history.", 12, 16)
    if starts:
        lines += item("cmd: The command and its arguments.", 12, 16)
    else:
        lines += item("vid: The expected vid, NO_VC or RETRY_NO_VC.", 12, 16)
        for each in method.arguments:
            lines += item(f"{each.name}: {each.doc}", 12, 16)
    if not deletes:
        lines += ["", "        Returns:"]
        lines += item("The vid after the command.", 12, 16)
    lines += ["", "        Raises:"]
    lines += item("InvalidCommandError: an argument is malformed; nothing was read.", 12, 16)
    for error in _raised(table, method):
        lines += item(f"{error}: {_meaning(chart, error)}", 12, 16)
    lines += item("JournalError: a version conflict, or another error of the journal.", 12, 16)
    return [*lines, '        """']


def _said(rule: Rule) -> str:
    if rule.emit:
        return f"appends {next(iter(rule.emit))}"
    if rule.error:
        return next(iter(rule.error))
    if rule.same:
        return f"nothing to do if {', '.join(rule.same)} is as stored, else {rule.otherwise}"
    return "nothing to do" if rule.noop else "the history is deleted"


def _raised(table: Table, method: Method) -> list[str]:
    if method.name not in table.chart.commands:
        snapshot = table.chart.snapshot
        return [snapshot.limit.error, snapshot.saving.error] if snapshot else []
    found = {
        cell.error
        for (row, state), cell in table.cells.items()
        if row[0] == method.name and state != DELETED and cell.error
    }
    return sorted(found)


def _meaning(chart: Chart, error: str) -> str:
    declared = chart.errors.get(error)
    if declared is not None and declared.doc:
        return declared.doc[0].lower() + declared.doc[1:]
    return "the chart does not allow it here."
