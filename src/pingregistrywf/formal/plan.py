"""What is checked: the runs of TLC that the systems of a model ask for, or some of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pingregistrywf.chart.ir import Model
from pingregistrywf.generate.tla import formal_model
from pingregistrywf.generate.tla.checks import ModelCheck, model_checks


class PlanError(Exception):
    """There is no such check; the text says which there are, or why there is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Checks of a model, in the order in which they run.

    Attributes:
        files: the modules that are checked and those that they use, by the names of their files.
        checks: the runs of TLC.
    """

    files: Mapping[str, str]
    checks: tuple[ModelCheck, ...]

    def select(
        self, size: str | None = None, property: str | None = None, *, exhaustive: bool = False
    ) -> Plan:
        """Return the plan of one size, of one property, or of both.

        Args:
            size: the name of a size; all sizes unless given.
            property: the name of a property; all properties unless given.
            exhaustive: whether to check also at sizes that take long.  A size that is named is
                checked in any case.

        Raises:
            PlanError: there is no such size, or no such property at those sizes.
        """
        if size is None:
            chosen = tuple(each for each in self.checks if exhaustive or not each.exhaustive)
        else:
            _see_known("size", size, (each.size for each in self.checks))
            chosen = tuple(each for each in self.checks if each.size == size)
        if property is not None:
            _see_known("property", property, (name for each in chosen for name in each.properties))
            chosen = tuple(
                limited(each, [property]) for each in chosen if property in each.properties
            )
        return replace(self, checks=chosen)


def plan_of(model: Model) -> Plan:
    """Return all checks of a model.

    Raises:
        PlanError: the model says of no system what must hold.
    """
    files: dict[str, str] = {}
    found: list[ModelCheck] = []
    for name, properties in model.properties.items():
        files |= formal_model(model, name)
        found += model_checks(model.systems[name], properties)
    if not found:
        raise PlanError("there is nothing to check: the model has no properties of a system")
    return Plan(files, tuple(found))


def limited(check: ModelCheck, names: Iterable[str]) -> ModelCheck:
    """Return a check with some of its properties only."""
    return replace(check, properties={name: check.properties[name] for name in names})


def _see_known(what: str, name: str, known: Iterable[str]) -> None:
    names = dict.fromkeys(known)
    if name not in names:
        raise PlanError(f"there is no {what} {name!r} to check: there are {', '.join(names)}")
