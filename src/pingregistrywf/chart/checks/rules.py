"""Commands: one rule at most for each state, one outcome each, and a value for every field."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.checks.errors import check_bare_error, known_error
from pingregistrywf.chart.checks.values import Offer, Source, fits, is_zero
from pingregistrywf.chart.ir import NOT_IDEMPOTENT
from pingregistrywf.chart.mistakes import Path, Report
from pingregistrywf.chart.parts import Constant
from pingregistrywf.chart.types import Type
from pingregistrywf.chart.vocabulary import ArgumentSource, Chart, Command, Rule

_OUTCOMES = ("emit", "noop", "error", "delete")


def check_rules(chart: Chart, report: Report) -> None:
    """Check the rules of every command."""
    for name, command in chart.commands.items():
        _check_command(chart, report, name, command)


def _check_command(chart: Chart, report: Report, name: str, command: Command) -> None:
    offer = Offer(name, command.args, chart.keyed_by)
    ruled: dict[str, str] = {}
    for number, rule in enumerate(command.rules, start=1):
        _RuleChecker(chart, report, offer, number, rule).check(ruled)
    at, taken = ("commands", name, "args"), {*offer.taken, offer.key}
    remedy = "name it in emit, same or error, or remove it"
    report.unused(at, command.args, taken, f"no rule of {name} takes its argument", remedy)
    _check_beginning(chart, report, name, command)


def _check_beginning(chart: Chart, report: Report, name: str, command: Command) -> None:
    """Check that a command that begins a history, and takes no vid, appends nowhere else."""
    initial = chart.initial
    emitting = [(number, rule) for number, rule in enumerate(command.rules, start=1) if rule.emit]
    if chart.keyed_by or not any(initial in rule.states for _, rule in emitting):
        return
    for number, rule in emitting:
        if not rule.retired and set(rule.states) != {initial}:
            what = f"{name} begins a history, so it takes no version, but {name}.{number} would"
            at = ("commands", name, "rules", number, "emit")
            report.say(at, f"{what} append to one without any", "write another command for it")


class _RuleChecker:
    def __init__(self, chart: Chart, report: Report, offer: Offer, number: int, rule: Rule) -> None:
        self._chart = chart
        self._report = report
        self._offer = offer
        self._rule = rule
        self._name = f"{offer.of}.{number}"
        self._at: Path = ("commands", offer.of, "rules", number)

    def check(self, ruled: dict[str, str]) -> None:
        """Check the rule, and add it to the names of rules by state."""
        self._check_states(ruled)
        self._check_outcome()
        self._check_same()
        for event, sources in (self._rule.emit or {}).items():
            self._check_emission(event, sources)
        for error, sources in (self._rule.error or {}).items():
            self._check_refusal(error, sources)
        if self._rule.otherwise:
            check_bare_error(self._chart, self._report, self._rule.otherwise, (*self._at, "else"))

    def _check_states(self, ruled: dict[str, str]) -> None:
        states = self._rule.states
        for position, state in enumerate(states, start=1):
            at = (*self._at, "in", position)
            if self._report.resolve(state, self._chart.states, at, "state") != state:
                continue
            other = self._name if self._rule.retired else ruled.setdefault(state, self._name)
            if other != self._name:
                what = f"{self._offer.of} has two rules for {state}: {other} and {self._name}"
                self._report.say(at, what, f"remove {state} from one of them")
            elif state in states[: position - 1]:
                what = f"{self._name} names {state} twice"
                self._report.say(at, what, "remove one of the two")

    def _check_outcome(self) -> None:
        rule, name, at, report = self._rule, self._name, self._at, self._report
        outcomes = [each for each in _OUTCOMES if getattr(rule, each) is not None]
        if len(outcomes) > 1:
            what = f"{name} has several outcomes: {' and '.join(outcomes)}"
            remedy = "keep one; a pair of state and command has one"
            report.say((*at, outcomes[-1]), what, remedy)
        elif rule.same or rule.otherwise:
            if outcomes and outcomes != ["noop"]:
                what = f"{name} compares arguments, and then has {outcomes[0]}"
                report.say((*at, outcomes[0]), what, "write noop, with same and else")
                return
            for key, given, remedy in (
                ("same", rule.same, "same: [ARGUMENT]"),
                ("else", rule.otherwise, f"else: {NOT_IDEMPOTENT}"),
                ("noop", rule.noop, "noop: and the reason"),
            ):
                if not given:
                    what = f"{name} lacks {key}: same, noop and else belong together"
                    report.say(at, what, f"add {remedy}")
        elif not outcomes:
            remedy = "add one of emit, noop, error, delete; or same, noop and else"
            report.say(at, f"{name} has no outcome", remedy)
        if rule.retired and outcomes != ["emit"]:
            what = f"{name} is retired but does not emit: only events are left in histories"
            report.say((*at, "retired"), what, "remove the rule")
        if rule.delete:
            self._check_delete((*at, "delete"))

    def _check_delete(self, at: Path) -> None:
        if self._chart.keyed_by:
            what = f"{self._name} deletes the history, and with it every other entry"
            self._report.say(at, what, "emit an event that leads to the initial state")
        initial = self._chart.initial
        if initial in self._rule.states:
            what = f"{self._name} deletes in {initial}, where there is no history yet"
            self._report.say(at, what, f"write another rule for {initial}, with noop")

    def _check_same(self) -> None:
        report, names = self._report, self._rule.same
        for position, name in enumerate(names, start=1):
            at = (*self._at, "same", position)
            argument = self._offer.take(report, name, at)
            if argument is None:
                continue
            if name in names[: position - 1]:
                report.say(at, f"{self._name} compares {name} twice", "remove one of the two")
            carried = self._chart.carried.get(argument)
            kind = self._offer.args[argument].type
            if argument == self._chart.keyed_by:
                what = f"{argument} is the key: within an entry it is always the same"
                report.say(at, what, "remove it from same")
            elif carried is None:
                what = f"{argument} cannot be compared: the state carries nothing of that name"
                report.say(at, what, f"add carried: {{{argument}: …}} and let an event set it")
            elif carried.type is None:
                what = f"{argument} cannot be compared: it is carried as a record or a list"
                report.say(at, what, f"add a carried value of the type of the argument {argument}")
            elif carried.type is not kind:
                what = f"the argument {argument} is of type {kind}, but carried as {carried.type}"
                report.say(at, what, "give both the same type")

    def _check_emission(self, name: str, sources: Mapping[str, ArgumentSource]) -> None:
        at = (*self._at, "emit", name)
        known = self._report.resolve(name, self._chart.events, at, "event")
        if known is None:
            self._offer.taken.update(self._offer.args)  # Nobody knows the event's fields.
            return
        if self._rule.retired:
            self._offer.taken.update(self._offer.args)  # It emits nothing any more.
            return
        event = self._chart.events[known]
        given = self._offer.fill(self._report, at, known, "field", event.fields, sources)
        for field, wanted in event.when.items():
            if field in given:
                place = (*at, field)
                self._check_discriminator(place, f"{known}.{field}", wanted, given[field])
        key = self._chart.keyed_by
        if key and given.get(key, key) != key:
            what = f"{self._name} emits {known} with another {key} than the command's"
            self._report.say((*at, key), what, f"remove {key}: the argument is taken anyway")

    def _check_discriminator(self, at: Path, name: str, wanted: str, source: Source) -> None:
        if isinstance(source, Constant):
            zero = is_zero(source.constant)
            sure = zero == (wanted == "zero") or not fits(source.constant, Type.INT32)
        else:
            argument = self._offer.args.get(str(source))
            sure = argument is None or (wanted == "nonzero" and argument.nonzero)
        if sure:
            return
        if wanted == "zero":
            what, remedy = f"{name} tells the event from others by being zero", "{constant: 0}"
        else:
            what = f"{name} tells the event from others by not being zero, and here it may be"
            remedy = "a constant, or an argument that is nonzero: true"
        self._report.say(at, what, f"write {remedy}")

    def _check_refusal(self, name: str, sources: Mapping[str, ArgumentSource]) -> None:
        at = (*self._at, "error", name)
        if name == NOT_IDEMPOTENT:
            what = f"{self._name} rejects with {name} but compares no argument"
            self._report.say(at, what, "write same, noop and else, or another error")
            return
        error = known_error(self._chart, self._report, name, at)
        if error is None:
            self._offer.taken.update(self._offer.args)
            return
        fields = self._chart.errors[error].fields if error in self._chart.errors else {}
        self._offer.fill(self._report, at, error, "field", fields, sources)
