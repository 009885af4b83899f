"""Systems, properties and invariants: every name in them is one of the model's.

A formula in TLA+ is not read here; the checker of the formal model parses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pingregistrywf.chart.invariant import PARTICIPANT, Invariant
from pingregistrywf.chart.ir import DELETED
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.system import Place, Properties, Run, Size, System, Unreached
from pingregistrywf.chart.vocabulary import Chart, Operations


def check_system(
    system: System,
    charts: Mapping[str, Chart],
    operations: Mapping[str, Operations],
    report: Report,
) -> None:
    """Check a system on charts and operations that have no mistakes, by name."""
    at: Path = ("operations",)
    name = report.resolve(system.operations, operations, at, "file of operations")
    if name is None:
        return
    checker = _SystemChecker(system, charts, operations[name], report)
    for kind, participant in system.participants.items():
        for number, run in enumerate(participant.runs, start=1):
            checker.check_run(run, ("participants", kind, "runs", number))
    for each, size in system.sizes.items():
        checker.check_size(size, ("sizes", each))


def check_properties(
    properties: Properties,
    systems: Mapping[str, System],
    charts: Mapping[str, Chart],
    report: Report,
) -> None:
    """Check the properties of a system that has no mistakes, on charts that have none."""
    name = report.resolve(properties.properties_of, systems, ("properties_of",), "system")
    if name is None:
        return
    system = systems[name]
    for each, declared in properties.properties.items():
        at: Path = ("properties", each)
        for number, fault in enumerate(declared.faults, start=1):
            here = (*at, "faults", number)
            report.resolve(fault.size, system.sizes, (*here, "size"), "size")
            if bool(fault.model) is bool(fault.operators):
                what = f"fault {number} of {each} changes nothing, or two things"
                report.say(here, what, "write either model or operators")
        for position, kind in enumerate(declared.fair, start=1):
            report.resolve(kind, system.participants, (*at, "fair", position), "participant")
        if bool(declared.fair) is not (declared.kind == "liveness"):
            what = f"{each} is of the kind {declared.kind}"
            remedy = "name in fair who goes on for ever; only liveness, and each of it, needs that"
            report.say((*at, "fair"), what, remedy)
    _check_unreached(properties.unreached, charts, report)


def _check_unreached(
    unreached: Iterable[Unreached], charts: Mapping[str, Chart], report: Report
) -> None:
    """Check that each cell that cannot be reached is one of a table, and is named once."""
    named: set[tuple[str, ...]] = set()
    for number, each in enumerate(unreached, start=1):
        at: Path = ("unreached", number)
        chart = report.resolve(each.chart, charts, (*at, "chart"), "chart")
        if chart is None:
            continue
        declared = charts[chart]
        rewriting = [declared.snapshot.command.name] if declared.snapshot else []
        columns = [*declared.states, *([DELETED] if declared.deletes else [])]
        commands = [*declared.commands, *rewriting]
        report.resolve(each.command, commands, (*at, "command"), "command")
        for position, state in enumerate(each.states, start=1):
            report.resolve(state, columns, (*at, "in", position), "state")
            cell = (each.chart, each.command, each.arguments or "", state)
            if cell in named:
                what = f"{each.command} in {state} is named twice"
                report.say((*at, "in", position), what, "name each cell once")
            named.add(cell)


def check_invariant(invariant: Invariant, systems: Mapping[str, System], report: Report) -> None:
    """Check the invariant of a system that has no mistakes.  Its formulas are read by the proof."""
    name = report.resolve(invariant.invariant_of, systems, ("invariant_of",), "system")
    if name is None:
        return
    variables = [*systems[name].inputs, PARTICIPANT]
    for key, clauses in (("clauses", invariant.clauses), ("consequences", invariant.consequences)):
        for each, clause in clauses.items():
            for number, variable in enumerate(clause.variables, start=1):
                report.resolve(variable, variables, (key, each, "for", number), "variable")
    for each in invariant.consequences.keys() & invariant.clauses.keys():
        what = f"{each} is a clause and a consequence"
        report.say(("consequences", each), what, "write it once, or give one another name")


class _SystemChecker:
    def __init__(
        self, system: System, charts: Mapping[str, Chart], operations: Operations, report: Report
    ) -> None:
        self._system = system
        self._charts = charts
        self._operations = operations
        self._report = report

    def check_run(self, run: Run, at: Path) -> None:
        what = f"operation of {self._system.operations}"
        self._report.resolve(run.operation, self._operations.operations, (*at, "operation"), what)
        for number, condition in enumerate(run.when, start=1):
            here = (*at, "when", number)
            chart = self._check_place(condition, here)
            if chart is not None:
                self._names(condition.now, chart.states, (*here, "is"), "state")
                self._names(condition.earlier, chart.states, (*here, "was"), "state")
            if bool(condition.now) is bool(condition.earlier):
                what = "the condition names no state, or some as seen now and some as seen before"
                self._report.say(here, what, "write either is or was, and another condition")
        if run.reads is not None:
            self._check_place(run.reads, (*at, "reads"))
        if run.at_most is not None:
            self._report.resolve(run.at_most, self._declared, (*at, "at_most"), "limit of a size")

    def check_size(self, size: Size, at: Path) -> None:
        system = self._system
        needed: dict[str, tuple[Mapping[str, int], Iterable[str]]] = {
            "inputs": (size.inputs, system.inputs),
            "participants": (size.participants, system.participants),
            "limits": (size.limits, self._limits()),
        }
        for key, (given, wanted) in needed.items():
            self._names(given, wanted, (*at, key), key.removesuffix("s"))
            if missing := [name for name in wanted if name not in given]:
                what = f"the size does not say how many {missing[0]} there are"
                self._report.say((*at, key), what, f"add {missing[0]}: a number")
        self._names(size.symmetric, system.participants, (*at, "symmetric"), "participant")
        if size.symmetric and "liveness" in size.checks:
            what = "a size with symmetric participants cannot check liveness"
            self._report.say((*at, "symmetric"), what, "remove symmetric, or use another size")

    @property
    def _declared(self) -> set[str]:
        """The limits that some size sets."""
        return {name for size in self._system.sizes.values() for name in size.limits}

    def _limits(self) -> Iterable[str]:
        """The limits that every size has to set: those that runs name."""
        runs = [run for each in self._system.participants.values() for run in each.runs]
        named = dict.fromkeys(run.at_most for run in runs if run.at_most)
        # One that is misspelt is reported at the run; then nobody knows what is missing here.
        return named if self._declared.issuperset(named) else self._declared

    def _check_place(self, place: Place, at: Path) -> Chart | None:
        """Check a place; its chart, or None if nobody knows which it is."""
        self._names([place.history], self._system.inputs, (*at, "history"), "input")
        name = self._report.resolve(place.chart, self._charts, (*at, "chart"), "chart")
        if name is None:
            return None
        keyed = self._charts[name].keyed_by is not None
        if keyed is not (place.entry is not None):
            what = f"{name} is {'' if keyed else 'not '}keyed"
            remedy = "name the input of the entry in entry" if keyed else "remove entry"
            self._report.say((*at, "entry"), what, remedy)
        elif place.entry is not None:
            self._names([place.entry], self._system.inputs, (*at, "entry"), "input")
        return self._charts[name]

    def _names(self, names: Iterable[str], known: Iterable[str], at: Path, what: str) -> None:
        for name in names:
            self._report.resolve(name, list(known), at, what)
