"""Every departure from a declaration of daemons that the self-test looks for.

Some are made from the declaration: a limit moved by a millisecond, an age that counts from another
event or in another state, an operation left out or swapped with another, another code or text.
Others are habits of whoever counts: after a restart, by number, by prefix, without what failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.parts import Ageing, Daemons
from pingregistrywf.conformance.daemons import DAY, TRIM_DAYS, Asked, World
from pingregistrywf.conformance.oracle import EPOCH, MARK_DAYS, History, Stepped
from pingregistrywf.conformance.suite.encoding import time_of

Json: TypeAlias = Any

GROUP: Final = "daemons"
SHIFTS: Final = {"a millisecond early": -1, "a millisecond late": 1}


def _of_nobody(chart: str, named: Json) -> History:
    raise LookupError(f"{chart} {named}")


@dataclass
class SubjectWorld(World):
    """The world of a subject, whose ids have times.

    Attributes:
        of_id: gives the history of an id.
        keeps_time: whether what a daemon writes happens at the time that it was given.
    """

    of_id: Callable[[str, Json], History] = _of_nobody
    keeps_time: bool = True

    def history(self, chart: str, id: Json) -> History:
        return self.of_id(chart, id)

    def time_of(self, event: Json) -> int:
        return time_of(event or EPOCH)  # a carried id that was never set is none

    def happened(self, stepped: Stepped, now: int) -> None:
        pass  # the history has it, and its id has the time

    def forget(self) -> None:
        """Lose what is in memory only."""


@dataclass(frozen=True, slots=True)
class DaemonDeparture:
    """A departure from a declaration of daemons.

    Attributes:
        name: what it does, in words.
        declared: the declaration that it follows.
        operations: the operations that its daemons run.
        world: what it does of it.
        group: its class.
    """

    name: str
    declared: Daemons
    operations: Mapping[str, ir.Operation]
    world: type[SubjectWorld] = SubjectWorld
    group: str = GROUP


def right(declared: Daemons, operations: ir.Operations) -> DaemonDeparture:
    """What is declared."""
    return DaemonDeparture("", declared, operations.operations)


def daemon_departures(declared: Daemons, operations: ir.Operations) -> Iterator[DaemonDeparture]:
    """Every departure from a declaration."""
    base = right(declared, operations)
    for name, habit in HABITS.items():
        yield replace(base, name=name, world=habit)
    for name, changed in _declared(declared):
        yield replace(base, name=name, declared=changed)
    for age in declared.collecting.ages:
        for name, shift in SHIFTS.items():
            yield replace(base, name=f"{age.operation} {name}", world=_shifted(age, shift))


def _declared(declared: Daemons) -> Iterator[tuple[str, Daemons]]:
    """The declaration with one thing changed."""
    posting, summing, collecting = declared.posting, declared.summing, declared.collecting

    def posts(**update: Any) -> Daemons:
        return declared.model_copy(update={"posting": posting.model_copy(update=update)})

    def sums(**update: Any) -> Daemons:
        return declared.model_copy(update={"summing": summing.model_copy(update=update)})

    def collects(**update: Any) -> Daemons:
        return declared.model_copy(update={"collecting": collecting.model_copy(update=update)})

    yield "another code is posted", posts(code=posting.code + 1)
    yield "another text is posted", posts(message=posting.message + ".")
    yield "the number is not in the text", posts(message=posting.message.replace("{number}", "1"))
    yield "the name is not in the text", posts(message=posting.message.replace("{name}", "fs1"))
    yield "a summary without errors has the other code", sums(code=summing.code_of_errors)
    yield "a summary of errors has the other code", sums(code_of_errors=summing.code)
    yield "a summary of errors has another code", sums(code_of_errors=summing.code_of_errors + 1)
    yield "another summary is said", sums(message=summing.message + ".")
    both = summing.message.replace("{count}", "{errors}"), summing.message
    yield "a summary says errors in place of all", sums(message=both[0])
    yield (
        "a summary says all in place of errors",
        sums(message=summing.message.replace("{errors}", "{count}")),
    )
    for name in collecting.then:
        then = [each for each in collecting.then if each != name]
        yield f"the collector does not {name}", collects(then=then)
    ages = collecting.ages
    for at, age in enumerate(ages):

        def aged(at: int = at, **update: Any) -> Daemons:
            changed = [each.model_copy() for each in ages]
            changed[at] = changed[at].model_copy(update=update)
            return collects(ages=changed)

        yield f"{age.operation} a day late", aged(days=age.days + 1)
        if age.days > 1:
            yield f"{age.operation} a day early", aged(days=age.days - 1)
        for other in ages:
            if other is age:
                continue
            yield f"{age.operation} does {other.operation}", aged(operation=other.operation)
            yield f"{age.operation} of what is {other.state}", aged(state=other.state)
            yield f"{age.operation} is told as {other.told}", aged(told=other.told)
            yield f"{age.operation} by the days of {other.operation}", aged(days=other.days)
        if any(each.since != age.since for each in ages[:at]):
            yield f"{age.operation} counts from {ages[0].since}", aged(since=ages[0].since)


def _shifted(age: Ageing, shift: int) -> type[SubjectWorld]:
    class Shifted(SubjectWorld):
        def is_old(self, of: Ageing, milliseconds: int) -> bool:
            return super().is_old(of, milliseconds - shift if of == age else milliseconds)

    return Shifted


# --- Habits --------------------------------------------------------------------------------------


class _InMemory(SubjectWorld):
    """Counts in memory, and forgets when it is killed."""

    def own(self, history: History, asked: Asked) -> set[str]:  # noqa: ARG002 (it does not look)
        mine = self._memory().setdefault(self.whose(asked), set())
        posting = self.declared.posting
        return {
            posting.message.format(name=asked.name, number=number)
            for number in range(1, len(mine) + 1)
        }

    def _memory(self) -> dict[Any, set[int]]:
        memory: dict[Any, set[int]] = self.__dict__.setdefault("memory", {})
        return memory

    def whose(self, asked: Asked) -> tuple[Any, ...]:
        """Whose count it is."""
        return (asked.name, *map(str, asked.values.values()))

    def post(self, asked: Asked) -> int:
        posted = super().post(asked)
        if posted:
            self._memory().setdefault(self.whose(asked), set()).add(posted)
        return posted

    def forget(self) -> None:
        self._memory().clear()


class _EachInstance(_InMemory):
    def whose(self, asked: Asked) -> tuple[Any, ...]:
        return (asked.server, *super().whose(asked))


class _ByNumber(SubjectWorld):
    """Posts the number that follows that of its own, whichever these are."""

    def counted(self, history: History, asked: Asked) -> int:
        """How many it takes for its own."""
        first = self.declared.posting.message.format(name=asked.name, number="")
        return sum(each["message"].startswith(first) for each in self.listed(history))

    def own(self, history: History, asked: Asked) -> set[str]:
        message = self.declared.posting.message
        count = self.counted(history, asked)
        return {message.format(name=asked.name, number=at) for at in range(1, count + 1)}


class _ByName(_ByNumber):
    def counted(self, history: History, asked: Asked) -> int:
        return sum(each["message"].startswith(asked.name) for each in self.listed(history))


class _Everybody(_ByNumber):
    def counted(self, history: History, asked: Asked) -> int:  # noqa: ARG002 (it asks for nobody)
        return len(self.listed(history))


class _WithoutFailing(SubjectWorld):
    def own(self, history: History, asked: Asked) -> set[str]:  # noqa: ARG002 (it asks for nobody)
        return {each["message"] for each in self.listed(history) if not each["code"]}


class _Carelessly(SubjectWorld):
    def own(self, history: History, asked: Asked) -> set[str]:
        posting = self.declared.posting
        numbers = range(1, asked.count + 1)
        messages = [posting.message.format(name=asked.name, number=each) for each in numbers]
        held = [each["message"].strip().lower() for each in self.listed(history)]
        return {each for each in messages if each in held}


class _NeverDone(SubjectWorld):
    def post(self, asked: Asked) -> int:
        return super().post(replace(asked, count=asked.count + 1))


class _TooFew(SubjectWorld):
    def post(self, asked: Asked) -> int:
        return super().post(replace(asked, count=asked.count - 1))


class _AllAtOnce(SubjectWorld):
    def post(self, asked: Asked) -> int:
        last = posted = super().post(asked)
        while posted:
            posted = super().post(asked)
            last = posted or last
        return last


class _Off(SubjectWorld):
    def post(self, asked: Asked) -> int:
        posted = super().post(asked)
        return posted and posted - 1


class _EarlySummary(SubjectWorld):
    def is_time(self, asked: Asked, began: int) -> bool:
        return asked.now >= began + asked.duration - 1


class _LateSummary(SubjectWorld):
    def is_time(self, asked: Asked, began: int) -> bool:
        return asked.now > began + asked.duration


class _PostsFirst(SubjectWorld):
    """Posts all that is missing before it sums up."""

    def is_time(self, asked: Asked, began: int) -> bool:
        if super().is_time(asked, began):
            self.post(asked)
            return True
        return False


class _OnlyPositive(SubjectWorld):
    def summary(self, codes: list[int]) -> dict[str, Json]:
        return super().summary([max(code, 0) for code in codes])


class _WithoutErrors(SubjectWorld):
    """Leaves what failed out of the count."""

    def summary(self, codes: list[int]) -> dict[str, Json]:
        said = super().summary(codes)
        summing = self.declared.summing
        well = sum(code == 0 for code in codes)
        return said | {"message": summing.message.format(count=well, errors=len(codes) - well)}


class _LastOnly(SubjectWorld):
    def summary(self, codes: list[int]) -> dict[str, Json]:
        said = super().summary(codes)
        return said | {"code": super().summary(codes[-1:])["code"]}


class _FirstOnly(SubjectWorld):
    def summary(self, codes: list[int]) -> dict[str, Json]:
        said = super().summary(codes)
        return said | {"code": super().summary(codes[:1])["code"]}


class _CountOfErrors(SubjectWorld):
    def summary(self, codes: list[int]) -> dict[str, Json]:
        return super().summary(codes) | {"code": sum(code != 0 for code in codes)}


class _LeavesOneOut(SubjectWorld):
    def summary(self, codes: list[int]) -> dict[str, Json]:
        return super().summary(codes[:-1])


class _StopsAtFailure(SubjectWorld):
    goes_on = False


class _NoTrim(SubjectWorld):
    def trim(self, *_: Any) -> None:
        pass


class _TrimsAlways(SubjectWorld):
    def is_due(self, milliseconds: int) -> bool:  # noqa: ARG002 (it is always due)
        return True


class _TrimsEarly(SubjectWorld):
    def is_due(self, milliseconds: int) -> bool:
        return milliseconds >= TRIM_DAYS * DAY


class _TrimsLate(SubjectWorld):
    def is_due(self, milliseconds: int) -> bool:
        return milliseconds > TRIM_DAYS * DAY + 1


class _FreesEarly(SubjectWorld):
    def is_free(self, milliseconds: int) -> bool:
        return milliseconds >= MARK_DAYS * DAY


class _FreesLate(SubjectWorld):
    def is_free(self, milliseconds: int) -> bool:
        return milliseconds > MARK_DAYS * DAY + 1


class _TrimsFirst(SubjectWorld):
    """Trims before it rewrites."""

    def tidy(self, asked: Asked) -> None:
        pass

    def ask(self, asked: Asked) -> dict[str, Json]:
        if asked.daemon == "collect":
            super().tidy(asked)
        return super().ask(asked)


@dataclass
class _OwnClock(SubjectWorld):
    keeps_time: bool = False


HABITS: Final[Mapping[str, type[SubjectWorld]]] = {
    "posts are counted in memory, and again after a restart": _InMemory,
    "each instance counts its own posts": _EachInstance,
    "posts are counted by number": _ByNumber,
    "posts are counted by the beginning of a name": _ByName,
    "posts of everybody are counted": _Everybody,
    "a post that tells of trouble is not counted": _WithoutFailing,
    "posts are compared without case and spaces": _Carelessly,
    "one too many is posted": _NeverDone,
    "one too few is posted": _TooFew,
    "all are posted at once": _AllAtOnce,
    "another number is answered": _Off,
    "the summary a millisecond early": _EarlySummary,
    "the summary a millisecond late": _LateSummary,
    "something is posted before the summary": _PostsFirst,
    "a negative code is no error": _OnlyPositive,
    "what failed is left out of the count": _WithoutErrors,
    "the last one tells the code": _LastOnly,
    "the first one tells the code": _FirstOnly,
    "the number of errors is the code": _CountOfErrors,
    "the last one is left out": _LeavesOneOut,
    "the collector stops at a failure": _StopsAtFailure,
    "the collector does not trim": _NoTrim,
    "the collector trims whenever it can": _TrimsAlways,
    "trimmed a millisecond early": _TrimsEarly,
    "trimmed a millisecond late": _TrimsLate,
    "an id is free a millisecond early": _FreesEarly,
    "an id is free a millisecond late": _FreesLate,
    "trimmed before it is rewritten": _TrimsFirst,
    "what is written bears another time": _OwnClock,
}
"""What a daemon does wrong whatever is declared."""
