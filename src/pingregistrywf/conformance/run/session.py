"""A session: one adapter, over all its restarts, and the cases that are executed on it.

Cases run side by side as far as the adapter claims ``concurrent``; those that collect garbage, set
the clock or kill the adapter run alone.  When the adapter breaks the protocol, the cases under way
are executed again one by one, so that a bad answer fails its own case and no other.  A second
answer fails the case that asked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, islice
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID

from pingregistrywf.conformance.run.capabilities import CRASH, meant
from pingregistrywf.conformance.run.child import ProtocolError
from pingregistrywf.conformance.run.crosscheck import CrossCheck
from pingregistrywf.conformance.run.execute import Batch, Execution, execute
from pingregistrywf.conformance.run.limits import Limits, LimitsError
from pingregistrywf.conformance.run.profile import Stopwatch
from pingregistrywf.conformance.run.result import CaseResult, Hello, Status
from pingregistrywf.conformance.run.transcript import BROKEN, DIED
from pingregistrywf.conformance.run.transport import (
    SHOWN,
    AdapterEndedError,
    AdapterHangsError,
    Transport,
)
from pingregistrywf.conformance.suite import VERSION, Suite
from pingregistrywf.conformance.suite.case import DAEMON, Case

Json: TypeAlias = Any

PROTOCOL: Final = 1
KINDS: Final = ("ok", "error", "unsupported")
"""What a request is answered by, one of them."""
SIDE_BY_SIDE: Final = 32
"""So many cases are under way at once on an adapter that claims ``concurrent``."""
GIVE_UP_EARLY: Final = 10
"""The run ends after so many breaks if no case was ever executed to its end."""
GIVE_UP: Final = 2_000
"""The run ends after so many breaks in a row: each costs a start of the adapter."""
HANGS: Final = 3
"""After so many hangs the run ends."""
REMEMBERED: Final = 2_000
"""So many requests are remembered: a second answer to one of them fails the case that asked."""
FORMER_HASHES: Final[Mapping[str, str]] = {
    "d89f7e4627962b368029125f13f2b513ffa5b7f13af475a954caa10a3b201787": (
        "1ab3ec3a32bf680d6b510fc1a610266dd7ba8900b8f35786d258d05bd96739b5"
    ),
    "43606a1e3cce8b642816e7f28aa1696e04baf631d053dcbeb2655b9d35c35d5e": (
        "e2dbe169c8435b18eeb5ea012a09b141ae20698206765a657818292f77c5a056"
    ),
}
"""The hash of a chart by the hash that releases before 0.2 gave for the same chart.

