"""The second oracle: a history that was read back is replayed through the chart's state machine.

python-statemachine replays it.  It shares nothing with the table from which the expected answers
are made, so that a mistake in either shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pingregistrywf.chart.ir import Chart, Model
from pingregistrywf.chart.machine import OrderError, machines
from pingregistrywf.conformance.oracle import EPOCH

Json: TypeAlias = Any


class CrossCheck:
    """Checks the states that were found against the histories that were read.

    Attributes:
        charts: the charts that it knows, by their names.
    """

    def __init__(self, model: Model) -> None:
        self.charts = model.charts
        self._machines = machines(model)
        self._folded: dict[tuple[str, tuple[str, ...]], str] = {}

    def contradicts(self, name: str, events: list[Json], found: Mapping[str, Json]) -> str:
        """Return what is wrong with a chart's whole history and the state found of it, if anything.

        Events and state are as the adapter protocol writes them.
        """
        chart = self.charts[name]
        try:
            if chart.key:
                if events and events[0]["parent"] != EPOCH:
                    return ""  # it was trimmed, and what came before the start is not known
                listed = self._listed(chart, chart.key.name, events)
                answered = {key: value for key, value in found.items() if key != "vid"}
                if listed == answered:
                    return ""
                return f"the history lists {listed}, found is {answered}"
            if not events:
                return ""
            state = self._fold(name, tuple(each["event"] for each in events))
        except OrderError as error:
            return f"the history is one that the chart does not allow: {error}"
        if state == found.get("state", state):  # an adapter of limits may not tell it
            return ""
        return f"the history folds to {state}, found is {found['state']}"

    def _fold(self, name: str, events: tuple[str, ...]) -> str:
        key = (name, events)
        if key not in self._folded:
            machine = self._machines[name]
            machine.reset()
            self._folded[key] = machine.fold(events)
        return self._folded[key]

    def _listed(self, chart: Chart, key_name: str, events: list[Json]) -> dict[str, list[str]]:
        """What a keyed history lists: each entry folded by itself; rewrites change nothing."""
        by_key: dict[str, list[str]] = {}
        for each in events:
            if not chart.events[each["event"]].rewrite:
                by_key.setdefault(each["fields"][key_name], []).append(each["event"])
        listed: dict[str, list[str]] = {
            name.lower(): [] for name in chart.states if name != chart.initial
        }
        for key, names in sorted(by_key.items()):
            state = self._fold(chart.name, tuple(names))
            if state != chart.initial:
                listed[state.lower()].append(key)
        return listed
