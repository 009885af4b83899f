"""Plays scripts on the chart: a script becomes a case, with every answer that must be given.

The answers come from ``conformance.simulation`` and from the rules that hold for every chart, which
``GENERAL`` lists: versions, deleted histories, invalid arguments.  After each command the whole
state and history are looked at, as long as the history is short.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.reader import Model
from pingregistrywf.chart.table import Arguments, Table
from pingregistrywf.chart.vocabulary import Argument, Chart
from pingregistrywf.conformance.simulation import EPOCH, Histories, History, Keyed, Plain, Told
from pingregistrywf.conformance.suite import encoding
from pingregistrywf.conformance.suite.case import Case, Json, Ref, Step
from pingregistrywf.conformance.suite.operations import Site
from pingregistrywf.conformance.suite.script import (
    Collect,
    Decode,
    Invalid,
    Look,
    Race,
    Run,
    Script,
    Tell,
)
from pingregistrywf.conformance.suite.values import ordinary

Answer: TypeAlias = dict[str, Json]

SHORT: Final = 20
"""Histories of up to so many events are looked at after each command, longer ones at the end."""
MARK_DAYS: Final = 30
"""After so many days the id of a deleted history is free (behaviour.md, section 5)."""
DEFAULT_CHART: Final = "ping_registry"
"""The chart that a request without one is about (adapter protocol)."""
LAST_ULID: Final = "7" + "Z" * 25

GENERAL: Final[Mapping[str, str]] = {
    "otherwise": "No rule of the chart allows the command in this state.",
    "Deleted": "A deleted history reads as empty; its id cannot be used again until it is free.",
    "version": "A vid must equal the head. The version is checked before the state.",
    "invalid": "Malformed arguments are refused before version and state are looked at.",
    "find": "What is found, and what is read, is what was appended.",
    "wire": "An event's bytes are those that the chart's wire numbers give.",
    "decode": "Any bytes give an event or a typed error.",
    "garbage": "The id of a deleted history is free once its mark has been removed, not earlier.",
    "snapshot": "A snapshot rewrites what is listed as one group of events.",
    "race": "Of commands told at once, each that was acknowledged is in the history just once.",
    "operation": "An operation of several steps may be interrupted between any two, and run again.",
}
"""The rules that hold for every chart, with their prose."""


class Player:
    """Plays scripts on the charts of a model.

    Args:
        model: the charts, and their operations.
        site: how operations name histories, if they are to be run.
    """

    def __init__(self, model: Model, site: Site | None = None) -> None:
        self.model = model
        self.site = site
        self.tables = {name: Table(chart) for name, chart in model.charts.items()}
        self.commands = {
            (name, command): frozenset(
                what
                for what, holds in (
                    ("deletes", any(rule.delete for rule in said.rules)),
                    ("starts", chart.starts(command)),
                )
                if holds
            )
            for name, chart in model.charts.items()
            for command, said in chart.commands.items()
        }
        self.main = next(
            (name for name, chart in model.charts.items() if not chart.keyed_by),
            next(iter(model.charts)),
        )

    def play(self, script: Script) -> Case:
        """The case of a script."""
        return Play(self, script).case()

    def prose(self, chart: str, rule: str) -> str:
        """What a rule says."""
        command, _, number = rule.partition(".")
        said = self.model.charts[chart].commands.get(command)
        if said is not None and number:
            return said.rules[int(number) - 1].doc
        return GENERAL.get(rule, "")


class Play:
    """One script being played: its histories so far, and the steps that came of it."""

    def __init__(self, player: Player, script: Script) -> None:
        self.player = player
        self.script = script
        self.ids: dict[str, Json] = {}
        self.define: dict[str, Json] = {}
        self.steps: list[Step] = []
        self.rules: dict[str, None] = {}
        self.needs: set[str] = set()
        self._drawn = 0
        self._histories: dict[tuple[str, int], History] = {}
        self._makers = {name: Histories(table, self._draw) for name, table in player.tables.items()}
        self._unseen: set[tuple[str, int]] = set()
        self._numbers = 0

    def case(self) -> Case:
        """The case, once every action has been played."""
        script = self.script
        if script.wire:
            self.needs.add("wire")
        if script.servers > 1:
            self.needs.add("multi_server")
        for action in script.actions:
            match action:
                case Tell():
                    self._tell(action)
                case Invalid():
                    self._invalid(action)
                case Look():
                    self._look(script.chart, action.history, action.server)
                case Collect():
                    self._collect(action)
                case Decode():
                    self._decode(action)
                case Race():
                    self._race(action)
                case Run():
                    self._run(action)
        for chart, number in sorted(self._unseen):
            self._look(chart, number, 0)
        rules = tuple(self.rules)
        return Case(
            level=script.level,
            chart=script.chart,
            title=script.title,
            rule=script.rule or (rules[-1] if rules else "find"),
            rules=rules or ("find",),
            needs=tuple(sorted(self.needs)),
            bound=script.bound,
            ids=self.ids,
            define=self.define,
            steps=tuple(self.steps),
            script=script,
        )

    # --- Commands -------------------------------------------------------------------------------

    def _tell(self, action: Tell) -> None:
        chart_name = action.chart or self.script.chart
        chart = self.player.model.charts[chart_name]
        history = self.history(chart_name, action.history)
        args = self._arguments(chart, history, action)
        vid, right = self._vid(chart, history, action)
        before = self._state(chart, history, args)
        send = self._request("exec", chart_name, action.history, action.server)
        send |= {"command": action.command, "args": args}
        if action.vid != "no_vc":
            send["vid"] = vid
        if not right:
            rule, answer = "version", _conflict(history.vid, vid)
        else:
            known = {name: _normal(value) for name, value in args.items()}
            told = history.tell(action.command, known)
            rule, answer = self.answer(chart_name, history, told)
        self._need(chart, action)
        self.add(Step(send, answer, rule, before))
        self.observe(action.server)

    def answer(self, chart: str, history: History, told: Told) -> tuple[str, Answer]:
        """The rule of what a command did, and the answer to it."""
        rule = told.cell.rule if told.cell else "snapshot"
        if told.error:
            error = {"code": told.error, "definite": True}
            return rule, {"error": error | ({"arg": told.arg} if told.arg else {})}
        events = [self._defined(chart, event.reply()) for event in told.events]
        return rule, {"ok": {"vid": history.vid, "events": events}}

    def _defined(self, chart: str, reply: dict[str, Json]) -> Ref:
        name = f"event{reply['id'].name.removeprefix('vid')}"
        if self.script.wire:
            reply = reply | {"wire": encoding.encoded(self.player.model.charts[chart], reply)}
        self.define[name] = reply
        return Ref(name)

    def _need(self, chart: Chart, action: Tell) -> None:
        if chart.chart != self.player.main:
            self.needs.add("index")
        if action.server:
            self.needs.add("multi_server")
        known = self.player.commands.get((chart.chart, action.command), frozenset())
        if "deletes" in known:
            self.needs.add("delete")
        if "starts" in known:
            return
        if action.vid == "retry_no_vc":
            self.needs.add("retry")
        elif action.vid != "no_vc":
            self.needs.add("versions")

    def _arguments(self, chart: Chart, history: History, action: Tell) -> dict[str, Json]:
        snapshot = chart.snapshot
        if snapshot and action.command == snapshot.command.name:
            return {snapshot.command.option: False, **action.args}
        self._numbers += 1
        said = chart.commands[action.command].args
        args = {name: self._value(chart, name, arg, action) for name, arg in said.items()}
        if action.arguments is not Arguments.ANY:
            args |= self._compared(chart, history, action, args)
        return {**args, **action.args}

    def _value(self, chart: Chart, name: str, argument: Argument, action: Tell) -> Json:
        if name == chart.keyed_by:
            return ordinary(argument.type, action.key)
        return ordinary(argument.type, self._numbers)

    def _compared(
        self, chart: Chart, history: History, action: Tell, args: Mapping[str, Json]
    ) -> dict[str, Json]:
        """The arguments that are compared: those carried, or the first pair of each type."""
        said = chart.commands[action.command].args
        names = tuple(next(rule.same for rule in chart.commands[action.command].rules if rule.same))
        entry = self._entry(history, args)
        # Before anything is carried, two sets of values stand for the same and for others.
        first = {
            name: ordinary(said[name].type, 1001 + number) for number, name in enumerate(names)
        }
        carried = {name: entry.carried.get(name) or first[name] for name in names}
        if action.arguments is Arguments.SAME:
            return carried
        differs = action.differs or names[0]
        other = ordinary(said[differs].type, 2001)
        if other == carried[differs]:
            other = first[differs]
        return carried | {differs: other}

    @staticmethod
    def _entry(history: History, args: Mapping[str, Json]) -> Any:
        if isinstance(history, Keyed):
            key = args[str(history.of.chart.keyed_by)]
            return history.entries.get(key) or history.of.new_entry()
        return history.entry if isinstance(history, Plain) else None

    def _state(self, chart: Chart, history: History, args: Mapping[str, Json]) -> str:
        if chart.keyed_by and chart.keyed_by not in args:
            return ""
        return str(self._entry(history, args).state)

    def _vid(self, chart: Chart, history: History, action: Tell) -> tuple[Json, bool]:
        """The version to send, and whether it is right."""
        head = history.vid
        match action.vid:
            case "no_vc" | "retry_no_vc":
                return action.vid, True
            case "right":
                vid = head
            case "stale":
                vid = history.events[-2].id if len(history.events) > 1 else EPOCH
            case "epoch":
                vid = EPOCH
            case "foreign":
                vid = self.history(self.script.chart, action.history + 1).vid
            case "future":
                vid = LAST_ULID
            case "one" | "two":
                vid = f"{('one', 'two').index(action.vid) + 1:026d}"
            case literal:
                vid = literal
        return vid, chart.starts(action.command) or vid == head

    # --- The rest -------------------------------------------------------------------------------

    def _invalid(self, action: Invalid) -> None:
        send = self._request("exec", self.script.chart, action.history, 0)
        if action.id is not None:
            name = next(key for key in ("workflow", "index") if key in send)
            send[name] = action.id
        send |= {"command": action.command, "args": action.args}
        if action.vid is not None:
            send["vid"] = action.vid
        if self.script.chart != self.player.main:
            self.needs.add("index")
        self.add(Step(send, {"error": {"code": "InvalidCommand", "definite": True}}, "invalid"))
        self.observe(0)

    def _collect(self, action: Collect) -> None:
        self.needs.add("gc")
        if action.days > MARK_DAYS:
            for history in self._histories.values():
                if isinstance(history, Plain):
                    history.free()
        self.add(Step({"op": "gc", "days": action.days}, {"ok": {}}, "garbage"))
        self.observe(0)

    def _decode(self, action: Decode) -> None:
        self.needs.add("wire")
        send: dict[str, Json] = {"op": "decode", "bytes": action.data}
        if self.script.chart != DEFAULT_CHART:
            send["chart"] = self.script.chart
        if self.script.chart != self.player.main:
            self.needs.add("index")
        answer = action.expect
        if "ok" in answer:
            self.define["decoded"] = answer["ok"]["event"]
            answer = {"ok": {"event": Ref("decoded")}}
        self.add(Step(send, answer, "decode"))

    def _race(self, action: Race) -> None:
        self.needs |= {"concurrent", "multi_server"}
        if action.vid == "retry_no_vc":
            self.needs.add("retry")
        chart = self.player.model.charts[self.script.chart]
        history = self.history(self.script.chart, 1)
        requests = []
        for server in range(action.servers):
            for _ in range(action.each):
                args = self._arguments(chart, history, Tell(action.command))
                send = self._request("exec", self.script.chart, 1, server)
                requests.append(send | {"command": action.command, "args": args, "vid": action.vid})
        refused = "RetryExhausted" if action.vid == "retry_no_vc" else "VersionConflict"
        self.rules["race"] = None
        self.steps.append(
            Step(
                rule="race",
                state=self._state(chart, history, {}),
                together=tuple(requests),
                any_of=(
                    {"ok": {}},
                    {"error": {"code": refused, "definite": True}},
                ),
            )
        )

    def _run(self, action: Run) -> None:
        if self.player.site is None:
            raise ValueError("there is no site whose operations can be run")
        self.needs |= {"operations", "index"}
        self.player.site.run(self, action)

    # --- Looking --------------------------------------------------------------------------------

    def observe(self, server: int) -> None:
        """Look at every short history, through the instance that was told, or through all."""
        servers = range(self.script.servers) if self.script.servers > 1 else (server,)
        for (chart, number), history in self._histories.items():
            if len(history.events) > SHORT:
                self._unseen.add((chart, number))
                continue
            for each in servers:
                self._look(chart, number, each)

    def _look(self, chart: str, number: int, server: int) -> None:
        history = self.history(chart, number)
        self._unseen.discard((chart, number))
        for op, answer in (("find", history.find()), ("events", self._read(history))):
            self.steps.append(Step(self._request(op, chart, number, server), answer, "find"))

    @staticmethod
    def _read(history: History) -> Answer:
        return {
            "ok": {"events": [Ref(f"event{e.id.name.removeprefix('vid')}") for e in history.events]}
        }

    def add(self, step: Step) -> None:
        """Add a step, and the rule that it covers."""
        self.rules[step.rule] = None
        self.steps.append(step)

    # --- Names ----------------------------------------------------------------------------------

    def _draw(self) -> Ref:
        self._drawn += 1
        return Ref(f"vid{self._drawn}")

    def history(self, chart: str, number: int) -> History:
        """A history of the case; empty when it is first named."""
        key = (chart, number)
        if key not in self._histories:
            self._histories[key] = self._makers[chart].history()
            self.ids.setdefault(self.id_name(chart, number), "uuid")
        return self._histories[key]

    def id_name(self, chart: str, number: int) -> str:
        """The name of a history's id."""
        kind = "index" if self.player.model.charts[chart].keyed_by else "history"
        return f"{kind}{number}"

    def _request(self, op: str, chart: str, number: int, server: int) -> dict[str, Json]:
        self.history(chart, number)
        keyed = self.player.model.charts[chart].keyed_by
        send: dict[str, Json] = {"op": op}
        if chart != DEFAULT_CHART:
            send["chart"] = chart
        send["index" if keyed else "workflow"] = Ref(self.id_name(chart, number))
        if server:
            send["server"] = f"s{server}"
        return send


def _conflict(stored: Json, expected: Json) -> Answer:
    error = {"code": "VersionConflict", "definite": True}
    return {"error": error | {"stored": stored, "expected": expected}}


def _normal(value: Json) -> Json:
    """A value as it is carried: a zero id is none."""
    return None if value == EPOCH else value
