"""A chart as a module of TLA+: what each command does in each state, and what events leave behind.

Ids and versions are in the model, and so are the values that guards compare.  All other values that
events carry are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pingregistrywf.chart.ir import (
    DELETED,
    OTHERWISE,
    Cell,
    Chart,
    Command,
    Event,
    FromArgument,
    Outcome,
)
from pingregistrywf.chart.parts import Constant
from pingregistrywf.chart.types import Type
from pingregistrywf.generate.tla.spelling import literal, pascal, record, values

_IDS = (Type.UUID, Type.ULID)


@dataclass(frozen=True, slots=True)
class Arm:
    """What a command does under a condition, and the prose of the rule that says so."""

    condition: str
    result: str
    prose: str


class ChartModule:
    """What the template of a chart's module is filled with."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self.name = pascal(chart.name)

    # --- What is in the model ---------------------------------------------------------------------

    @cached_property
    def compared(self) -> Sequence[str]:
        """The carried values that guards compare."""
        names = (name for command in self.chart.commands.values() for name in command.compared)
        return list(dict.fromkeys(names))

    @cached_property
    def carried(self) -> Sequence[str]:
        """The carried values that are in the model."""
        return [
            name
            for name, each in self.chart.carried.items()
            if each.kind == "value" and (each.type in _IDS or name in self.compared)
        ]

    def fields(self, event: Event) -> list[str]:
        """The fields of an event that are in the model: the key, and what enters such a value."""
        key = [self.chart.key.name] if self.chart.key else []
        entering = [
            each.field for each in event.carries if each.field and each.carried in self.carried
        ]
        return [name for name in event.fields if name in (*key, *entering)]

    def arguments(self, command: Command) -> list[str]:
        """The arguments of a command that are in the model."""
        if command.rewrite:
            return []
        used = set(command.compared)
        for cell in self.chart.table:
            if cell.command == command.name and cell.event:
                fields = self.fields(self.chart.events[cell.event])
                sources = (cell.sources[name] for name in fields)
                used |= {each.argument for each in sources if isinstance(each, FromArgument)}
        return [name for name in command.arguments if name in used]

    # --- Events -----------------------------------------------------------------------------------

    @property
    def leading(self) -> Mapping[str, Event]:
        """The events that lead to a state."""
        return {name: event for name, event in self.chart.events.items() if event.to}

    def entering(self, event: Event) -> list[tuple[str, str]]:
        """The carried values in the model that an event sets, each with the field it is from."""
        return [
            (each.carried, each.field)
            for each in event.carries
            if each.field and each.carried in self.carried
        ]

    def setting(self, carried: str) -> list[tuple[str, str]]:
        """The events that set a carried value, each with the field it is from."""
        return [
            (name, field)
            for name, event in self.leading.items()
            for each, field in self.entering(event)
            if each == carried
        ]

    @property
    def nothing(self) -> str:
        """The entry of a keyed chart that is not listed."""
        carried = ((name, "Epoch") for name in self.carried)
        return record((("state", f'"{self.chart.initial}"'), *carried), 12)

    # --- Commands ---------------------------------------------------------------------------------

    def parameters(self, command: Command) -> list[str]:
        """The parameters of the operator that decides a command."""
        if command.rewrite:
            return ["history", "keys"]
        key = self.chart.key.name if self.chart.key else ""
        seen = "entry" if key else "history"
        return [seen, *self.arguments(command)]

    def arms(self, command: Command) -> list[Arm]:
        """What a command does, rule by rule; the last arm is that of all other states."""
        arms = []
        for alike in self._alike(command):
            cell = alike[0]
            if cell.rule == OTHERWISE:
                continue
            condition = f"state \\in {values(dict.fromkeys(each.state for each in alike))}"
            if len(alike) == 1:
                condition = f'state = "{cell.state}"'
            if cell.guard:
                same = " /\\ ".join(self._same(name) for name in cell.compared)
                condition += f" /\\ {same}" if cell.arguments == "same" else f" /\\ ~({same})"
            arms.append(Arm(condition, self._result(cell), self.chart.prose(cell.rule)))
        otherwise = Arm("OTHER", f'Refuses("{self.chart.otherwise}")', "")
        return [*arms, otherwise]

    def emits_on_nothing(self, command: str) -> bool:
        """True if the command emits in the initial state."""
        return self.chart.cell(command, self.chart.initial).outcome is Outcome.EMIT

    def _alike(self, command: Command) -> Iterator[list[Cell]]:
        """The cells of a command that differ in their state only."""
        groups: dict[object, list[Cell]] = {}
        for cell in self.chart.table:
            if cell.command != command.name:
                continue
            # Where no guard decides, the cells for the same and for other arguments are equal.
            arguments = cell.arguments if cell.guard else ""
            key = (cell.rule, arguments, cell.outcome, cell.event, cell.error)
            group = groups.setdefault(key, [])
            if all(each.state != cell.state for each in group):
                group.append(cell)
        return iter(sorted(groups.values(), key=lambda group: group[0].state == DELETED))

    def _same(self, name: str) -> str:
        stored = f"entry.{name}" if self.chart.key else f"{pascal(name)}(history)"
        return f"{name} = {stored}"

    def _result(self, cell: Cell) -> str:
        match cell.outcome:
            case Outcome.EMIT:
                assert cell.event is not None  # noqa: S101 (the cell of an event)
                fields = [("type", f'"{cell.event}"')]
                for name in self.fields(self.chart.events[cell.event]):
                    source = cell.sources[name]
                    given = literal(source) if isinstance(source, Constant) else source.argument
                    fields.append((name, given))
                return f"Emits({record(fields, 18)})"
            case Outcome.DELETE:
                return "Deletes"
            case Outcome.NOOP:
                return "DoesNothing"
            case _:
                return f'Refuses("{cell.error}")'
