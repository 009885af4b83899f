"""What the checker is asked: one run for the safety of each size, one for each kind of fairness.

Safety is the invariants and action properties, which one run checks together.  Liveness properties
that hold under the same fairness share a run, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pingregistrywf.chart.system import Properties, Property, Size, System
from pingregistrywf.generate.tla.spelling import pascal


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """One run of the checker.

    Attributes:
        name: the name of its configuration file, without ``.cfg``.
        size: the name of the size.
        module: the module that is checked.
        exhaustive: whether it takes too long to be run every time.
        settings: the configuration without the properties.
        properties: the lines of the configuration that name the properties, by their names.
    """

    name: str
    size: str
    module: str
    exhaustive: bool
    settings: str
    properties: Mapping[str, str]

    @property
    def configuration(self) -> str:
        """The text of TLC's ``.cfg`` file."""
        return "".join((self.settings, *(f"{line}\n" for line in self.properties.values())))


def module_of(system: System) -> str:
    """Return the name of the module that holds a system's properties."""
    return f"{pascal(system.system).removesuffix('System')}Properties"


def trace_module_of(system: System) -> str:
    """Return the name of the module that follows a journal's histories."""
    return f"{pascal(system.system).removesuffix('System')}Trace"


def specification(fair: Sequence[str]) -> str:
    """Return the name of the specification that is fair to these participants."""
    return "".join(map(pascal, fair)) + "FairSpec" if fair else "Spec"


def fairness(properties: Properties) -> list[tuple[str, ...]]:
    """Return the participants that liveness properties are fair to, each group of them once."""
    groups = (tuple(each.fair) for each in properties.properties.values() if each.fair)
    return list(dict.fromkeys(groups))


def model_checks(system: System, properties: Properties) -> Iterator[ModelCheck]:
    """Yield all runs, size by size."""
    together: dict[tuple[str, ...], dict[str, Property]] = {}
    for name, each in properties.properties.items():
        together.setdefault(tuple(each.fair), {})[name] = each
    for name, size in system.sizes.items():
        for fair, checked in together.items():
            if ("liveness" if fair else "safety") in size.checks:
                yield _check(system, name, size, fair, checked)


def checks_of_cells(system: System) -> Iterator[ModelCheck]:
    """Yield a run for each size that checks cells, without a property."""
    for name, size in system.sizes.items():
        if "cells" in size.checks:
            yield _check(system, name, size, (), {})


def check_at(system: System, properties: Properties, name: str, size: str) -> ModelCheck:
    """Return the run that checks one property at one size, which may not be meant for it."""
    declared = properties.properties[name]
    return _check(system, size, system.sizes[size], declared.fair, {name: declared})


def _check(
    system: System,
    name: str,
    size: Size,
    fair: Sequence[str],
    properties: Mapping[str, Property],
) -> ModelCheck:
    settings = [
        f"\\* {size.doc}",
        f"SPECIFICATION {specification(fair)}",
        *([f"SYMMETRY {pascal(name)}Symmetry"] if size.symmetric else []),
        "CONSTANTS",
        *(f"    {each} = {value}" for each, value in constants(system, size)),
    ]
    return ModelCheck(
        name=pascal(name) + (specification(fair).removesuffix("Spec") if fair else ""),
        size=name,
        module=module_of(system),
        exhaustive=size.exhaustive,
        settings="\n".join(settings) + "\n",
        properties={
            key: f"{'INVARIANT' if each.kind == 'invariant' else 'PROPERTY'} {pascal(key)}"
            for key, each in properties.items()
        },
    )


def constants(system: System, size: Size) -> Iterator[tuple[str, str]]:
    """Yield the constants of the system's module at a size."""
    for name, given in system.inputs.items():
        yield given.plural, _set(name, size.inputs[name])
    for name, participant in system.participants.items():
        yield participant.plural, _set(name, size.participants[name])
    for name, most in size.limits.items():
        yield pascal(name), str(most)
    yield "Crashes", str(size.crashes)
    yield "Lives", str(size.lives)


def member(name: str, number: int) -> str:
    """Return the constant that stands for one of several inputs or participants, from 1 on."""
    return f"{name}{number}"


def _set(name: str, count: int) -> str:
    return "{" + ", ".join(member(name, number) for number in range(1, count + 1)) + "}"
