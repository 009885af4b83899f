"""Values: fields and arguments each get one of their type, from an argument or a constant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.parts import Constant, VidOfStep
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import Argument, EventField, PlainField

Source: TypeAlias = str | Constant | VidOfStep
Target: TypeAlias = EventField | PlainField | Argument

_INT32: Final = range(-(2**31), 2**31)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
CONSTANTS: Final[Mapping[Type, str]] = {
    Type.INT32: f"a whole number from {_INT32.start} to {_INT32.stop - 1}",
    Type.STRING: "text, in quotes",
    Type.UUID: "a UUID: 32 hexadecimal digits as 8-4-4-4-12",
    Type.ULID: "a ULID: 26 digits and capitals in Crockford's base 32",
    Type.BOOL: "true or false",
}
"""How a constant of each type is written."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The arguments of a command or an operation, which values can be taken from."""

    of: str
    args: Mapping[str, Argument]
    key: str | None = None
    """The argument that every command of a keyed chart must have, by another check."""
    taken: set[str | None] = field(default_factory=set)
    """The arguments that were taken so far."""

    def take(self, report: Report, name: str, at: Path) -> str | None:
        """Take an argument by its name; see ``Report.resolve`` for what is returned."""
        found = report.resolve(name, self.args, at, f"argument of {self.of}")
        self.taken.add(found)
        return found

    def fill(
        self,
        report: Report,
        at: Path,
        owner: str,
        what: str,
        targets: Mapping[str, Target],
        sources: Mapping[str, Source],
    ) -> dict[str, Source]:
        """Check that every target gets a value: from its source, or the argument of its name.

        The targets are of ``owner``, an event, error or command.  ``what`` they are is for people.

        Returns:
            The source of each target that has one.
        """
        given: dict[str, Source] = {}
        for name, source in sources.items():
            known = report.resolve(name, targets, (*at, name), f"{what} of {owner}")
            if known is not None:
                given[known] = source
                self._check(report, (*at, name), f"{owner}.{known}", targets[known], source)
            elif isinstance(source, str):
                self.taken.add(source)
        for name in targets.keys() - given.keys():
            if name in self.args:
                given[name] = name
                self._check(report, at, f"{owner}.{name}", targets[name], name)
            elif name != self.key:
                wrong = f"{owner}.{name} gets no value: {self.of} has no argument {name}"
                remedy = (
                    f"add {name}: ARGUMENT, or {name}: {{constant: …}}, to the {what}s of {owner}"
                )
                report.say(at, wrong, remedy)
        return given

    def _check(self, report: Report, at: Path, name: str, target: Target, source: Source) -> None:
        """Check that a source gives a target a value that it can have."""
        kind, nonzero = target.type, getattr(target, "nonzero", False)
        if isinstance(source, VidOfStep):
            if kind is not Type.ULID:
                what = f"{name} is of type {kind}, and the vid of a step is a ulid"
                report.say(at, what, "name an argument, or a constant")
        elif isinstance(source, Constant):
            if not fits(source.constant, kind):
                what = f"{name} is of type {kind}, and {_shown(source)} is not"
                report.say(at, what, f"write {CONSTANTS[kind]}")
            elif nonzero and is_zero(source.constant):
                what = f"{name} must not be zero, empty or nil, and {_shown(source)} is"
                report.say(at, what, "write another constant, or an argument that is nonzero")
        elif found := self.take(report, source, at):
            taken = f"the argument {found} of {self.of}"
            if self.args[found].type is not kind:
                what = f"{name} is of type {kind}, but {taken} of type {self.args[found].type}"
                remedy = f"take an argument of type {kind}, or give both the same type"
                report.say(at, what, remedy)
            elif nonzero and not self.args[found].nonzero:
                what = f"{name} must not be zero, empty or nil, but {taken} may be"
                report.say(at, what, f"add nonzero: true to the argument {found}")


def fits(value: bool | int | str, type: Type) -> bool:
    """Whether a constant is of a type."""
    match value:
        case bool():
            return type is Type.BOOL
        case int():
            return type is Type.INT32 and value in _INT32
        case str():
            pattern = {Type.UUID: _UUID, Type.ULID: _ULID}.get(type)
            return pattern.fullmatch(value) is not None if pattern else type is Type.STRING


def is_zero(value: bool | int | str) -> bool:
    """Whether a constant is zero, false, empty, or a nil id."""
    if isinstance(value, str) and (_UUID.fullmatch(value) or _ULID.fullmatch(value)):
        return not value.strip("0-")
    return not value


def _shown(constant: Constant) -> str:
    """A constant as it is written."""
    value = constant.constant
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value[:60]}"'
