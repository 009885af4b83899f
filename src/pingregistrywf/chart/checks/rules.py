"""Commands: one rule at most for each state, one outcome each, and a value for every field."""

from __future__ import annotations

from collections.abc import Mapping

from pingregistrywf.chart.checks.names import RUNTIME_ERRORS
from pingregistrywf.chart.checks.states import leads_are_whole
from pingregistrywf.chart.checks.tools import (
    CONFLICT,
    NOT_IDEMPOTENT,
    STANDARD_ERRORS,
    Inquiry,
    NumberedRule,
    Offer,
    Target,
    check_value,
    fits,
    is_zero,
)
from pingregistrywf.chart.mistakes import Path, closest
from pingregistrywf.chart.vocabulary import ArgumentSource, Command, Constant, Type

_OUTCOMES = ("emit", "noop", "error", "delete")


def check_rules(inquiry: Inquiry) -> None:
    """Check every command, and that every error is used."""
    for name, command in inquiry.chart.commands.items():
        _Checker(inquiry, name, command).check()
    _check_otherwise(inquiry)
    _check_errors(inquiry)


class _Checker:
    """Checks one command."""

    def __init__(self, inquiry: Inquiry, name: str, command: Command) -> None:
        self._inquiry = inquiry
        self._chart = inquiry.chart
        self._report = inquiry.report
        self._name = name
        self._command = command
        self._offer = Offer.by(name, command)
        self._taken: set[str | None] = {self._chart.keyed_by}

    def check(self) -> None:
        ruled: dict[str, NumberedRule] = {}
        for number, rule in enumerate(self._command.rules, start=1):
            numbered = NumberedRule(self._name, number, rule)
            self._check_states(numbered, ruled)
            self._check_outcome(numbered)
            self._check_same(numbered)
            for event, sources in (rule.emit or {}).items():
                self._check_emission(numbered, event, sources)
            for error, sources in (rule.error or {}).items():
                self._check_refusal(numbered, error, sources)
            if rule.otherwise:
                check_bare_error(self._inquiry, rule.otherwise, (*numbered.at, "else"))
        if self._report.whole(("commands", self._name, "rules")):
            for argument in self._command.args:
                if argument not in self._taken:
                    self._report.say(
                        (*self._offer.at, argument),
                        f"no rule of {self._name} takes its argument {argument}",
                        "name it in emit, same or error, or remove it",
                    )
        self._check_beginning()

    def _check_states(self, numbered: NumberedRule, ruled: dict[str, NumberedRule]) -> None:
        for position, name in enumerate(numbered.rule.states, start=1):
            at = (*numbered.at, "in", position)
            state = self._inquiry.state(name, at)
            if state != name:
                continue
            other = ruled.setdefault(state, numbered)
            if other is not numbered:
                what = f"{self._name} has two rules for {state}: {other} and {numbered}"
                self._report.say(at, what, f"remove {state} from one of them", other.at)
            elif state in numbered.rule.states[: position - 1]:
                self._report.say(at, f"{numbered} names {state} twice", "remove one of the two")

    def _check_outcome(self, numbered: NumberedRule) -> None:
        rule, at = numbered.rule, numbered.at
        if not self._report.whole(at):
            return
        outcomes = [each for each in _OUTCOMES if getattr(rule, each) is not None]
        if len(outcomes) > 1:
            what = f"{numbered} has several outcomes: {' and '.join(outcomes)}"
            self._report.say(
                (*at, outcomes[-1]), what, "keep one; a pair of state and command has one"
            )
        elif rule.same or rule.otherwise:
            if outcomes and outcomes != ["noop"]:
                what = f"{numbered} compares arguments, and then has {outcomes[0]}"
                self._report.say((*at, outcomes[0]), what, "write noop, with same and else")
                return
            for key, given, remedy in (
                ("same", rule.same, "same: [ARGUMENT]"),
                ("else", rule.otherwise, f"else: {NOT_IDEMPOTENT}"),
                ("noop", rule.noop, "noop: and the reason"),
            ):
                if not given:
                    what = f"{numbered} lacks {key}: same, noop and else belong together"
                    self._report.say(at, what, f"add {remedy}")
        elif not outcomes:
            what = f"{numbered} has no outcome"
            self._report.say(
                at, what, "add one of emit, noop, error, delete; or same, noop and else"
            )
        if rule.delete:
            self._check_delete(numbered)

    def _check_delete(self, numbered: NumberedRule) -> None:
        at = (*numbered.at, "delete")
        if self._chart.keyed_by:
            what = f"{numbered} deletes the history, and with it every other entry"
            self._report.say(at, what, "emit an event that leads to the initial state")
        initial = self._inquiry.initial
        if initial in numbered.rule.states:
            what = f"{numbered} deletes in {initial}, where there is no history yet"
            self._report.say(at, what, f"write another rule for {initial}, with noop")

    def _check_same(self, numbered: NumberedRule) -> None:
        for position, name in enumerate(numbered.rule.same, start=1):
            at = (*numbered.at, "same", position)
            what = f"argument of {self._name}"
            argument = self._inquiry.known(name, self._command.args, at, what, self._offer.at)
            self._taken.add(argument)
            if argument is None:
                continue
            if name in numbered.rule.same[: position - 1]:
                self._report.say(at, f"{numbered} compares {name} twice", "remove one of the two")
            carried = self._chart.carried.get(argument)
            if argument == self._chart.keyed_by:
                what = f"{argument} is the key: within an entry it is always the same"
                self._report.say(at, what, "remove it from same")
            elif carried is None:
                self._report.say(
                    at,
                    f"{argument} cannot be compared: the state carries nothing of that name",
                    f"add carried: {{{argument}: …}} and let an event set it",
                    ("carried", "*"),
                )
            elif carried.type is None:
                what = f"{argument} cannot be compared: it is carried as a record or a list"
                remedy = f"add a carried value of the type of the argument {argument}"
                self._report.say(at, what, remedy, ("carried", argument))
            elif carried.type is not self._command.args[argument].type:
                self._report.say(
                    at,
                    f"the argument {argument} is of type {self._command.args[argument].type}, "
                    f"but carried as {carried.type}",
                    "give both the same type",
                    (*self._offer.at, argument, "type"),
                    ("carried", argument, "type"),
                )

    def _check_emission(
        self, numbered: NumberedRule, name: str, sources: Mapping[str, ArgumentSource]
    ) -> None:
        at = (*numbered.at, "emit")
        known = self._inquiry.known(name, self._chart.events, at, "event", ("events",))
        if known is None:
            self._taken.update(self._command.args)  # perhaps: nobody knows the event's fields
            return
        event, declared = self._chart.events[known], ("events", known, "fields")
        targets = {
            field: Target(f"{known}.{field}", each.type, each.nonzero, (*declared, field))
            for field, each in event.fields.items()
        }
        given = self._check_sources((*at, name), sources, targets, known, declared)
        for field, wanted in event.when.items():
            source = given.get(field)
            if source is not None and field in targets:
                place = (*at, name, field)
                self._check_discriminator(place, f"{known}.{field}", wanted, source)
        key = self._chart.keyed_by
        if key and key in given and given[key] != key:
            what = f"{numbered} emits {known} with another {key} than the command's"
            self._report.say((*at, name, key), what, f"remove {key}: the argument is taken anyway")

    def _check_discriminator(
        self, at: Path, name: str, wanted: str, source: ArgumentSource
    ) -> None:
        if isinstance(source, Constant):
            zero = is_zero(source.constant)
            sure = zero == (wanted == "zero") or not fits(source.constant, Type.INT32)
        else:
            argument = self._command.args.get(source)
            sure = argument is None or (wanted == "nonzero" and argument.nonzero)
        if sure:
            return
        if wanted == "zero":
            what, remedy = f"{name} tells the event from others by being zero", "{constant: 0}"
        else:
            what = f"{name} tells the event from others by not being zero, and here it may be"
            remedy = "a constant, or an argument that is nonzero: true"
        self._report.say(at, what, f"write {remedy}")

    def _check_refusal(
        self, numbered: NumberedRule, name: str, sources: Mapping[str, ArgumentSource]
    ) -> None:
        at = (*numbered.at, "error")
        if name == NOT_IDEMPOTENT:
            what = f"{numbered} rejects with {name} but compares no argument"
            self._report.say(at, what, "write same, noop and else, or another error")
            return
        error = known_error(self._inquiry, name, at)
        if error is None:
            self._taken.update(self._command.args)
            return
        declared = ("errors", error, "fields")
        fields = self._chart.errors[error].fields if error in self._chart.errors else {}
        targets = {
            field: Target(f"{error}.{field}", each.type, False, (*declared, field))
            for field, each in fields.items()
        }
        self._check_sources((*at, name), sources, targets, error, declared)

    def _check_sources(
        self,
        at: Path,
        sources: Mapping[str, ArgumentSource],
        targets: Mapping[str, Target],
        owner: str,
        declared: Path,
    ) -> Mapping[str, ArgumentSource]:
        """Check that every field gets its value; where each comes from."""
        given: dict[str, ArgumentSource] = {}
        for name, source in sources.items():
            place = (*at, name)
            field = self._inquiry.known(name, targets, place, f"field of {owner}", declared)
            if field is None:
                self._taken.add(source if isinstance(source, str) else None)
            else:
                given[field] = source
                taken = check_value(self._report, place, source, targets[field], self._offer)
                self._taken.add(taken)
        for field, target in targets.items():
            if field in given:
                continue
            if field in self._command.args:
                given[field] = field
                self._taken.add(check_value(self._report, at, field, target, self._offer))
            elif field != self._chart.keyed_by:  # which every command must have
                self._report.say(
                    at,
                    f"{target.name} gets no value: {self._name} has no argument {field}",
                    f"add {field}: ARGUMENT, or {field}: {{constant: …}}, to {owner}",
                    target.at,
                    (*at, "*"),
                    (*self._offer.at, "*"),
                )
        return given

    def _check_beginning(self) -> None:
        """A command that begins a history takes no vid, so it must not append anywhere else."""
        if self._chart.keyed_by:
            return
        initial = self._inquiry.initial
        emitting = [
            NumberedRule(self._name, number, rule)
            for number, rule in enumerate(self._command.rules, start=1)
            if rule.emit
        ]
        if not any(initial in numbered.rule.states for numbered in emitting):
            return
        for numbered in emitting:
            if set(numbered.rule.states) != {initial}:
                self._report.say(
                    (*numbered.at, "emit"),
                    f"{self._name} begins a history, so it takes no version, "
                    f"but {numbered} would append to one without any",
                    "write another command for it",
                    (*numbered.at, "in"),
                )


