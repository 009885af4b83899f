"""What the changes of a chart do to those who live with its earlier version.

A change is judged by what it does to three parties: the histories that are stored, the programs
that still read by the old chart, and the implementations and callers that follow the old chart.  It
*breaks* something if stored histories are refused or mean something else, or if a name is gone that
programs use.  It does not break anything that others have to follow a change, as when a rule allows
more: they are updated first.  Many changes that break something have a remedy, which is a key of
the chart; with the remedy, the same change is accepted.

``pingregistrywf chart diff`` and ``generate`` print what ``differences`` returns.
"""

from __future__ import annotations

from collections.abc import Iterator

from pingregistrywf.chart.diff.change import Change
from pingregistrywf.chart.diff.commands import command_changes
from pingregistrywf.chart.diff.events import event_changes
from pingregistrywf.chart.diff.pairing import Pairing
from pingregistrywf.chart.diff.values import value_changes
from pingregistrywf.chart.ir import Chart

__all__ = ["Change", "differences"]


def differences(old: Chart, new: Chart) -> tuple[Change, ...]:
    """Return every change of meaning between two versions of a chart, in the chart's order."""
    pairing = Pairing(old, new)
    found = [
        *_chart_changes(old, new, pairing),
        *value_changes(old, new, pairing),
        *event_changes(old, new, pairing),
        *command_changes(old, new, pairing),
    ]
    if found and old.version == new.version:
        what = f"the version is {new.version} as before, though the charts differ"
        remedy = "write a greater version, by which errors and exports name the chart"
        found.insert(0, Change("version", what, remedy=remedy))
    return tuple(found)


def _chart_changes(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    if old.name != new.name:
        renamed = new.was == old.name
        yield Change(
            "chart",
            f"the chart {old.name} is called {new.name}",
            stored="follow a chart of the old name" + (", by which they are found" * renamed),
            implementations="use the new name",
            breaks=not renamed,
            remedy="" if renamed else f"add was: {old.name} to the chart",
        )
    if old.facade != new.facade:
        what = f"the class {old.facade} is called {new.facade}"
        yield Change("facade", what, implementations="use the new name")
    if old.wire != new.wire:
        numbers = [(each.event, each.id, each.parent) for each in (old.wire, new.wire)]
        if numbers[0] == numbers[1]:
            what = "the message of events has another name or package"
            yield Change("wire", what, implementations="use the new name")
        else:
            yield _another_chart("wire", "the fields of every event have other numbers")
    if (old.key and old.key.type) != (new.key and new.key.type):
        yield _another_chart("keyed_by", "the chart has another key")
    if pairing.states.get(old.initial) != new.initial:
        yield _another_chart("initial", f"the initial state is {new.initial}")


def _another_chart(path: str, what: str) -> Change:
    return Change(
        path,
        what,
        stored="cannot be read",
        readers="cannot read new histories",
        implementations="do something else",
        breaks=True,
        remedy="write a new chart, with a name of its own",
    )
