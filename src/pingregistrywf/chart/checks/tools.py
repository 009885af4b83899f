"""What every check needs: a chart, its report, and names that may be misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pingregistrywf.chart.mistakes import Path, Report, closest, instead
from pingregistrywf.chart.vocabulary import Argument, Chart, Command, Constant, Rule, Type

CONFLICT: Final = "StateConflictError"
NOT_IDEMPOTENT: Final = "ArgumentNotIdempotentError"
STANDARD_ERRORS: Final = (CONFLICT, NOT_IDEMPOTENT)
"""The errors that exist in every chart."""
IDS: Final = (Type.UUID, Type.ULID)

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
class NumberedRule:
    """A rule, and where it is."""

    command: str
    number: int
    rule: Rule

    @property
    def at(self) -> Path:
        return ("commands", self.command, "rules", self.number)

    def __str__(self) -> str:
        return f"{self.command}.{self.number}"


@dataclass(frozen=True, slots=True)
class Target:
    """A field or an argument that needs a value."""

    name: str
    type: Type
    nonzero: bool
    at: Path


@dataclass(frozen=True, slots=True)
class Offer:
    """The arguments that values can be taken from."""

    of: str
    args: Mapping[str, Argument]
    at: Path

    @classmethod
    def by(cls, name: str, command: Command) -> Offer:
        """The arguments of a command."""
        return cls(name, command.args, ("commands", name, "args"))


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A chart, and where its mistakes go."""

    chart: Chart
    report: Report

    @property
    def initial(self) -> str | None:
        """The initial state; the first if several are declared, None if none is."""
        return next((name for name, state in self.chart.states.items() if state.initial), None)

    def rules(self) -> Iterator[NumberedRule]:
        """Every rule of the chart."""
        for name, command in self.chart.commands.items():
            for number, rule in enumerate(command.rules, start=1):
                yield NumberedRule(name, number, rule)

    def state(self, name: str, at: Path) -> str | None:
        """The state of that name."""
        return self.known(name, self.chart.states, at, "state", ("states",))

    def known(
        self, name: str, names: Iterable[str], at: Path, what: str, declared: Path
    ) -> str | None:
        """The name, or the one that was meant if it is a mistake; None if nobody can tell."""
        return known(self.report, name, names, at, what, declared)


def known(
    report: Report, name: str, names: Iterable[str], at: Path, what: str, declared: Path
) -> str | None:
    """The name, or the one that was meant if it is a mistake; None if nobody can tell.

    Args:
        report: where the mistake goes.
        name: the name.
        names: the names that there are.
        at: where it is used.
        what: what it names, for people.
        declared: where the names are declared.
    """
    names = list(names)
    if name in names:
        return name
    if report.lost(at):
        return None
    remedy = instead(name, names, none=f"declare it, or remove it: there is no {what}")
    report.say(at, f"{name} is no {what}", remedy, (*declared, "*"))
    return closest(name, names)


def check_value(
    report: Report, at: Path, source: str | Constant, target: Target, offer: Offer
) -> str | None:
    """Check that a field gets a value that it can have; the argument that is taken, if any."""
    if isinstance(source, Constant):
        if not fits(source.constant, target.type):
            what = f"{target.name} is of type {target.type}, and {shown(source)} is not"
            report.say(at, what, f"write {_CONSTANTS[target.type]}", (*target.at, "type"))
        elif target.nonzero and is_zero(source.constant):
            what = f"{target.name} must not be zero, empty or nil, and {shown(source)} is"
            report.say(at, what, "write another constant, or an argument that is nonzero")
        return None
    name = known(report, source, offer.args, at, f"argument of {offer.of}", offer.at)
    if name is None:
        return None
    argument, declared = offer.args[name], (*offer.at, name)
    if argument.type is not target.type:
        report.say(
            at,
            f"{target.name} is of type {target.type}, "
            f"but the argument {name} of {offer.of} of type {argument.type}",
            f"take an argument of type {target.type}, or give both the same type",
            (*target.at, "type"),
            (*declared, "type"),
        )
    elif target.nonzero and not argument.nonzero:
        report.say(
            at,
            f"{target.name} must not be zero, empty or nil, "
            f"but the argument {name} of {offer.of} may be",
            f"add nonzero: true to the argument {name}",
            (*target.at, "nonzero"),
            (*declared, "nonzero"),
        )
    return name


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


def shown(constant: Constant) -> str:
    """A constant as it is written."""
    value = constant.constant
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else f'"{value[:60]}"'
