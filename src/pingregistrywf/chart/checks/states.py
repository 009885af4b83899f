"""States: one initial, codes used once, and a way from the initial one to each other."""

from __future__ import annotations

from pingregistrywf.chart.checks.tools import Inquiry
from pingregistrywf.chart.mistakes import Path, closest

_BESIDE = ("args", "fields", "wire", "when", "other_forms", "set", "append", "code", "doc")
"""What holes in a state, an event or a command do not change where rules lead."""


def check_states(inquiry: Inquiry) -> None:
    """Check the states by themselves."""
    chart, report = inquiry.chart, inquiry.report
    initial = [name for name, state in chart.states.items() if state.initial]
    if not initial and leads_are_whole(inquiry):
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


def check_leads(inquiry: Inquiry) -> None:
    """Check that every event is emitted, and every state reached."""
    chart, report = inquiry.chart, inquiry.report
    emitted: set[str] = set()
    leads: dict[str, set[str]] = {name: set() for name in chart.states}
    for numbered in inquiry.rules():
        for event_name in numbered.rule.emit or ():
            event = _meant(event_name, list(chart.events))
            target = _meant(chart.events[event].to, list(chart.states)) if event else None
            states = [_meant(state, list(chart.states)) for state in numbered.rule.states]
            if event is None or target is None or None in states:
                return
            emitted.add(event)
            for state in states:
                leads[str(state)].add(target)
    if not leads_are_whole(inquiry):
        return
    for name in chart.events:
        if name not in emitted:
            report.say(
                ("events", name), f"no rule emits the event {name}", "write a rule, or remove it"
            )
    reached: set[str] = set()
    ahead = [name for name, state in chart.states.items() if state.initial]
    if not ahead:
        return
    while ahead:
        state = ahead.pop()
        if state not in reached:
            reached.add(state)
            ahead.extend(leads[state])
    for name in chart.states:
        if name not in reached:
            report.say(
                ("states", name),
                f"no rule leads to the state {name} from the initial state",
                f"write a rule that emits an event to {name}, or remove the state",
            )


def leads_are_whole(inquiry: Inquiry) -> bool:
    """Whether all that says where rules lead could be read."""
    return not any(_matters(hole) for hole in inquiry.report.holes)


def _matters(hole: Path) -> bool:
    if not hole:
        return True
    return hole[0] in ("states", "events", "commands") and (len(hole) < 3 or hole[2] not in _BESIDE)


def _meant(name: str, names: list[str]) -> str | None:
    return name if name in names else closest(name, names)
