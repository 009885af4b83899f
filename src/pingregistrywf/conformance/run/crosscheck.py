"""The second oracle: a history that was read back is replayed through the chart's state machine.

python-statemachine replays it.  It shares nothing with the table from which the expected answers
are made, so that a mistake in either shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pingregistrywf.chart.machine import Machine, OrderError
from pingregistrywf.chart.vocabulary import Chart

Json: TypeAlias = Any


class CrossCheck:
    """Checks the state that was found against the history that was read.

    Args:
        charts: the charts, by name.
    """

    def __init__(self, charts: Mapping[str, Chart]) -> None:
        self._charts = charts
        self._machines = {name: Machine(chart) for name, chart in charts.items()}
        self._folded: dict[tuple[str, tuple[str, ...]], str] = {}

    def contradicts(self, name: str, events: list[Json], found: Mapping[str, Json]) -> str:
        """What is wrong with a history and the state found of it; empty if nothing is.

        Args:
            name: the chart.
            events: the whole history, as the adapter protocol writes it.
            found: the state, likewise.
        """
        chart = self._charts[name]
        try:
            if chart.keyed_by:
                listed = self._listed(chart, events)
                told = {key: value for key, value in found.items() if key != "vid"}
                return "" if listed == told else f"the history lists {listed}, found is {told}"
            if not events:
                return ""
            state = self._fold(name, tuple(each["event"] for each in events))
        except OrderError as error:
            return f"the history is one that the chart does not allow: {error}"
        if state == found["state"]:
            return ""
        return f"the history folds to {state}, found is {found['state']}"

    def _fold(self, name: str, events: tuple[str, ...]) -> str:
        key = (name, events)
        if key not in self._folded:
            machine = self._machines[name]
            machine.reset()
            self._folded[key] = machine.fold(events)
        return self._folded[key]

    def _listed(self, chart: Chart, events: list[Json]) -> dict[str, list[str]]:
        """What a keyed history lists: each entry folded by itself; snapshots change nothing."""
        by_key: dict[str, list[str]] = {}
        for each in events:
            if each["event"] in chart.events:
                by_key.setdefault(each["fields"][chart.keyed_by], []).append(each["event"])
        listed: dict[str, list[str]] = {
            name.lower(): [] for name in chart.states if name != chart.initial
        }
        for key, names in sorted(by_key.items()):
            state = self._fold(chart.chart, tuple(names))
            if state != chart.initial:
                listed[state.lower()].append(key)
        return listed
