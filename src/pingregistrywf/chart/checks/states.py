"""States: one initial, codes used once, and a way from the initial one to each other."""

from __future__ import annotations

from pingregistrywf.chart.mistakes import Report, closest
from pingregistrywf.chart.vocabulary import Chart


def initial_state(chart: Chart) -> str | None:
    """The initial state of a chart that may have none, or several: the first one, or None."""
    return next((name for name, state in chart.states.items() if state.initial), None)


def check_states(chart: Chart, report: Report) -> None:
    """Check the states by themselves."""
    initial = [name for name, state in chart.states.items() if state.initial]
    if not initial:
        report.say(("states",), "no state is initial", "add initial: true to one state")
    for name in initial[1:]:
        what = f"the states {initial[0]} and {name} are both initial"
        report.say(("states", name, "initial"), what, f"remove initial: true from {name}")
    first: dict[int, str] = {}
    for name, state in chart.states.items():
        other = first.setdefault(state.code, name)
        if other != name:
            free = next(n for n in range(len(chart.states)) if n not in first)
            what = f"the states {other} and {name} have the same code {state.code}"
            report.say(("states", name, "code"), what, f"write another code, {free} for example")


def check_leads(chart: Chart, report: Report) -> None:
    """Check that every event is emitted, and that every state is reached.

    A name that is unknown and near no other may be any name, so that nothing can be said.
    """
    emitted: set[str] = set()
    leads: dict[str, set[str]] = {name: set() for name in chart.states}
    for rule in chart.rules:
        for name in rule.emit or ():
            event = closest(name, chart.events)
            target = closest(chart.events[event].to, chart.states) if event else None
            states = [closest(state, chart.states) for state in rule.states]
            if event is None or target is None or None in states:
                return
            emitted.add(event)
            for state in states:
                leads[str(state)].add(target)
    for name in chart.events:
        if name not in emitted:
            what = f"no rule emits the event {name}"
            report.say(("events", name), what, "write a rule, or remove it")
    reached: set[str] = set()
    ahead = [name for name, state in chart.states.items() if state.initial]
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            ahead.extend(leads[state])
    for name in chart.states:
        if reached and name not in reached:
            what = f"no rule leads to the state {name} from the initial state"
            remedy = f"write a rule that emits an event to {name}, or remove the state"
            report.say(("states", name), what, remedy)
