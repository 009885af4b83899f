"""Every departure from a declaration of operations that the self-test looks for.

All are made from the declaration: a step left out, two swapped, another vid rule, a refusal handled
otherwise, an argument or a history that is another step's, another incarnation, an earlier run
taken for none or for one that did it all.  Others are made from its shape: an effect before the vid
is checked, a wrong vid answered, steps undone by a later refusal, names that do not matter.

Rules of which a single caller sees nothing are left alone: ``none`` and ``retry`` differ only in
races, and a vid that no caller may give is never given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final, Literal, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.parts import Constant, VidOfStep
from pingregistrywf.chart.types import Type

Vids: TypeAlias = Mapping[str, Any]
"""A vid for each chart."""
Answered: TypeAlias = Callable[[Vids, Vids], Vids]
"""The vids to answer, made of those before an operation and after it."""
Habit: TypeAlias = Literal["", "acts first", "undoes", "once", "one name", "vid does not matter"]
"""What an implementation does wrong whatever is declared.

acts first: the vid is checked after the effect.  undoes: a refusal undoes the steps before it.
once: the same request is refused when it comes again.  one name: every name is taken for the first.
vid does not matter: an earlier run excuses a refusal even if the caller gave a vid.
"""

GROUP: Final = "operations"


@dataclass(frozen=True, slots=True)
class Departure:
    """A departure from the declaration of one operation.

    Attributes:
        name: what it does, in words.
        operation: the operation as it is run.
        left_out: the number of the step that is not told; 0 if all are.
        habit: what is wrong beside.
        answered: makes the vids to answer of those before and after; None for those after.
        group: its class.
    """

    name: str
    operation: ir.Operation
    left_out: int = 0
    habit: Habit = ""
    answered: Answered | None = None
    group: str = GROUP


def departures(model: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    """Every departure from the declaration of an operation on the charts of a model."""
    for makes in (_steps, _arguments, _incarnations, _earlier_runs, _answers):
        for each in makes(model, operation):
            yield replace(each, name=f"{operation.name}: {each.name}")


def _changed(operation: ir.Operation, number: int, **update: Any) -> ir.Operation:
    """The operation with another step of that number, from 1."""
    steps = list(operation.steps)
    steps[number - 1] = steps[number - 1].model_copy(update=update)
    return operation.model_copy(update={"steps": steps})


def _numbered(operation: ir.Operation) -> Iterator[tuple[int, ir.Step]]:
    return enumerate(operation.steps, start=1)


def _steps(_: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    for number, step in _numbered(operation):
        yield Departure(f"step {number} is left out", operation, left_out=number)
        for vid in _other_vids(operation, number, step):
            said = f"that of step {vid.step}" if isinstance(vid, VidOfStep) else vid
            name = f"step {number} expects the vid {said}"
            yield Departure(name, _changed(operation, number, vid=vid))
        for handled in ("stop", "continue", "done"):
            if handled != step.on_refusal:
                name = f"step {number} when it is refused: {handled}"
                yield Departure(name, _changed(operation, number, on_refusal=handled))
    for one, other in combinations(range(1, len(operation.steps) + 1), 2):
        swapped = _swapped(operation, one, other)
        if swapped:
            yield Departure(f"steps {one} and {other} are swapped", swapped)


def _other_vids(operation: ir.Operation, number: int, step: ir.Step) -> Iterator[str | VidOfStep]:
    if step.starts:
        return
    if step.vid not in ("none", "retry"):
        yield "none"
    if step.vid != "given" and operation.versioned:
        yield "given"
    for earlier, each in _numbered(operation):
        vid = VidOfStep(step=earlier)
        if earlier < number and each.history == step.history and step.vid != vid:
            yield vid


def _swapped(operation: ir.Operation, one: int, other: int) -> ir.Operation | None:
    """The operation with two steps swapped; None if one would need what is not there yet."""
    places = list(range(len(operation.steps)))
    places[one - 1], places[other - 1] = other - 1, one - 1
    steps = [operation.steps[at] for at in places]
    now = {old + 1: new + 1 for new, old in enumerate(places)}

    def moved(value: Any) -> Any:
        return VidOfStep(step=now[value.step]) if isinstance(value, VidOfStep) else value

    made = []
    for number, step in enumerate(steps, start=1):
        sources = {name: moved(each) for name, each in step.sources.items()}
        step = step.model_copy(update={"vid": moved(step.vid), "sources": sources})
        needed = [each for each in (step.vid, *sources.values()) if isinstance(each, VidOfStep)]
        if any(each.step >= number for each in needed):
            return None
        made.append(step)
    return operation.model_copy(update={"steps": made})


def _arguments(model: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    for number, step in _numbered(operation):
        for name, each in operation.arguments.items():
            if each.type is Type.UUID and name != step.history:
                what = f"step {number} is about the history {name}"
                yield Departure(what, _changed(operation, number, history=name))
        command = model.charts[step.chart].commands[step.command]
        for name, source in step.sources.items():
            declared = command.arguments.get(name)
            type_ = declared.type if declared else Type.BOOL
            for other in _other_sources(operation, number, type_, source):
                what = f"step {number} takes {_spoken(other)} as {name}"
                sources = {**step.sources, name: other}
                yield Departure(what, _changed(operation, number, sources=sources))


def _other_sources(
    operation: ir.Operation, number: int, type_: Type, source: ir.StepSource
) -> Iterator[ir.StepSource]:
    others: list[ir.StepSource] = [
        ir.FromArgument(argument=name)
        for name, each in operation.arguments.items()
        if each.type is type_
    ]
    if type_ is Type.ULID:
        others += [VidOfStep(step=earlier) for earlier in range(1, number)]
    if type_ is Type.BOOL:
        others += [Constant(constant=True), Constant(constant=False)]
    return (each for each in others if each != source)


def _spoken(source: ir.StepSource) -> str:
    match source:
        case VidOfStep(step=number):
            return f"the vid of step {number}"
        case Constant(constant=value):
            return str(value).lower()
        case ir.FromArgument(argument=name):
            return name


def _incarnations(model: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    about = operation.about
    if about is None:
        return
    unaware = operation.model_copy(update={"about": None})
    yield Departure("earlier histories of the same id are taken for this one", unaware)
    for name, each in model.charts[about.chart].carried.items():
        if each.type is Type.ULID and name != about.began_with:
            other = about.model_copy(update={"began_with": name})
            what = f"a history is known by {name} of its entry"
            yield Departure(what, operation.model_copy(update={"about": other}))


def _earlier_runs(model: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    yield Departure("the same request is refused when it comes again", operation, habit="once")
    again = operation.again
    if again is None:
        return

    def otherwise(name: str, **update: Any) -> Departure:
        changed = again.model_copy(update=update)
        return Departure(name, operation.model_copy(update={"again": changed}))

    forgotten = operation.model_copy(update={"again": None})
    yield Departure("what an earlier run did is not looked at", forgotten)
    if operation.steps[0].vid == "given":
        what = "an earlier run excuses a run with a vid"
        yield Departure(what, operation, habit="vid does not matter")
    if again.own:
        yield otherwise("an earlier run for another name excuses this one", own=None)
    states = list(model.charts[again.chart].states)
    if again.listed:
        yield otherwise("a history need not be listed", listed=None, states=states)
    for state in states if again.states else ():
        if state not in again.states:
            what = f"an earlier run has done it all in {state}"
            yield otherwise(what, states=[*again.states, state])
        else:
            what = f"an earlier run has not done it all in {state}"
            yield otherwise(what, states=[each for each in again.states if each != state])


def _answers(_: ir.Model, operation: ir.Operation) -> Iterator[Departure]:
    charts = dict.fromkeys(step.chart for step in operation.steps)
    for chart in charts:

        def epoch(_: Vids, after: Vids, chart: str = chart) -> Vids:
            return {**after, chart: "0" * 26}

        def former(before: Vids, after: Vids, chart: str = chart) -> Vids:
            return {**after, chart: before[chart]}

        yield Departure(f"the epoch is answered as vid of {chart}", operation, answered=epoch)
        what = f"the vid of {chart} before the run is answered"
        yield Departure(what, operation, answered=former)
        for other in charts:
            if other != chart:

                def others(_: Vids, after: Vids, chart: str = chart, other: str = other) -> Vids:
                    return {**after, chart: after[other]}

                what = f"the vid of {other} is answered as that of {chart}"
                yield Departure(what, operation, answered=others)
    if operation.versioned:
        what = "the vid is checked after the effect"
        yield Departure(what, operation, habit="acts first")
    if len(operation.steps) > 1:
        what = "a refusal undoes the steps before it"
        yield Departure(what, operation, habit="undoes")
    if any(each.derived for each in operation.arguments.values()):
        yield Departure("every name is taken for the first", operation, habit="one name")
