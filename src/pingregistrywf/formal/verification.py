"""The checks of a plan, one after the other, until each property is decided.

TLC stops at the first property that does not hold.  The others are then checked again without it,
so that one defect does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pingregistrywf.formal.plan import Check, Plan, Property
from pingregistrywf.formal.tlc import Kind, ModelError, Outcome, Progress, Violation, check
from pingregistrywf.formal.toolchain import Toolchain

_OF_PROPERTIES = (Kind.INVARIANT, Kind.ACTION_PROPERTY, Kind.LIVENESS)


@dataclass(frozen=True, slots=True)
class Result:
    """Whether a property holds at a size.

    Attributes:
        size: the name of the size.
        property: the name of the property.
        outcome: the run of TLC that decided it.
        violation: how the property is broken, None if it holds.
    """

    size: str
    property: str
    outcome: Outcome
    violation: Violation | None


def run_plan(
    toolchain: Toolchain,
    plan: Plan,
    *,
    workers: int | None = None,
    progress: Callable[[Check, Progress], None] = lambda _check, _progress: None,
) -> Iterator[Result]:
    """Run the checks of a plan, and yield a result for each property as soon as it is decided.

    Args:
        toolchain: the TLA+ tools.
        plan: what to check.
        workers: as for ``check`` of ``pingregistrywf.formal.tlc``.
        progress: is called when a check begins, and whenever TLC reports how far it is.

    Raises:
        FileNotFoundError: the modules are missing.
        ModelError: TLC cannot check the model.
    """

    def run(each: Check) -> Outcome:
        progress(each, Progress(0, 0, 0, 0.0))
        return check(
            toolchain,
            plan.modules,
            each.module,
            each.text,
            workers=workers,
            progress=lambda so_far: progress(each, so_far),
        )

    for each in plan.checks:
        yield from _results(each, run)


def _results(check: Check, run: Callable[[Check], Outcome]) -> Iterator[Result]:
    outcome = run(check)
    if outcome.violation is None:
        for each in check.properties:
            yield Result(check.size, each.name, outcome, None)
        return
    violated = _violated(check, outcome.violation)
    if violated is None:  # TLC does not say which one it is
        for each in check.properties:
            yield from _results(check.of(each), run)
        return
    yield Result(check.size, violated.name, outcome, outcome.violation)
    rest = [each for each in check.properties if each is not violated]
    if rest:
        yield from _results(check.of(*rest), run)


def _violated(check: Check, found: Violation) -> Property | None:
    """Return the property that does not hold, None if it may be one of several.

    Raises:
        ModelError: it is an assumption or an assertion of the model itself that does not hold.
    """
    if found.kind not in _OF_PROPERTIES:
        raise ModelError(f"the module {check.module} is wrong: {found.text}", found.trace)
    if len(check.properties) == 1:
        return check.properties[0]
    return next((each for each in check.properties if each.name == found.property), None)
