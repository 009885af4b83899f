"""Values: fields and arguments each get one of their type, from an argument or a constant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.vocabulary import Argument, Constant, StepVid, Type

Source: TypeAlias = str | Constant | StepVid

_INT32: Final = range(-(2**31), 2**31)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CONSTANTS: Final[Mapping[Type, str]] = {
    Type.INT32: f"a whole number from {_INT32.start} to {_INT32.stop - 1}",
    Type.STRING: "text, in quotes",
    Type.UUID: "a UUID: 32 hexadecimal digits as 8-4-4-4-12",
    Type.ULID: "a ULID: 26 digits and capitals in Crockford's base 32",
    Type.BOOL: "true or false",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A field or an argument that needs a value."""

    name: str
    type: Type
    nonzero: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """The arguments of a command or an operation, which values can be taken from.

    Attributes:
        of: the name of the command or operation.
        args: its arguments.
        taken: the names that were taken so far, also misspelt ones.
    """

    of: str
    args: Mapping[str, Argument]
    taken: set[str | None] = field(default_factory=set)

    def argument(self, report: Report, name: str, at: Path) -> str | None:
        """Take an argument by its name; the name, as ``Report.resolve`` returns it."""
        found = report.resolve(name, self.args, at, f"argument of {self.of}")
        self.taken.add(found)
        return found

    def fill(
        self,
        report: Report,
        targets: Mapping[str, Target],
        sources: Mapping[str, Source],
        at: Path,
        *,
        sources_at: Path,
        what: str,
        owner: str,
        key: str | None = None,
    ) -> dict[str, Source]:
        """Check that every target gets a value: from its source, or the argument of its name.

        Args:
            report: where mistakes go.
            targets: what needs values, by name.
            sources: the sources that are written.
            at: where the targets are filled.
            sources_at: where the sources are written.
            what: what a target is, for people.
            owner: where a missing source can be added, for people.
            key: the name of the key of entries, of which another check says that it is missing.

        Returns:
            The source of each target that has one.
        """
        given: dict[str, Source] = {}
        for name, source in sources.items():
            place = (*sources_at, name)
            target = report.resolve(name, targets, place, what)
            if target is not None:
                given[target] = source
                self._value(report, source, targets[target], place)
            elif isinstance(source, str):
                self.taken.add(source)
        for name, each in targets.items():
            if name in given:
                continue
            if name in self.args:
                given[name] = name
                self._value(report, name, each, at)
            elif name != key:
                wrong = f"{each.name} gets no value: {self.of} has no argument {name}"
                remedy = f"add {name}: ARGUMENT, or {name}: {{constant: …}}, to {owner}"
                report.say(at, wrong, remedy)
        return given

    def _value(self, report: Report, source: Source, target: Target, at: Path) -> None:
        """Check that a source gives a target a value that it can have."""
        name, kind = target.name, target.type
        if isinstance(source, StepVid):
            if kind is not Type.ULID:
                what = f"{name} is of type {kind}, and the vid of a step is a ulid"
                report.say(at, what, "name an argument, or a constant")
            return
        if isinstance(source, Constant):
            if not fits(source.constant, kind):
                what = f"{name} is of type {kind}, and {_shown(source)} is not"
                report.say(at, what, f"write {_CONSTANTS[kind]}")
            elif target.nonzero and is_zero(source.constant):
                what = f"{name} must not be zero, empty or nil, and {_shown(source)} is"
                report.say(at, what, "write another constant, or an argument that is nonzero")
            return
        found = self.argument(report, source, at)
        if found is None:
            return
        argument = self.args[found]
        if argument.type is not kind:
            what = (
                f"{name} is of type {kind}, "
                f"but the argument {found} of {self.of} of type {argument.type}"
            )
            report.say(at, what, f"take an argument of type {kind}, or give both the same type")
        elif target.nonzero and not argument.nonzero:
            what = (
                f"{name} must not be zero, empty or nil, "
                f"but the argument {found} of {self.of} may be"
            )
            report.say(at, what, f"add nonzero: true to the argument {found}")


def fits(value: bool | int | str, type: Type) -> bool:
    """Whether a constant is of a type."""
    match type:
        case Type.INT32:
            return not isinstance(value, bool) and isinstance(value, int) and value in _INT32
        case Type.BOOL:
            return isinstance(value, bool)
        case Type.STRING:
            return isinstance(value, str)
        case Type.UUID:
            return isinstance(value, str) and _UUID.fullmatch(value) is not None
        case Type.ULID:
            return isinstance(value, str) and _ULID.fullmatch(value) is not None


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
