"""The checks of a plan, one after the other, until each property is decided.

TLC stops at the first property that does not hold.  The others are then checked again without it,
so that one defect does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pingregistrywf.formal.plan import Plan, limited
from pingregistrywf.formal.tlc import Kind, ModelError, Outcome, Progress, Violation, check
from pingregistrywf.formal.toolchain import Toolchain
from pingregistrywf.generate.tla.checks import ModelCheck

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
    progress: Callable[[ModelCheck, Progress], None] = lambda _check, _progress: None,
) -> Iterator[Result]:
    """Run the checks of a plan, and yield a result for each property as soon as it is decided.

    Args:
        toolchain: the TLA+ tools.
        plan: what to check.
        progress: is called when a check begins, and whenever TLC reports how far it is.

    Raises:
        ModelError: TLC cannot check the model.
    """

    def run(each: ModelCheck) -> Outcome:
        progress(each, Progress(0, 0, 0, 0.0))
        return check(
            toolchain,
            plan.files,
            each.module,
            each.configuration,
            progress=lambda so_far: progress(each, so_far),
        )

    for each in plan.checks:
        yield from _results(each, run)


def _results(check: ModelCheck, run: Callable[[ModelCheck], Outcome]) -> Iterator[Result]:
    outcome = run(check)
    if outcome.violation is None:
        for name in check.properties:
            yield Result(check.size, name, outcome, None)
        return
    violated = _violated(check, outcome.violation)
    if violated is None:  # TLC does not say which one it is
        for name in check.properties:
            yield from _results(limited(check, [name]), run)
        return
    yield Result(check.size, violated, outcome, outcome.violation)
    rest = [name for name in check.properties if name != violated]
    if rest:
        yield from _results(limited(check, rest), run)


def _violated(check: ModelCheck, found: Violation) -> str | None:
    """Return the property that does not hold, None if it may be one of several.

    Raises:
        ModelError: it is an assumption or an assertion of the model itself that does not hold.
    """
    if found.kind not in _OF_PROPERTIES:
        raise ModelError(f"the module {check.module} is wrong: {found.text}", found.trace)
    if len(check.properties) == 1:
        return next(iter(check.properties))
    lines = check.properties.items()
    return next((name for name, line in lines if line.split()[-1] == found.property), None)
