"""A small interpreter of ``chart.json``: everything that a command and an event do.

It is an example for those who write an implementation in another language: plain Python, the
standard library alone, and nothing of this package.  Values are as in JSON; ids are text.  It does
not check arguments, and it neither stores nor encodes events.

A state is ``{"vid", "state", "carried"}``.  After the outcome ``delete`` it is that of an empty
history, but its ``"state"`` is ``"Deleted"``.  The state of a keyed chart is ``{"vid", "entries",
"since", "listed"}``: the entries by key, the number of events since the last rewrite, and the
entries that an unfinished rewrite has listed so far.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

EPOCH, NIL = "0" * 26, "00000000-0000-0000-0000-000000000000"
ZERO: dict[str, Any] = {"int32": 0, "string": "", "bool": False, "uuid": NIL, "ulid": EPOCH}


class RefusedError(Exception):
    """The chart refuses a command: ``args`` are the error's name and its fields."""


class Chart:
    """A chart, from the content of its ``chart.json``."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.key = document["key"] and document["key"]["name"]
        self.cells = {
            (cell["command"], cell["arguments"], cell["state"]): cell for cell in document["table"]
        }

    def empty(self) -> dict[str, Any]:
        """The state of an empty history."""
        keyed = {"vid": EPOCH, "entries": {}, "since": 0, "listed": {}}
        return keyed if self.key else {"vid": EPOCH, **self._initial()}

    def decide(self, state: Any, command: str, args: dict[str, Any]) -> tuple[str, list[Any]]:
        """The outcome of a command, and the names and fields of the events that it appends."""
        if rewrite := self.document["commands"][command]["rewrite"]:
            return self._rewrite(state, rewrite, args)
        at = self._entry(state, args[self.key]) if self.key else state
        cell = self.cells.get((command, "any", at["state"]))
        different = None
        if cell is None:
            compared = self.cells[command, "same", at["state"]]["compared"]
            different = next((name for name in compared if args[name] != at["carried"][name]), None)
            arguments = "same" if different is None else "other"
            cell = self.cells[command, arguments, at["state"]]
        fields = {
            name: args[source["argument"]] if "argument" in source else source["constant"]
            for name, source in cell["sources"].items()
        }
        if cell["outcome"] == "reject":
            raise RefusedError(cell["error"], {"argument": different} if different else fields)
        return cell["outcome"], [(cell["event"], fields)] if cell["event"] else []

    def evolve(self, state: Any, name: str, fields: dict[str, Any], id: str) -> Any:
        """The state after an event."""
        state, event = {**deepcopy(state), "vid": id}, self.document["events"][name]
        if event["rewrite"]:
            return self._rewritten(state, event, fields)
        if not self.key:
            return {**state, **self._changed(state, event, fields, id)}
        key = fields[self.key]
        state["entries"][key] = self._changed(self._entry(state, key), event, fields, id)
        if event["to"] == self.document["initial"]:
            del state["entries"][key]
        return {**state, "since": state["since"] + 1}

    def _initial(self) -> dict[str, Any]:
        carried = {name: self._zero(each) for name, each in self.document["carried"].items()}
        return {"state": self.document["initial"], "carried": carried}

    def _zero(self, carried: dict[str, Any]) -> Any:
        if carried["kind"] == "list":
            return []
        if carried["kind"] == "value":
            return ZERO[carried["type"]]
        fields = self.document["records"][carried["record"]]["fields"]
        return {**{name: ZERO[field["type"]] for name, field in fields.items()}, "event_id": EPOCH}

    def _entry(self, state: Any, key: Any) -> Any:
        return state["entries"].get(key) or self._initial()

    def _changed(self, at: Any, event: dict[str, Any], fields: dict[str, Any], id: str) -> Any:
        carried = at["carried"]
        for carry in event["carries"]:
            name, sources = carry["carried"], carry["sources"]
            value = fields[carry["field"]] if sources is None else {"event_id": id}
            for part, source in (sources or {}).items():
                value[part] = fields[source]
            carried[name] = [*carried[name], value] if carry["operation"] == "append" else value
        return {"state": event["to"], "carried": carried}

    def _rewrite(self, state: Any, rewrite: Any, args: dict[str, Any]) -> tuple[str, list[Any]]:
        since, count, saving = state["since"], len(state["entries"]), rewrite["saving"]
        if since == 0:
            return "noop", []
        if count > rewrite["limit"]["entries"]:
            raise RefusedError(rewrite["limit"]["error"], {})
        cost = saving["base"] + saving["per_entry"] * count
        if args[rewrite["option"]] and (since < saving["events"] or since <= cost):
            raise RefusedError(saving["error"], {})
        listing = self.document["events"][rewrite["list"]]["listing"]
        values = [{self.key: key, **at["carried"]} for key, at in state["entries"].items()]
        values.sort(key=lambda each: (each[rewrite["order_by"]], each[self.key]))
        fields = listing["fields"]
        zeros = {name: ZERO[fields[name]["type"]] for name in fields if name != self.key}
        rows = [{n: each[n] for n in fields if each[n] != zeros.get(n)} for each in values]
        listed = [(rewrite["list"], {listing["name"]: rows})] if rows else []
        return "rewrite", [(rewrite["begin"], {}), *listed, (rewrite["end"], {})]

    def _rewritten(self, state: Any, event: dict[str, Any], fields: dict[str, Any]) -> Any:
        if event["rewrite"] == "end":
            return {**state, "entries": state["listed"], "since": 0, "listed": {}}
        listing = event["listing"]
        for row in fields[listing["name"]] if listing else ():
            entry = self._initial()
            entry["carried"].update({name: row[name] for name in row if name != self.key})
            choices = (each for each in listing["states"] if each["carried"] in (None, *row))
            state["listed"][row[self.key]] = {**entry, "state": next(choices)["state"]}
        return state