def known_error(inquiry: Inquiry, name: str, at: Path) -> str | None:
    """The error of that name."""
    if name in RUNTIME_ERRORS and name not in STANDARD_ERRORS:
        what = f"{name} is an error of the run time, which no rule can name"
        inquiry.report.say(at, what, "write an error of your own, declared under errors")
        return None
    names = dict.fromkeys((*inquiry.chart.errors, *STANDARD_ERRORS))
    return inquiry.known(name, names, at, "error", ("errors",))


def check_bare_error(inquiry: Inquiry, name: str, at: Path) -> None:
    """Check an error where no values for fields can be given."""
    error = known_error(inquiry, name, at)
    if error in STANDARD_ERRORS:
        return
    if error in inquiry.chart.errors and inquiry.chart.errors[error].fields:
        what = f"{error} has fields, and nothing gives them values here"
        inquiry.report.say(at, what, "name an error without fields", ("errors", error, "fields"))


def _check_otherwise(inquiry: Inquiry) -> None:
    name = inquiry.chart.otherwise
    if name == NOT_IDEMPOTENT:
        what = f"otherwise rejects with {name} but compares no argument"
        inquiry.report.say(("otherwise",), what, f"write {CONFLICT}, or an error of your own")
    else:
        check_bare_error(inquiry, name, ("otherwise",))


def _check_errors(inquiry: Inquiry) -> None:
    chart, report = inquiry.chart, inquiry.report
    named = {chart.otherwise}
    for numbered in inquiry.rules():
        named.update(numbered.rule.error or ())
        named.add(numbered.rule.otherwise or chart.otherwise)
    if chart.snapshot:
        named |= {chart.snapshot.limit.error, chart.snapshot.saving.error}
    for name, error in chart.errors.items():
        at = ("errors", name)
        if name in STANDARD_ERRORS:
            if error.fields:
                what = f"{name} is the same in every chart"
                report.say((*at, "fields"), what, "remove its fields; only its prose is yours")
        elif leads_are_whole(inquiry) and report.whole(("snapshot",)):
            # A misspelt name names nothing, and that is said where it stands.
            unknown = [each for each in named if each not in (*chart.errors, *STANDARD_ERRORS)]
            if name not in named and not any(closest(each, [name]) for each in unknown):
                report.say(at, f"no rule names the error {name}", "write a rule, or remove it")
