"""A case as a link of the explorer, which then stands where the case ends."""

from __future__ import annotations

from pingregistrywf.chart.ir import Model
from pingregistrywf.conformance.suite.case import Case, plain
from pingregistrywf.conformance.suite.scenario import Tell
from pingregistrywf.generate.link import ANY_VERSION, COMMAND, POOL, fragment


def explorer_link(case: Case, model: Model) -> str:
    """Return what comes after ``#`` in a link that shows a case; empty if no link can.

    A link shows commands that are told without a version through one instance, with arguments that
    need no run to be known.
    """
    rows = []
    actions = case.scenario.actions
    sent = [step.send for step in case.steps if not step.observes]
    if not case.again or len(sent) != len(actions):
        return ""
    for action, send in zip(actions, sent, strict=True):
        if not isinstance(action, Tell) or action.vid != "no_vc" or action.history > POOL:
            return ""
        name = action.chart or case.chart
        chart = model.charts[name]
        args = [send["args"][each] for each in chart.commands[action.command].arguments]
        if any(plain(each) != each or isinstance(each, dict) for each in args):
            return ""
        place = list(chart.commands).index(action.command)
        row = list(model.charts).index(name)
        rows.append([COMMAND, row, action.history, place, ANY_VERSION, args])
    return fragment(model, rows)
