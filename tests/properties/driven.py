"""Random commands on any generated package, until every cell of its chart's table was reached.

The machine of ``pingregistrywf.testing`` compares the package with the lowered chart.  The lowered
chart is compared here with the chart as it was written: its outcomes with those of the other
engine, and where values come from with the rules and events.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from pingregistrywf import Journal, open_journal
from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, FromArgument, Model
from pingregistrywf.chart.machine import Answer, Machine
from pingregistrywf.chart.vocabulary import Chart
from pingregistrywf.testing import TurnedClock
from pingregistrywf.testing.expected import goals
from pingregistrywf.testing.generated import FacadeClass
from pingregistrywf.testing.machine import SETTINGS, OpenJournal, machine_of

from ..tiers import EXHAUSTIVE

RANDOM = settings(
    SETTINGS,
    max_examples=60 if EXHAUSTIVE else 15,
    stateful_step_count=50 if EXHAUSTIVE else 20,
    database=None,
    # Shrinking a failure takes minutes: it is for those who ask for it (SHRINK=1).
    phases=list(Phase) if os.environ.get("SHRINK") == "1" else [Phase.generate],
)
SEEKING = settings(RANDOM, max_examples=10, stateful_step_count=5)
RUNS = 6


def drive(facade: FacadeClass, model: Model, open_journal: OpenJournal) -> None:
    """Run it, and see that every cell is reached; a few more runs seek the rare ones.

    Each run is seeded, so that all are the same everywhere.
    """
    name = facade.behavior.declaration.name
    chart = model.charts[name]
    compare(chart, model.source[name])
    machine = machine_of(facade, open_journal, chart=chart)
    for run in range(RUNS):
        sought = [each for each in goals(chart) if each not in machine.reached]
        if not sought:
            break

        class Seeking(machine):  # type: ignore[misc,valid-type]
            goals = sought

        reproducible = seed(run)(Seeking)
        run_state_machine_as_test(reproducible, settings=SEEKING if run else RANDOM)
    assert machine.reached == set(goals(chart))


def compare(lowered: ir.Chart, written: Chart) -> None:
    """Compare a lowered chart with the same as it was written."""
    other_engine = Machine(written)
    for cell in lowered.table:
        if cell.command not in lowered.stepping:
            continue
        other_engine.reset(cell.state)
        said = other_engine.tell(cell.command, same=cell.arguments is not Arguments.OTHER)
        assert said == Answer(cell.outcome.value, cell.event, cell.error, cell.target)
        rules = written.commands[cell.command].rules
        rule = next((each for each in rules if cell.state in each.states), None)
        named = {**(rule.emit or {}), **(rule.error or {})} if rule else {}
        for field, source in cell.sources.items():
            wanted = named.get(str(cell.event or cell.error), {}).get(field, field)
            assert (source.argument if isinstance(source, FromArgument) else source) == wanted
    for name, event in written.events.items():
        assert {
            (each.operation, each.carried): each.field or each.sources
            for each in lowered.events[name].carries
        } == {
            **{("set", carried): source for carried, source in event.set.items()},
            **{("append", carried): sources for carried, sources in event.append.items()},
        }


def opener(kind: str, place: Path) -> OpenJournal:
    """Opens new journals of a kind below a directory, each twice as two processes would."""
    numbers = count()

    def opened(clock: TurnedClock) -> Sequence[Journal]:
        if kind == "memory":
            return [open_journal("memory:", clock=clock)]
        url = f"sqlite:{place / f'{next(numbers)}.db'}"
        return [open_journal(url, clock=clock), open_journal(url, clock=clock)]

    return opened
