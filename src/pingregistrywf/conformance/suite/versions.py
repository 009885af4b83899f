"""Level 2: every version for every command in every state (documentation: Behaviour, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.suite.scenario import SPOKEN_VIDS, VIDS, Scenario
from pingregistrywf.conformance.suite.sequential import as_stored, reach


def versions(chart: Chart) -> Iterator[Scenario]:
    """The scenarios of level 2."""
    ways = reach(chart)
    begin = next((way[0] for way in ways.values() if way), None)
    others = {"foreign": (replace(begin, history=2),)} if begin else {}
    for state, way in ways.items():
        for command in chart.stepping:
            tell = as_stored(chart, command)
            for vid in VIDS:
                if vid == "stale" and len(way) < 2:
                    continue  # there is no version before the head but the epoch
                if vid == "foreign" and not others:
                    continue
                actions = (*others.get(vid, ()), *way, replace(tell, vid=vid))
                yield Scenario(f"{command} {SPOKEN_VIDS[vid]} in {state}", actions)
    # The version after each command is the one to give to the next, also after a noop.
    for state, way in ways.items():
        if way:
            versioned = tuple(replace(each, vid="right") for each in way)
            yield Scenario(f"to {state}, each command {SPOKEN_VIDS['right']}", versioned)
