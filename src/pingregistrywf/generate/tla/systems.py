"""A system as a module of TLA+: who runs which declared step when, and what may happen in between.

A run of an operation is a record: the operation, the number of its next step, and what the steps to
come still need.  That keeps the states few in which the model can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pingregistrywf.chart.ir import FromArgument, Model, Operation, Step
from pingregistrywf.chart.parts import Constant, VidOfStep
from pingregistrywf.chart.system import Condition, Participant, Run, System
from pingregistrywf.generate.tla.charts import ChartModule
from pingregistrywf.generate.tla.spelling import literal, pascal, record, values


@dataclass(frozen=True, slots=True)
class Written:
    """The action of a step, ready for the template.

    ``bindings`` are definitions inside of it; it writes ``variable`` at ``place``; ``following`` is
    the run after it, ``refused`` the run after a refusal, and ``told`` what an answer acknowledges.
    """

    name: str
    number: int
    variable: str
    place: str
    bindings: Sequence[tuple[str, str]]
    following: str
    refused: str
    told: str
    prose: str


@dataclass(frozen=True, slots=True)
class Start:
    """The action with which a participant begins an operation, ready for the template.

    ``can`` is the name of the predicate that tells when it is possible.
    """

    name: str
    can: str
    parameters: Sequence[str]
    conditions: Sequence[str]
    read: Sequence[tuple[str, str]]
    run: str
    at_once: str | None
    """The action of the only step, if nothing can happen between the beginning and it."""
    prose: str


class SystemModule:
    """What the template of a system's module is filled with."""

    def __init__(self, system: System, model: Model) -> None:
        self.system = system
        self.name = pascal(system.system)
        self.operations = model.operations[system.operations]
        self.charts = {name: ChartModule(model.charts[name]) for name in self.operations.charts}
        used = dict.fromkeys(run.operation for _, run in self._runs)
        self.used = {name: self.operations.operations[name] for name in used}

    @property
    def _runs(self) -> list[tuple[Participant, Run]]:
        kinds = self.system.participants.values()
        return [(kind, run) for kind in kinds for run in kind.runs]

    @cached_property
    def indexed(self) -> Mapping[str, str]:
        """The input that tells the histories of each chart apart."""
        indexed: dict[str, str] = {}
        for operation in self.used.values():
            for step in operation.steps:
                indexed.setdefault(step.chart, self.input_of(operation, step.history))
        return indexed

    @property
    def limits(self) -> list[str]:
        """The limits that runs name."""
        return list(dict.fromkeys(run.at_most for _, run in self._runs if run.at_most))

    @property
    def remembers(self) -> bool:
        """True if answers are remembered."""
        return any(run.acknowledged for _, run in self._runs)

    @property
    def variables(self) -> list[str]:
        """The variables, in the order of their declaration."""
        remembered = ["acknowledged"] if self.remembers else []
        return [*self.charts, "running", *remembered, "crashes"]

    def unchanged(self, *changed: str) -> str:
        """The statement that nothing but these variables changes; empty if there is no other."""
        others = [name for name in self.variables if name not in changed]
        return f"UNCHANGED <<{', '.join(others)}>>" if others else ""

    def keys(self, chart: str) -> str:
        """The set of a keyed chart's keys."""
        key = self.key_input(chart)
        return self.system.inputs[key].plural if key else "{}"

    def key_input(self, chart: str) -> str | None:
        """The input that is the key of a keyed chart's entries."""
        for operation in self.used.values():
            for step in operation.steps:
                key = self.key_of(operation, step)
                if step.chart == chart and key:
                    return key
        return None

    def some(self, inputs: Sequence[str], indent: int = 11) -> str:
        """Say that a formula holds for some values of inputs; empty if there is no input.

        The formula follows on a line of its own, after as many spaces.
        """
        if not inputs:
            return ""
        bound = (f"{name} \\in {self.system.inputs[name].plural}" for name in inputs)
        return f"\\E {', '.join(bound)} :\n{'':{indent}}"

    # --- Operations -------------------------------------------------------------------------------

    def inputs(self, operation: Operation) -> list[str]:
        """The inputs of an operation that the model tells apart."""
        return [name for name in operation.inputs if name in self.system.inputs]

    def steps(self) -> Iterator[tuple[Operation, list[Written]]]:
        """The actions of all steps, operation by operation."""
        for operation in self.used.values():
            steps = enumerate(operation.steps, start=1)
            yield operation, [self._written(operation, *each) for each in steps]

    def starts(self, kind: str) -> list[Start]:
        """The actions with which a participant begins its operations."""
        participant = self.system.participants[kind]
        return [self._start(kind, run, self.used[run.operation]) for run in participant.runs]

    def operations_of(self, kind: str) -> list[Operation]:
        """The operations that a participant runs in more than one action."""
        runs = self.system.participants[kind].runs
        operations = (self.used[run.operation] for run in runs if not self._at_once(run))
        return list({each.name: each for each in operations}.values())

    def action(self, operation: Operation, number: int) -> str:
        """The name of the action of a step."""
        return f"{pascal(operation.name)}{number if len(operation.steps) > 1 else ''}"

    def _start(self, kind: str, run: Run, operation: Operation) -> Start:
        conditions = [self._condition(operation, each) for each in run.when]
        if run.at_most:
            step = operation.steps[0]
            place = f"{step.chart}[{self.input_of(operation, step.history)}]"
            conditions.append(f"Posted({place}, {kind}) < {pascal(run.at_most)}")
        read = {}
        if self.reads(operation):
            assert run.reads is not None  # noqa: S101 (it is what makes an operation read)
            read["read"] = f"Vid({run.reads.chart}[{run.reads.history}])"
        if later := self.given_later(operation):
            history = f"{later.chart}[{self.input_of(operation, later.history)}]"
            keyed = self.charts[later.chart].chart.key
            read["before"] = f"Len({history}.events)" if keyed else f"Vid({history})"
        if operation.about:
            about = operation.about
            history = f"{about.chart}[{self.input_of(operation, about.history)}]"
            entry = self.input_of(operation, about.entry)
            read["first"] = f"{pascal(about.chart)}!Entry({history}, {entry}).{about.began_with}"
        at_once = self.action(operation, 1) if self._at_once(run) else None
        fields = {name: name for name in (*self.inputs(operation), *read)}
        indent = len(f"    /\\ {at_once or 'Begins'}({kind}, ") + (4 if read else 0)
        return Start(
            name=f"{pascal(kind)}{'Runs' if at_once else 'Begins'}{pascal(run.operation)}",
            can=f"{pascal(kind)}Can{pascal(run.operation)}",
            parameters=[kind, *self.inputs(operation)],
            conditions=conditions,
            read=list(read.items()),
            run=self._run(operation, 1, fields, indent),
            at_once=at_once,
            prose=operation.doc,
        )

    def _at_once(self, run: Run) -> bool:
        """Whether the beginning of an operation and its first step are one action.

        They are if nothing is read that may change in between.
        """
        operation = self.used[run.operation]
        return (
            len(operation.steps) == 1
            and run.reads is None
            and operation.about is None
            and not any(condition.now for condition in run.when)
        )

    def _condition(self, operation: Operation, condition: Condition) -> str:
        history = f"{condition.chart}[{condition.history}]"
        module = pascal(condition.chart)
        entry = f", {condition.entry}" if condition.entry else ""
        if condition.earlier:
            text = f"{module}!WasIn({history}{entry}, {values(condition.earlier)})"
        elif condition.entry:
            text = f"{module}!Entry({history}{entry}).state \\in {values(condition.now)}"
        else:
            text = f"{module}!State({history}) \\in {values(condition.now)}"
        free = [
            name
            for name in (condition.history, condition.entry)
            if name and name not in self.inputs(operation)
        ]
        return f"{self.some(free)}{text}"

    def _written(self, operation: Operation, number: int, step: Step) -> Written:
        module = self.charts[step.chart]
        command = module.chart.commands[step.command]
        place = f"run.{self.input_of(operation, step.history)}"
        bindings = [("history", f"{step.chart}[{place}]")]
        seen = "history"
        key = self.key_of(operation, step)
        about = operation.about if step.incarnation else None
        if key:
            seen = "entry"
            entry = f"{module.name}!Entry(history, run.{key})"
            if about:
                bindings.append(("listed", entry))
                same = f"listed.{about.began_with} = run.first"
                entry = f"IF {same} THEN listed\n{'ELSE':>24} {module.name}!Unlisted"
            bindings.append((seen, entry))
        elif about:
            seen = "incarnation"
            bindings.append((seen, "Incarnation(history, run.first)"))
        given = [self._argument(operation, step, name) for name in module.arguments(command)]
        first = ["history", self.keys(step.chart)] if command.rewrite else [seen]
        decided = f"{module.name}!Decide{step.command}({', '.join([*first, *given])})"
        results = [decided, *self._expected(operation, number, step, key)]
        if about and seen != "history" and module.emits_on_nothing(step.command):
            real = "listed" if key else "history"
            results.append(f"IF {seen} = {real} THEN {{}} ELSE Expects(history, Epoch, {{}})")
        if notes := self._notes(operation):
            results.append(f"Noted({{}}, {record(notes)})")
        names = ["decided", "expected", "judged", "noted"][: len(results) - 1]
        before = ""
        for name, text in zip([*names, "result"], results, strict=True):
            bindings.append((name, text.replace("{}", before)))
            before = name
        told = "{}"
        if any(run.acknowledged for _, run in self._runs if run.operation == operation.name):
            told = f"{{<<{place}, Vid(Written(history, result))>>}}"
        following = self._following(operation, number)
        return Written(
            name=self.action(operation, number),
            number=number,
            variable=step.chart,
            place=place,
            bindings=bindings,
            following=following,
            refused=following if step.on_refusal == "continue" else "Idle",
            told=told,
            prose=step.doc,
        )

    def _notes(self, operation: Operation) -> list[tuple[str, str]]:
        """What the model notes in the events of an operation."""
        runs = [run for _, run in self._runs if run.operation == operation.name]
        by = [("by", "participant")] if any(run.at_most for run in runs) else []
        return [*by, ("saw", "run.read")] if self.reads(operation) else by

    def _expected(
        self, operation: Operation, number: int, step: Step, key: str | None
    ) -> list[str]:
        """The definition that refuses a step unless it finds the version that it expects."""
        if isinstance(step.vid, VidOfStep):
            return [f"Expects(history, run.vid{step.vid.step}, {{}})"]
        if step.vid != "given":
            return []
        if self.reads(operation):
            return ["Expects(history, run.read, {})"]
        if number == 1:
            return []
        if key is None:
            return ["Expects(history, run.before, {})"]
        module = pascal(step.chart)
        return [f"{module}!ExpectsUnchanged(history, run.{key}, run.before, {{}})"]

    def _following(self, operation: Operation, number: int) -> str:
        """The run after a step."""
        if number == len(operation.steps):
            return "Idle"
        fields = {name: f"run.{name}" for name in self._kept(operation, number)}
        if number in self.referred(operation, number):
            fields[f"vid{number}"] = "Vid(Written(history, result))"
        return self._run(operation, number + 1, fields, 21)

    def _run(
        self, operation: Operation, number: int, fields: Mapping[str, str], indent: int
    ) -> str:
        kept = self.needed(operation, number)
        numbered = [("operation", f'"{operation.name}"'), ("step", str(number))]
        return record([*numbered, *((name, fields[name]) for name in kept)], indent)

    def _kept(self, operation: Operation, number: int) -> list[str]:
        """What a run keeps after a step, beside that step's vid."""
        needed = self.needed(operation, number + 1)
        return [name for name in needed if name != f"vid{number}"]

    def needed(self, operation: Operation, number: int) -> list[str]:
        """What the steps from that one on need."""
        later = list(enumerate(operation.steps, start=1))[number - 1 :]
        needed: dict[str, None] = {}
        for position, step in later:
            needed[self.input_of(operation, step.history)] = None
            if key := self.key_of(operation, step):
                needed[key] = None
            command = self.charts[step.chart].chart.commands[step.command]
            for name in self.charts[step.chart].arguments(command):
                source = step.sources[name]
                if isinstance(source, FromArgument):
                    given = self.input_of(operation, source.argument)
                    needed |= {given: None} if given in self.system.inputs else {}
            if step.incarnation:
                needed["first"] = None
            if step.vid == "given" and position > 1 and not self.reads(operation):
                needed["before"] = None
        if self.reads(operation):
            needed["read"] = None
        for referred in sorted(self.referred(operation, number - 1)):
            if referred < number:
                needed[f"vid{referred}"] = None
        order = [*self.system.inputs, "first", "before", "read"]
        return sorted(needed, key=lambda name: (order.index(name) if name in order else 99, name))

    def referred(self, operation: Operation, number: int) -> set[int]:
        """The steps whose vids are named after that step."""
        named = set()
        for step in operation.steps[number:]:
            vids = [step.vid, *step.sources.values()]
            named |= {each.step for each in vids if isinstance(each, VidOfStep)}
        return named

    def reads(self, operation: Operation) -> bool:
        """True if who runs the operation reads a history first, and gives its version."""
        return any(run.reads for _, run in self._runs if run.operation == operation.name)

    def given_later(self, operation: Operation) -> Step | None:
        """The step after the first that expects what was there before the operation began."""
        if self.reads(operation):
            return None
        return next((step for step in operation.steps[1:] if step.vid == "given"), None)

    def key_of(self, operation: Operation, step: Step) -> str | None:
        """The input that is the key of the entry that a step is about."""
        chart = self.charts[step.chart].chart
        if chart.key is None or chart.commands[step.command].rewrite:
            return None
        source = step.sources[chart.key.name]
        assert isinstance(source, FromArgument)  # noqa: S101 (the key of an entry that is known)
        return self.input_of(operation, source.argument)

    def _argument(self, operation: Operation, step: Step, name: str) -> str:
        match step.sources[name]:
            case FromArgument(argument=argument):
                name = self.input_of(operation, argument)
                # An input that the model leaves out stands for one value.
                return f"run.{name}" if name in self.system.inputs else f'"{name}"'
            case VidOfStep(step=number):
                return f"run.vid{number}"
            case Constant() as constant:
                return literal(constant)

    def input_of(self, operation: Operation, argument: str) -> str:
        """The input that an argument is, or follows from."""
        declared = operation.arguments[argument]
        return declared.derived.name if declared.derived else str(declared.input)
