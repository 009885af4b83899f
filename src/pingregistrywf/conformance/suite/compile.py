"""Compiles scenarios: a scenario becomes a case, with every answer that must be given.

The answers come from ``conformance.oracle`` and from the rules that hold for every chart, which
``general`` lists: versions, deleted histories, invalid arguments.  After each command the whole
state and history are looked at, as long as the history is short.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Any, Final, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Chart
from pingregistrywf.conformance import oracle
from pingregistrywf.conformance.oracle import EPOCH, Histories, History, Result
from pingregistrywf.conformance.suite import encoding
from pingregistrywf.conformance.suite.arguments import arguments_of
from pingregistrywf.conformance.suite.case import DAEMON, Case, Json, Ref, Step
from pingregistrywf.conformance.suite.daemon_world import DaemonWorld, asked
from pingregistrywf.conformance.suite.general import GENERAL
from pingregistrywf.conformance.suite.scenario import (
    Collect,
    Daemon,
    Decode,
    Invalid,
    Look,
    Race,
    Run,
    Scenario,
    Tell,
)
from pingregistrywf.conformance.suite.values import name_shape, ordinary

Answer: TypeAlias = dict[str, Json]
Origin: TypeAlias = str | ir.DerivedId | None
"""Where an argument of an operation comes from: an input, or an id that is derived from a name."""
World: TypeAlias = frozenset[Any]
"""What distinguishes the states of several histories together."""

SHORT: Final = 20
"""Histories of up to so many events are looked at after each command, longer ones at the end."""
LAST_ULID: Final = "7" + "Z" * 25


class Compiler:
    """Compiles scenarios on the charts of a model.

    Args:
        model: the charts, and their operations.
        default_chart: the chart that a request need not name.

    Attributes:
        chart: the chart under test.
        operations: the declared operations, by name.
    """

    def __init__(self, model: ir.Model, default_chart: str = "") -> None:
        self.model = model
        self.default_chart = default_chart
        self.chart = model.main
        self.operations: dict[str, ir.Operation] = {}
        self.names: dict[str, ir.Name] = {}
        self.places: dict[Origin, tuple[str, int]] = {}
        """The chart and the number of each history that operations are about."""
        self.values: dict[str, Json] = {}
        """An ordinary value for each input of operations that is no history and no name."""
        for each in model.operations.values():
            self.operations |= each.operations
            self.names |= each.names
        self.numbers: Counter[str] = Counter()
        """How many histories of each chart operations are about, in one world of names."""
        for operation in self.operations.values():
            named = [(step.chart, step.history) for step in operation.steps]
            named += [(about.chart, about.history)] if (about := operation.about) else []
            for chart, history in named:
                origin = origin_of(operation.arguments[history])
                if origin not in self.places:
                    self.numbers[chart] += 1
                    self.places[origin] = (chart, self.numbers[chart])
            for argument in operation.arguments.values():
                if argument.input:
                    value = ordinary(argument.type, len(self.values) + 1, argument.nonzero)
                    self.values.setdefault(argument.input, value)

    def compile(self, scenario: Scenario) -> Case:
        """The case of a scenario."""
        return Compilation(self, scenario).case()

    def prose(self, chart: str, rule: str) -> str:
        """What a rule says."""
        return GENERAL.get(rule) or self.model.charts[chart].prose(rule)


def origin_of(argument: ir.OperationArgument) -> Origin:
    """Where an argument of an operation comes from; what has one origin has one value."""
    return argument.derived or argument.input


class Compilation:
    """One scenario being compiled: its histories so far, and the steps that came of it."""

    def __init__(self, compiler: Compiler, scenario: Scenario, *, looks: bool = True) -> None:
        self.compiler = compiler
        self.scenario = scenario
        self._looks = looks
        self.ran: Sequence[Result] = ()
        """What each step of the last operation did."""
        self._charts = compiler.model.charts
        self._ids: dict[str, Json] = {}
        self._define: dict[str, Json] = {}
        self._steps: list[Step] = []
        self._rules: dict[str, None] = {}
        self._needs: set[str] = set()
        self._vids = (Ref(f"vid{number}") for number in count(1))
        self._numbers = count(1)
        """Numbers for ordinary values: each command has others."""
        self._histories: dict[tuple[str, int], History] = {}
        self._makers = {
            name: Histories(chart, self._vids.__next__) for name, chart in self._charts.items()
        }
        self._strangers: dict[tuple[str, str], History] = {}
        self._kinds: dict[str, str] = {}
        self._unseen: set[tuple[str, int]] = set()
        self._world = DaemonWorld.of(compiler.model, self._of_id, self._note)
        self._last_vid: Json = EPOCH
        """The vid that the last run was given."""

    def case(self) -> Case:
        """The case, once every action has been compiled."""
        scenario = self.scenario
        if scenario.wire:
            self._needs.add("wire")
        for action in scenario.actions:
            match action:
                case Tell():
                    self._tell(action)
                case Invalid():
                    self._invalid(action)
                case Look():
                    self._look(scenario.chart, action.history, action.server)
                case Collect():
                    self._collect(action)
                case Decode():
                    self._decode(action)
                case Race():
                    self._race(action)
                case Run():
                    self._run(action)
                case Daemon():
                    self._daemon(action)
        for chart, number in sorted(self._unseen):
            self._look(chart, number, 0)
        rules = tuple(self._rules)
        return Case(
            level=scenario.level,
            chart=scenario.chart,
            title=scenario.title,
            rule=scenario.rule or (rules[-1] if rules else "find"),
            rules=rules or ("find",),
            needs=tuple(sorted(self._needs)),
            bound=scenario.bound,
            ids=self._ids,
            define=self._define,
            steps=tuple(self._steps),
            scenario=scenario,
        )

    @property
    def states(self) -> frozenset[Any]:
        """The states of all histories."""
        return frozenset((place, each.states) for place, each in self._histories.items())

    @property
    def history(self) -> Mapping[tuple[str, int], list[Json]]:
        """The ids of the events of every history that has some."""
        return {
            place: [event.id for event in each.events]
            for place, each in self._histories.items()
            if each.events
        }

    @property
    def world(self) -> World:
        """The states of all histories, and which ids one keeps of another's events."""
        known = {
            event.id: (place, "first" if not at else "later")
            for place, each in self._histories.items()
            for at, event in enumerate(each.events)
        }
        return frozenset(
            (place, each.states, each.kept(known))
            for place, each in self._histories.items()
            if set(dict(each.states).values()) - {each.of.chart.initial}
        )

    @property
    def name(self) -> str:
        """The states of all histories, in words."""
        words = []
        for (chart, number), each in sorted(self._histories.items()):
            states = [state for _, state in each.states] or ["empty"]
            words.append(f"{self._id_name(chart, number)} {' and '.join(states)}")
        return ", ".join(words) or "nothing begun"

    def request(self, action: Run) -> Mapping[str, Json]:
        """The request that would run an operation now."""
        operation = self.compiler.operations[action.operation]
        vid = self._run_vid(operation, action)
        return {"other": action.other} | ({} if vid is None else {"vid": vid})

    # --- Commands -------------------------------------------------------------------------------

    def _tell(self, action: Tell) -> None:
        chart = self._charts[action.chart or self.scenario.chart]
        history = self._history(chart.name, action.history)
        args = arguments_of(chart, history, action, self._numbers)
        vid, right = self._vid(chart, history, action)
        before = self._state(chart, history, action.command, args)
        send = self._request("exec", chart.name, action.history, action.server)
        send |= {"command": action.command, "args": args}
        if action.vid != "no_vc":
            send["vid"] = vid
        if right:
            carried = {name: _normal(value) for name, value in args.items()}
            result = history.tell(action.command, carried)
        else:
            result = Result("version", oracle.conflict(history.vid, vid))
        declared = chart.commands[action.command]
        if declared.deletes:
            self._needs.add("delete")
        if action.vid != "no_vc" and not declared.starts:
            self._needs.add("retry" if action.vid == "retry_no_vc" else "versions")
        answer = self._answer(chart.name, history, result)
        cell = None
        if right and chart is self.compiler.chart:
            # Where nothing is carried, arguments are neither the same nor others.
            empty = before in (chart.initial, ir.DELETED) and action.arguments is Arguments.OTHER
            cell = (before, (action.command, Arguments.SAME if empty else action.arguments))
        self._add(Step(send, answer, result.rule, before, cell=cell))
        self._observe(action.server)

    def _answer(self, chart: str, history: History, result: Result) -> Answer:
        """The answer to a command; the events in it are defined from here on."""
        if result.error:
            return {"error": result.error}
        for event in result.events:
            reply = event.reply()
            if self.scenario.wire:
                reply["wire"] = encoding.encoded(self._charts[chart], reply)
            self._define[_event(event.id).name] = reply
        return {"ok": {"vid": history.vid, "events": [_event(each.id) for each in result.events]}}

    @staticmethod
    def _state(chart: Chart, history: History, command: str, args: Mapping[str, Json]) -> str:
        if chart.commands[command].rewrite or (chart.key and chart.key.name not in args):
            return ""
        return history.entry(args).state

    def _vid(self, chart: Chart, history: History, action: Tell) -> tuple[Json, bool]:
        """The version to send, and whether it is right."""
        head = history.vid
        vid: Json = action.vid
        match vid:
            case "no_vc" | "retry_no_vc":
                return vid, True
            case "right":
                vid = head
            case "stale":
                vid = history.events[-2].id if len(history.events) > 1 else EPOCH
            case "epoch":
                vid = EPOCH
            case "foreign":
                vid = self._history(self.scenario.chart, action.history + 1).vid
            case "future":
                vid = LAST_ULID
            case "one" | "two":
                vid = f"{1 if vid == 'one' else 2:026d}"
        return vid, chart.commands[action.command].starts or vid == head

    # --- Operations of several steps ------------------------------------------------------------

    def _run(self, action: Run) -> None:
        operation = self.compiler.operations[action.operation]
        self._needs.add("operations")
        if any(step.chart != self.compiler.chart.name for step in operation.steps):
            self._needs.add("index")
        values = {name: self._given(each, action) for name, each in operation.arguments.items()}
        vid = self._run_vid(operation, action)
        if action.steps is not None:
            self._tell_steps(operation, action, values, action.steps)
            return
        inputs = {each.input: values[each.name] for each in operation.arguments.values()}
        names = self.compiler.names
        args = {
            name: self._name(name, action) if name in names else inputs[name]
            for name in operation.inputs
        }
        if vid is not None:
            self._needs.add("versions")
            args["vid"] = vid
        if action.crash is not None:
            armed = {"op": "crash", "operation": action.operation, "after_step": action.crash}
            self._needs.add("crash")
            self._add(Step(armed, {"ok": {}}, "operation"))
        rule, answers = self._operated(operation, action, values, vid)
        send = {"op": "run", "operation": action.operation, "args": args}
        expect, died = (answers[0], False) if answers else ({}, True)
        self._add(Step(send, expect, rule, died=died, any_of=_choice(answers)))
        self._observe(0)

    def _tell_steps(
        self, operation: ir.Operation, action: Run, values: Mapping[str, Json], count: int
    ) -> None:
        """Tell the first steps of an operation, as a run tells them that ends after them."""
        history_of = self._histories_of(operation, action)
        for each in islice(oracle.steps(operation, history_of, values), count):
            if each.hidden:
                continue  # it does nothing, and no command can be told that sees what it sees
            step = each.step
            number = self._place(operation.arguments[step.history], action)[1]
            send = self._request("exec", step.chart, number, 0)
            send |= {"command": step.command, "args": dict(each.args)}
            if each.expected is not None:
                self._needs.add("versions")
                send["vid"] = each.expected
            if self._charts[step.chart].commands[step.command].deletes:
                self._needs.add("delete")
            answer = self._answer(step.chart, each.seen, each.result)
            self._add(Step(send, answer, each.result.rule))
        self._observe(0)

    def _name(self, name: str, action: Run | Daemon) -> Ref:
        """A name that the run makes up."""
        made = f"{name}{1 + action.other}"
        self._ids.setdefault(made, name_shape(self.compiler.names[name].pattern))
        return Ref(made)

    def _place(self, argument: ir.OperationArgument, action: Run | Daemon) -> tuple[str, int]:
        """The chart and the number of the history that an argument names."""
        chart, number = self.compiler.places[origin_of(argument)]
        others = self.compiler.numbers[chart] if action.other and argument.derived else 0
        return chart, number + others

    def _histories_of(self, operation: ir.Operation, action: Run) -> oracle.HistoryOf:
        return lambda _, name: self._history(*self._place(operation.arguments[name], action))

    def _given(self, argument: ir.OperationArgument, action: Run | Daemon) -> Json:
        """The value of an operation's argument: a history's id, a derived id, or a plain value."""
        place = None
        if origin_of(argument) in self.compiler.places:
            place = self._place(argument, action)
        if argument.derived:
            return self._derived(argument.name, argument.derived, action, place)
        if place:
            self._history(*place)
            return Ref(self._id_name(*place))
        return self.compiler.values[str(argument.input)]

    def _derived(
        self,
        name: str,
        derived: ir.DerivedId,
        action: Run | Daemon,
        place: tuple[str, int] | None = None,
    ) -> Ref:
        """The id that follows from a name, which is a history's or not."""
        id_name = self._id_name(*place) if place else name + "2" * action.other
        self._ids[id_name] = {
            "uuid5": [derived.namespace, derived.prefix, self._name(derived.name, action)]
        }
        return Ref(id_name)

    def _run_vid(self, operation: ir.Operation, action: Run) -> Json | None:
        """The vid to run an operation with; None for none."""
        if not action.vid or not operation.versioned:
            return None
        step = next(each for each in operation.steps if each.vid == "given")
        history = self._histories_of(operation, action)(step.chart, step.history)
        vid: Json = EPOCH
        match action.vid:
            case "right":
                vid = history.vid
            case "stale" if len(history.events) > 1:
                vid = history.events[-2].id
            case "foreign":
                others = (each.vid for each in self._histories.values() if each is not history)
                vid = next((each for each in others if each != EPOCH), LAST_ULID)
            case "again":
                vid = self._last_vid
        self._last_vid = vid
        return vid

    def _operated(
        self, operation: ir.Operation, action: Run, values: Mapping[str, Json], vid: Json | None
    ) -> tuple[str, list[Answer]]:
        """The rule that an operation follows, and the answers that it may give.

        There is none if the process dies before.  An operation whose first step is refused changes
        nothing; unless an earlier run has done all its work, any reason may be given.
        """
        history_of, crash = self._histories_of(operation, action), action.crash
        done = list(islice(oracle.steps(operation, history_of, values, vid), crash))
        self.ran = [each.result for each in done]
        answer: Answer = {}
        vids: dict[str, Json] = {}
        for each in done:
            answer = self._answer(each.step.chart, each.seen, each.result)
            vids[each.step.chart] = each.seen.vid
        last = done[-1] if done else None
        stopped = last is not None and last.stops
        if crash is not None and crash == len(done) and not stopped:
            return "operation", []
        if last and stopped:
            again = operation.again
            own = again and again.own
            mine = self._derived(own.carried, own.derived, action) if own else None
            if last.excusable and oracle.finished(operation, history_of, values, mine, vid):
                current = {
                    step.chart: history_of(step.chart, step.history).vid for step in operation.steps
                }
                return "again", [{"ok": {"vids": current}}]
            if len(done) > 1 or (last.result.rule == "version" and not last.hidden):
                return last.result.rule if len(done) == 1 else "operation", [answer]
            return "operation", [answer, {"error": {}}]
        for step in operation.steps:
            if step.chart not in vids:
                vids[step.chart] = history_of(step.chart, step.history).vid
        return "operation", [{"ok": {"vids": vids}}]

    # --- Daemons --------------------------------------------------------------------------------

    def _daemon(self, action: Daemon) -> None:
        world = self._world
        if world is None:
            raise ValueError("no file of operations declares daemons")
        self._needs |= {"daemons", "operations", "index"}
        values = {
            name: self._given(each, action)
            for operation in world.named
            for name, each in operation.arguments.items()
        }
        inputs = {each.input: values[name] for name, each in world.told_by.arguments.items()}
        names = self.compiler.names
        told = {
            name: self._name(name, action) if name in names else inputs[name]
            for name in world.told_by.inputs
            if name in names or action.daemon != "collect"
        }
        first = self._given(world.listing, replace(action, other=False))
        time = world.time(action, values | {world.listing.name: first})
        answer = world.answer(asked(action, values, world.now(time)))
        if action.server:
            self._needs.add("multi_server")
            told["server"] = f"s{action.server}"
        send = {"op": DAEMON, "daemon": action.daemon} | told | world.sent(action) | {"now": time}
        self._add(Step(send, answer, action.daemon))
        self._observe(action.server)

    def _of_id(self, chart: str, id: Json) -> History:
        """The history of an id; one of its own for an id that is no history's name."""
        for (name, number), history in self._histories.items():
            if name == chart and id == Ref(self._id_name(name, number)):
                return history
        return self._strangers.setdefault((chart, str(id)), self._makers[chart].history())

    def _note(self, chart: str, seen: History, result: Result) -> None:
        self._answer(chart, seen, result)

    # --- The rest -------------------------------------------------------------------------------

    def _invalid(self, action: Invalid) -> None:
        send = self._request("exec", self.scenario.chart, action.history, 0)
        if action.id is not None:
            send["index" if "index" in send else "workflow"] = action.id
        send |= {"command": action.command, "args": action.args}
        if action.vid is not None:
            send["vid"] = action.vid
        self._add(Step(send, {"error": oracle.refusal("InvalidCommand")}, "invalid"))
        self._observe(0)

    def _collect(self, action: Collect) -> None:
        self._needs.add("gc")
        for history in self._histories.values():
            history.collect(action.days)
        self._add(Step({"op": "gc", "days": action.days}, {"ok": {}}, "garbage"))
        self._observe(0)

    def _decode(self, action: Decode) -> None:
        self._needs.add("wire")
        send = {"op": "decode", "bytes": action.data} | self._named(self.scenario.chart)
        answers: list[Mapping[str, Json]] = [
            action.expect,
            *([action.either] if action.either else []),
        ]
        for at, answer in enumerate(answers):
            if "ok" in answer:
                self._define["decoded"] = answer["ok"]["event"]
                answers[at] = {"ok": {"event": Ref("decoded")}}
        self._add(Step(send, answers[0], "decode", any_of=_choice(answers)))

    def _race(self, action: Race) -> None:
        self._needs.add("concurrent")
        if action.vid == "retry_no_vc":
            self._needs.add("retry")
        chart = self._charts[self.scenario.chart]
        history = self._history(chart.name, 1)
        requests = []
        for server in range(action.servers):
            for _ in range(action.each):
                args = arguments_of(chart, history, Tell(action.command), self._numbers)
                send = self._request("exec", chart.name, 1, server)
                requests.append(send | {"command": action.command, "args": args, "vid": action.vid})
        refused = "RetryExhausted" if action.vid == "retry_no_vc" else "VersionConflict"
        any_of: tuple[Answer, ...] = ({"ok": {}}, {"error": oracle.refusal(refused)})
        state = self._state(chart, history, action.command, {})
        self._add(Step(rule="race", state=state, together=tuple(requests), any_of=any_of))

    # --- Looking --------------------------------------------------------------------------------

    def _observe(self, server: int) -> None:
        """Look at every short history, through the instance that was used, or through all."""
        if not self._looks:
            return
        servers = range(self.scenario.servers) if self.scenario.servers > 1 else (server,)
        for (chart, number), history in self._histories.items():
            if len(history.events) > SHORT:
                self._unseen.add((chart, number))
                continue
            for each in servers:
                self._look(chart, number, each)

    def _look(self, chart: str, number: int, server: int) -> None:
        history = self._history(chart, number)
        self._unseen.discard((chart, number))
        read = {"ok": {"events": [_event(each.id) for each in history.visible]}}
        for op, answer in (("find", history.find()), ("events", read)):
            self._steps.append(Step(self._request(op, chart, number, server), answer, "find"))

    def _add(self, step: Step) -> None:
        """Add a step, and the rule that it covers."""
        self._rules[step.rule] = None
        self._steps.append(step)

    # --- Names ----------------------------------------------------------------------------------

    def _history(self, chart: str, number: int) -> History:
        """A history of the case; empty when it is first named."""
        place = (chart, number)
        if place not in self._histories:
            self._histories[place] = self._makers[chart].history()
            self._ids.setdefault(self._id_name(chart, number), "uuid")
        return self._histories[place]

    def _id_name(self, chart: str, number: int) -> str:
        """The name of a history's id: history1, index1; with a second chart of a kind, CHART1."""
        kind = "index" if self._charts[chart].key else "history"
        first = self._kinds.setdefault(kind, chart)
        return f"{kind if first == chart else chart}{number}"

    def _named(self, chart: str) -> dict[str, Json]:
        """The chart of a request, unless it is the one that a request need not name."""
        if chart != self.compiler.chart.name:
            self._needs.add("index")
        return {} if chart == self.compiler.default_chart else {"chart": chart}

    def _request(self, op: str, chart: str, number: int, server: int) -> dict[str, Json]:
        self._history(chart, number)
        send: dict[str, Json] = {"op": op} | self._named(chart)
        send["index" if self._charts[chart].key else "workflow"] = Ref(self._id_name(chart, number))
        if server:
            self._needs.add("multi_server")
            send["server"] = f"s{server}"
        return send


def _choice(answers: Sequence[Mapping[str, Json]]) -> tuple[Mapping[str, Json], ...]:
    """The answers of a step, if there are several."""
    return tuple(answers) if len(answers) > 1 else ()


def _event(vid: Ref) -> Ref:
    """The name of the event with an id."""
    return Ref(f"event{vid.name.removeprefix('vid')}")


def _normal(value: Json) -> Json:
    """A value as it is carried: a zero id is none."""
    return None if value == EPOCH else value