``chart_sha256`` has hashed the chart's meaning since 0.2.  Adapters that still give the hash of its
document are accepted until the end of 0.2.x; remove this mapping in 0.3.
"""


class InfrastructureError(Exception):
    """The run says nothing of the implementation; the text says why and what to do."""


class AlwaysEndsError(InfrastructureError):
    """The adapter ends whatever it is asked."""


class BrokenOffError(Exception):
    """Case after case broke the protocol: the rest is not worth the time."""


class _SecondAnswerError(ProtocolError):
    """A request was answered again, after its case had ended."""

    def __init__(self, reply: Mapping[str, Json], case: Case) -> None:
        super().__init__(f"a request is answered a second time: {shown(reply)}")
        self.case = case


@dataclass(slots=True)
class _UnderWay:
    case: Case
    execution: Execution
    past: int
    """The latest time, in milliseconds, that daemons were given before it on the same adapter."""
    waiting: list[int] = field(default_factory=list)
    replies: dict[int, Json] = field(default_factory=dict)


class Session:
    """Executes cases of a suite on one adapter, which it starts.

    Args:
        suite: its charts are those that the cases are about; the adapter must be for its chart.
        transport: leads to the adapter.
        random: makes ids up.
        stopwatch: takes the time of each answer, if it is given.
    """

    def __init__(
        self,
        suite: Suite,
        transport: Transport,
        random: Random,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self._transport = transport
        self._stopwatch = stopwatch
        self._crosscheck = CrossCheck(suite.model)
        self._chart = suite.chart
        self._random = random
        self._numbers = count(1)
        self._asked: dict[int, Case] = {}
        self._in_a_row = 0
        self._hangs = 0
        self._completed = False
        self._latest = 0
        """The latest time, in milliseconds, that the adapter was given as a daemon's."""
        self._limits: Limits | None = None
        self._written_before = ""
        """What the adapter wrote to its log between the case before and this one."""

    def hello(self, *, store: bool = False) -> Hello:
        """Start the adapter and greet it; with a store, if it may have to come back from a crash.

        Raises:
            CannotStartError: there is no adapter.
            InfrastructureError: it does not speak the protocol, or is for another chart.
        """
        if self._transport.running and self._transport.stored != store:
            self._leave()
        if not self._transport.running:
            self._transport.start(store=store)
            self._latest = 0
        self._asked.clear()
        chart = {"chart": self._chart.name, "chart_sha256": self._chart.sha256}
        try:
            reply = self._ask({"op": "hello", "protocol": PROTOCOL, "suite": VERSION, **chart})
            return self._greeted(reply)
        except ProtocolError as error:
            self._transport.stop()
            log = self._transport.log()
            raise InfrastructureError(
                f"hello is not answered as it must be: {error}{_end_of(log)}"
            ) from None
        except InfrastructureError:
            self._transport.stop()
            raise

    def execute(self, cases: Iterable[Case], *, side_by_side: int = 1) -> Iterator[CaseResult]:
        """Execute cases, so many of them side by side; their results come as they end.

        Raises:
            InfrastructureError: the adapter ends in every case, or hangs again and again.
            BrokenOffError: it breaks the protocol in case after case; the results so far hold.
        """
        alone: list[Case] = []
        again: list[Case] = []

        def ordinary() -> Iterator[Case]:
            for case in cases:
                if case.alone:
                    alone.append(case)
                else:
                    yield case

        yield from self._execute(ordinary(), side_by_side, again)
        while again or alone:
            last: list[Case] = []
            yield from self._execute(iter([*again, *alone]), 1, last)
            again, alone = last, []

    def execute_alone(self, case: Case) -> CaseResult:
        """Execute one case, and see that nothing more is answered to it.

        Raises:
            InfrastructureError: the adapter cannot be started again.
        """
        result = next(iter(self.execute([case])))
        if result.status is not Status.PASSED or not self._transport.running:
            return result
        try:
            self._ask(self._fence())
        except ProtocolError as error:
            log = self._transport.log()
            self._transport.stop()
            return replace(result, status=Status.FAILED, why=str(error), log=log)
        return result

    def bye(self) -> None:
        """Say goodbye, and wait for the adapter to end.

        Raises:
            ProtocolError: it does not end as the protocol has it.
        """
        if self._transport.running:
            try:
                reply = self._ask({"op": "bye"})
            except ProtocolError as error:
                raise ProtocolError(f"bye is not answered as it must be: {error}") from None
            if reply.get("bye") != {}:
                raise ProtocolError(f"bye is answered by {shown(reply)}")
            self._transport.bye()

    def _leave(self) -> None:
        """End the adapter, so that it can be started in another way."""
        try:
            self.bye()
        except ProtocolError:
            self._transport.stop()

    def _get_ready(self, case: Case) -> None:
        """Have an adapter that runs as a case needs it: with a store only to come back to."""
        store = CRASH in case.needs
        if not self._transport.running or self._transport.stored != store:
            self.hello(store=store)

    def ask(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Ask one thing outside of any case; the adapter is started if it is not running.

        Raises:
            ProtocolError: it is not answered; the adapter is ended, because an answer that comes
                late would fail the next case.
        """
        if not self._transport.running:
            self.hello()
        try:
            return self._ask(request)
        except ProtocolError:
            self._transport.stop()
            raise

    def new_id(self) -> str:
        """Make up the id of a history."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def close(self) -> None:
        """End the adapter."""
        self._transport.close()

    # --- Inside ---------------------------------------------------------------------------------

    def _greeted(self, reply: Mapping[str, Json]) -> Hello:
        hello = reply.get("hello")
        if not isinstance(hello, dict):
            raise InfrastructureError(
                f"hello is answered by {shown(reply)}, but it must be answered by an object hello; "
                "see the adapter protocol"
            )
        if "protocol" not in hello:
            raise InfrastructureError(f'hello has no protocol: add "protocol": {PROTOCOL} to it')
        spoken = hello["protocol"]
        if type(spoken) is not int or spoken != PROTOCOL:
            raise InfrastructureError(
                f"the adapter speaks protocol {_in_json(spoken)}, this suite {PROTOCOL}: "
                "use the versions that belong together"
            )
        given = hello.get("chart_sha256")
        if given is not None and self._chart.sha256 not in (given, FORMER_HASHES.get(str(given))):
            raise InfrastructureError(
                f"the adapter is for the chart of hash {given!s:.12}…, the suite for "
                f"{self._chart.sha256:.12}…: conform against the chart that you have, "
                "or implement this one and give its hash, the field sha256 inside chart.json"
            )
        claimed = hello.get("capabilities")
        if not isinstance(claimed, list) or not all(isinstance(each, str) for each in claimed):
            raise InfrastructureError("hello must have capabilities, a list of names")
        for name in claimed:
            if capability := meant(name):
                raise InfrastructureError(
                    f"hello claims {name!r}, which is no capability of this suite:"
                    f" write {capability!r}"
                )
        try:
            self._limits = Limits.read(hello["limits"]) if "limits" in hello else None
        except LimitsError as error:
            raise InfrastructureError(str(error)) from None
        return Hello(
            implementation=str(hello.get("implementation") or "an adapter without a name"),
            version=str(hello.get("version") or ""),
            language=str(hello.get("language") or ""),
            capabilities=frozenset(claimed),
            limits=self._limits,
        )

    def _narrowed(self, case: Case) -> Case:
        """A case as far as the adapter can be asked, and can tell."""
        return self._limits.narrowed(case) if self._limits else case

    def _execution(self, case: Case) -> Execution:
        return execute(self._narrowed(case), self._crosscheck, self._random)

    def _execute(
        self, cases: Iterator[Case], side_by_side: int, again: list[Case]
    ) -> Iterator[CaseResult]:
        under_way: dict[int, _UnderWay] = {}
        going: dict[str, _UnderWay] = {}
        while True:
            for case in islice(cases, side_by_side - len(going)):
                self._get_ready(case)
                if side_by_side == 1:
                    # What was written before this case is none of its log.
                    self._written_before = self._transport.log()
                each = _UnderWay(case, self._execution(case), self._latest)
                going[case.id] = each
                self._send(each, next(each.execution), under_way)
            if not going:
                return
            try:
                reply = self._transport.receive()
                each = self._whose(reply, under_way)
            except ProtocolError as error:
                broken = list(going.values())
                under_way.clear()
                batch = yield from self._break_off(error, broken, again)
                if batch is None:
                    going.clear()
                else:
                    self._get_ready(broken[0].case)
                    self._send(broken[0], batch, under_way)
                continue
            # Nothing but what is known: a key of the adapter's own must not look like ours.
            each.replies[reply["id"]] = {kind: reply[kind] for kind in KINDS if kind in reply}
            if len(each.replies) < len(each.waiting):
                continue
            result = self._go_on(each, under_way)
            if result is not None:
                del going[each.case.id]
                yield result

    def _go_on(self, each: _UnderWay, under_way: dict[int, _UnderWay]) -> CaseResult | None:
        replies = [each.replies.pop(number) for number in each.waiting]
        try:
            batch = each.execution.send(replies)
        except StopIteration as end:
            self._completed = True
            self._in_a_row = 0
            result: CaseResult = end.value
            return replace(result, log=self._transport.log()) if result.exchanges else result
        self._send(each, batch, under_way)
        return None

    def _send(
        self, each: _UnderWay, batch: Iterable[Mapping[str, Json]], under_way: dict[int, _UnderWay]
    ) -> None:
        batch = list(batch)
        if each.past and any(_time_of(request) < each.past for request in batch):
            batch = self._begun_again(each)
        each.waiting = []
        for request in batch:
            number = next(self._numbers)
            each.waiting.append(number)
            under_way[number] = each
            self._asked[number] = each.case
            self._asked.pop(number - REMEMBERED, None)
            if self._stopwatch:
                self._stopwatch.sent(number, request)
            if request.get("op") == DAEMON:
                self._latest = max(self._latest, request["now"])
            self._transport.send({"id": number, **request})

    def _begun_again(self, each: _UnderWay) -> Batch:
        """Begin a case again on an adapter that was started again; return its first requests.

        Time never goes back for an adapter.  One whose clock stays where a daemon's request set
        it need not be started again, because what it writes then is not older.
        """
        self._leave()
        self._get_ready(each.case)
        each.past, each.execution = self._latest, self._execution(each.case)
        return next(each.execution)

    def _whose(self, reply: Mapping[str, Json], under_way: dict[int, _UnderWay]) -> _UnderWay:
        number = reply.get("id")
        each = under_way.pop(number, None) if type(number) is int else None
        if each is not None and self._stopwatch and type(number) is int:
            self._stopwatch.answered(number)
        if each is None and type(number) is int and number in self._asked:
            raise _SecondAnswerError(reply, self._asked[number])
        if each is None:
            raise ProtocolError(
                f"an answer bears an id that was not asked: {shown(reply)}{_as_text(number)}"
            )
        kinds = [kind for kind in KINDS if kind in reply]
        if len(kinds) != 1 or not isinstance(reply[kinds[0]], dict):
            raise ProtocolError(
                f"an answer has not just one object ok, error or unsupported: {shown(reply)}"
            )
        return each

    def _break_off(
        self, error: ProtocolError, going: list[_UnderWay], again: list[Case]
    ) -> Generator[CaseResult, None, Batch | None]:
        """Judge the cases under way; what to send next, if one goes on after its death."""
        log = self._transport.log()
        self._transport.stop()
        log += self._transport.log()
        if isinstance(error, _SecondAnswerError) and all(
            each.case is not error.case for each in going
        ):
            again += [each.case for each in going]
            yield self._broken_by(error, CaseResult(error.case, Status.FAILED), log)
        elif len(going) > 1:
            again += [each.case for each in going]
            return None
        else:
            (each,) = going
            ended = isinstance(error, AdapterEndedError)
            instead = {DIED if ended else BROKEN: str(error)}
            try:
                batch = each.execution.send([instead] * len(each.waiting))
            except StopIteration as end:
                yield self._broken_by(error, end.value, log)
            else:
                return batch  # it was meant to die there
        self._give_up(error, log)
        return None

    def _broken_by(self, error: ProtocolError, result: CaseResult, log: str) -> CaseResult:
        hangs = isinstance(error, AdapterHangsError)
        self._hangs += hangs
        self._in_a_row += 1
        status = Status.HANGS if hangs else Status.FAILED
        return replace(result, status=status, why=result.why or str(error), log=log)

    def _give_up(self, error: ProtocolError, log: str) -> None:
        if self._hangs >= HANGS:
            raise InfrastructureError(f"the adapter has hung {HANGS} times: {error}; see --timeout")
        if self._in_a_row >= (GIVE_UP if self._completed else GIVE_UP_EARLY):
            ended = isinstance(error, AdapterEndedError)
            if ended and not self._completed and not self._answers_twice():
                end = _end_of(self._written_before + log)
                raise AlwaysEndsError(f"the adapter ends whatever it is asked: {error}{end}")
            raise BrokenOffError(
                f"the last {self._in_a_row} cases each broke the protocol: {error}"
            )

    def _ask(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        number = next(self._numbers)
        self._transport.send({"id": number, **request})
        reply = self._transport.receive()
        answered = reply.get("id")
        if type(answered) is int and answered in self._asked:
            raise _SecondAnswerError(reply, self._asked[answered])
        if type(answered) is not int or answered != number:
            raise ProtocolError(
                f"an answer bears another id than was asked: {json.dumps(answered)}, not {number}, "
                f"in {shown(reply)}; the id is a number, and is answered as it was sent"
            )
        return reply

    def _answers_twice(self) -> bool:
        """Whether the adapter lives on after a request that concerns no case."""
        try:
            self.ask(self._fence())
            self.ask(self._fence())
        except (ProtocolError, InfrastructureError):
            return False
        finally:
            self._transport.stop()
        return True

    def _fence(self) -> Mapping[str, Json]:
        """A request that concerns no case."""
        kind = "index" if self._chart.key else "workflow"
        return {"op": "find", "chart": self._chart.name, kind: self.new_id()}


def _time_of(request: Mapping[str, Json]) -> float:
    """The time that a request gives a daemon, in milliseconds; infinity if it gives none."""
    return request["now"] if request.get("op") == DAEMON else math.inf


def shown(reply: Mapping[str, Json]) -> str:
    """A reply in a line, without its id: numbers may differ from run to run."""
    return _in_json({key: value for key, value in reply.items() if key != "id"})[:SHOWN]


def _in_json(value: Json) -> str:
    """A value as the adapter's author reads and writes it, whatever the language."""
    return json.dumps(value, separators=(",", ":"))


def _as_text(id: Json) -> str:
    """A remark on an id that is no number; an id that is one may differ from run to run."""
    if type(id) is int:
        return ""
    return f"; its id is {json.dumps(id):.{SHOWN}}, but ids are numbers, answered as they were sent"


def _end_of(log: str) -> str:
    lines = log.strip().splitlines()
    return f"; its log ends: {lines[-1]:.{SHOWN}}" if lines else ""
