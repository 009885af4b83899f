"""What is checked: each property of a model, at each size for which it is meant.

A directory holds the modules of a model, and a configuration of TLC for each check.  The module
that no other one uses is the one that is checked.  The name of a configuration is that of a size;
the name of the property follows it where only that property is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

_PROPERTY: Final = re.compile(r"^(INVARIANT|PROPERTY) +(\w+) *\n", re.MULTILINE)
_USED: Final = re.compile(r"^EXTENDS +(.+)|\bINSTANCE +(\w+)", re.MULTILINE)


class PlanError(Exception):
    """There is no such check; the text says which there are, or why there is none."""


class Section(Enum):
    """The section of a configuration of TLC in which a property stands."""

    INVARIANT = "INVARIANT"
    PROPERTY = "PROPERTY"


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a module: its name there, and the section of a configuration it belongs to."""

    name: str
    section: Section


@dataclass(frozen=True, slots=True)
class Check:
    """A run of TLC, which decides some properties at one size of the model.

    Attributes:
        size: the name of the size.
        module: the name of the module.
        config: the text of the configuration without its properties: constants and specification.
        properties: what is checked in this run.
    """

    size: str
    module: str
    config: str
    properties: tuple[Property, ...]

    @property
    def text(self) -> str:
        """The whole configuration, as TLC reads it."""
        lines = [f"{each.section.value} {each.name}" for each in self.properties]
        return "\n".join([self.config.rstrip(), *lines, ""])

    def of(self, *properties: Property) -> Check:
        """Return this check with these properties only."""
        return replace(self, properties=properties)


@dataclass(frozen=True, slots=True)
class Plan:
    """Checks of a model, in the order in which they run.

    Attributes:
        modules: the directory of the model's modules.
        checks: the runs of TLC.
    """

    modules: Path
    checks: tuple[Check, ...]

    def select(self, size: str | None = None, property: str | None = None) -> Plan:
        """Return the plan of one size or one property only.

        Raises:
            PlanError: the plan has no such size, or no such property at that size.
        """
        checks = self.checks
        if size is not None:
            _see_known("size", size, (check.size for check in checks))
            checks = tuple(check for check in checks if check.size == size)
        if property is not None:
            names = (each.name for check in checks for each in check.properties)
            _see_known("property", property, names)
            limited = (
                check.of(*(each for each in check.properties if each.name == property))
                for check in checks
            )
            checks = tuple(check for check in limited if check.properties)
        return replace(self, checks=checks)


def _see_known(what: str, name: str, known: Iterable[str]) -> None:
    names = dict.fromkeys(known)
    if name not in names:
        raise PlanError(f"the model has no {what} {name!r}: it has {', '.join(names)}")


def read_plan(directory: Path) -> Plan:
    """Return the checks whose modules and configurations are in a directory, by name.

    Raises:
        FileNotFoundError: there is no configuration.
        PlanError: no module or more than one is used by no other one.
    """
    configurations = sorted(directory.glob("*.cfg"))
    if not configurations:
        raise FileNotFoundError(f"there is no *.cfg in {directory}")
    module = _main_module(directory)
    checks = []
    for file in configurations:
        config = file.read_text(encoding="utf-8")
        properties = tuple(
            Property(name, Section(section)) for section, name in _PROPERTY.findall(config)
        )
        size = file.stem
        if len(properties) == 1:
            size = size.removesuffix(properties[0].name)
        checks.append(Check(size, module, _PROPERTY.sub("", config), properties))
    return Plan(directory, tuple(checks))


def _main_module(directory: Path) -> str:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in directory.glob("*.tla")}
    uses = (found for text in texts.values() for found in _USED.findall(text))
    used = {
        name.strip() for extended, instance in uses for name in (*extended.split(","), instance)
    }
    unused = sorted(texts.keys() - used)
    if len(unused) != 1:
        found = ", ".join(unused) or "none"
        raise PlanError(f"one module in {directory} is to be used by no other one, not {found}")
    return unused[0]
