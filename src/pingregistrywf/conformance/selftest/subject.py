"""An implementation made from the chart, which departs from it if it gets other cells.

What it allows follows from a control state of its own, what it shows from the history, so that a
wrong control state is seen by what it leads to and not by its name.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.oracle import Cells, Histories, History, conflict

Json: TypeAlias = Any
Answer: TypeAlias = Callable[[Mapping[str, Json]], dict[str, Json]]

CAPABILITIES: Final = ("versions", "retry", "delete", "multi_server", "gc")
FIRST_ID: Final = 10**20


class Subject:
    """Answers the requests of levels 1, 2 and some of 6 for a chart, and for others beside it.

    It follows the chart's own cells unless others are given.
    """

    def __init__(
        self, chart: Chart, cells: Cells | None = None, others: Iterable[Chart] = ()
    ) -> None:
        self._numbers = itertools.count(FIRST_ID)
        self._main = chart.name
        makers = {chart.name: Histories(chart, self.new_id, cells)}
        makers |= {each.name: Histories(each, self.new_id) for each in others}
        self._starting = {
            (name, command)
            for name, of in makers.items()
            for command, each in of.chart.commands.items()
            if each.starts
        }
        self._histories: dict[str, defaultdict[str, History]] = {
            name: defaultdict(of.history) for name, of in makers.items()
        }

    def new_id(self) -> str:
        """An id greater than every one before it."""
        return f"{next(self._numbers):026d}"

    def __call__(self, request: Mapping[str, Json]) -> dict[str, Json]:
        """The reply to a request."""
        bearing = {"id": request["id"]}
        match request["op"]:
            case "hello":
                hello = {"implementation": "subject", "version": "", "language": "python"}
                return bearing | {
                    "hello": hello | {"protocol": 1, "capabilities": list(CAPABILITIES)}
                }
            case "bye":
                return bearing | {"bye": {}}
            case "gc":
                return bearing | self._collect(request["days"])
        chart = request.get("chart", self._main)
        history = self._histories[chart][request.get("workflow") or request["index"]]
        match request["op"]:
            case "exec":
                return bearing | self._exec(chart, history, request)
            case "find":
                return bearing | history.find()
            case _:
                return bearing | {"ok": {"events": history.read()}}

    def _exec(self, chart: str, history: History, request: Mapping[str, Json]) -> dict[str, Json]:
        vid = request.get("vid", "no_vc")
        command = request["command"]
        unversioned = vid in ("no_vc", "retry_no_vc") or (chart, command) in self._starting
        if not unversioned and vid != history.vid:
            return {"error": conflict(history.vid, vid) | {"message": ""}}
        result = history.tell(command, request["args"])
        if result.error:
            return {"error": {**result.error, "message": ""}}
        events = [event.reply() for event in result.events]
        return {"ok": {"vid": history.vid, "events": events}}

    def _collect(self, days: int) -> dict[str, Json]:
        for histories in self._histories.values():
            for history in histories.values():
                history.collect(days)
        return {"ok": {}}
