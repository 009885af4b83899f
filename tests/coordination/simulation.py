"""A registry's whole system in one process, step by step, on a clock of its own.

Admin, servers, gatherers and collector run the product's own code, each in a thread, but one at a
time: each hands over before every declared step, after the last of an operation, and where it would
wait.  A schedule says who goes on, who is killed and how time passes, so that the same schedule
gives the same run.  An audit, which reads the journal beside them, checks after every write what
must hold at any time.
"""

from __future__ import annotations

import logging
import math
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from pingregistrywf import (
    HistoryDeletedError,
    Journal,
    JournalError,
    StateCode,
    StateConflictError,
    UlidSource,
    UninitializedError,
    UnknownWorkflowError,
    VersionConflictError,
    WorkflowError,
    Workflows,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf._generated.ping_registry_index import Behavior as IndexBehavior
from pingregistrywf._generated.ping_registry_index import StateCode as ListedCode
from pingregistrywf._generated.ping_registry_index import WorkflowIndexes
from pingregistrywf._generated.ping_registry_operations import Operations
from pingregistrywf.coordination.daemon import Gatherer, Server, summary
from pingregistrywf.coordination.registry import PingRegistry
from pingregistrywf.coordination.registry_ids import RegistryIds
from pingregistrywf.coordination.waiting import Stop
from pingregistrywf.runtime.declaration import Declaration
from pingregistrywf.runtime.ids import Ulid
from pingregistrywf.runtime.journal import ChartIdentity, Entry, Head, Reading, Subscription
from pingregistrywf.runtime.operations import Checkpoints, Operation, Ran

START: Final = 1_700_000_000.0
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
REGISTRY: Final = RegistryIds("reg")
WORKFLOWS: Final = (UUID(int=0x1001), UUID(int=0x1002))
PASSES: Final = (1.0, 2.0, HOUR, 1.1 * DAY, 5.1 * DAY, 31 * DAY)
"""How time may pass, beside from one thing due to the next."""
PINGS: Final = {"alpha": 2, "beta": 1, "gamma": 1, "one": 1, "two": 0}
"""How many pings each server and gatherer posts."""
SETTLED_BY: Final = 3_000
"""After so many moves, a system that has not come to rest never will."""


class Violation(AssertionError):  # noqa: N818 (it is one of a property)
    """Something that must hold does not; ``rule`` is its name."""

    def __init__(self, rule: str, what: object) -> None:
        self.rule = rule
        super().__init__(f"{rule}: {what}")


class Killed(BaseException):
    """What the code of a killed participant sees; nothing of the product catches it."""


# --- Participants --------------------------------------------------------------------------------


class Role:
    """A participant: a program in a thread that runs only while it is asked to go on.

    Its ``gap`` is the operation that it is in, and the step that it is after; ``writes_left`` is
    how many writes the step under way may still do.
    """

    def __init__(self, name: str, program: Callable[[Role], None]) -> None:
        self.name = name
        self._program = program
        self._forget()

    def ready(self, now: float) -> bool:
        """Whether it would go on by itself."""
        return self.due <= now or self._woken()

    def go_on(self) -> None:
        """Run it to the point where it hands over again."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            self._thread.start()
        else:
            self._go.release()
        self._back.acquire()
        if self._error is not None:
            error = self._error
            self._thread.join()
            self._forget()
            raise error

    def kill(self) -> None:
        """End it where it is; going on again, it starts anew."""
        if self._thread is not None:
            self._killed = True
            self._go.release()
            self._thread.join()
        self._forget()

    def pause(self, due: float = -math.inf, woken: Callable[[], bool] = lambda: False) -> None:
        """In the role's thread: hand over, until asked to go on."""
        self.due, self._woken = due, woken
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def before(self, operation: Operation, number: int) -> None:
        self.gap = (operation.name, number - 1)
        self.pause()
        self.gap, self.writes_left = None, 1

    def after(self, operation: Operation, number: int) -> None:
        self.writes_left = 0
        if number == len(operation.steps):
            self.gap = (operation.name, number)
            self.pause()
            self.gap = None

    def refused(self) -> None:
        """No step is under way, also if the last one was refused."""
        self.writes_left = 0

    def _run(self) -> None:
        try:
            self._program(self)
        except Killed:
            return
        except BaseException as error:
            self._error = error
        self._back.release()

    def _forget(self) -> None:
        self.due = -math.inf
        self.gap: tuple[str, int] | None = None
        self.writes_left = 0
        self._thread: threading.Thread | None = None
        self._killed = False
        self._error: BaseException | None = None
        self._woken: Callable[[], bool] = lambda: False
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()


class SimulatedSubscription:
    """Waits by handing over."""

    def __init__(self, role: Role, journal: Journal, subscription: Subscription) -> None:
        self._role = role
        self._clock = journal.clock
        self._subscription: Any = subscription

    @property
    def closed(self) -> bool:
        return bool(self._subscription.closed)

    def wait(self, timeout: float | None = None) -> bool:
        subscription = self._subscription
        due = math.inf if timeout is None else self._clock() + timeout
        self._role.pause(due, lambda: subscription.changed or subscription.closed)
        return bool(subscription.wait(0))

    def close(self) -> None:
        self._subscription.close()

    def __enter__(self) -> SimulatedSubscription:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Wrapped:
    """A journal that does as another does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


class Counted(Wrapped):
    """The journal, with what is read from it counted."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.entries = 0

    def read(self, history: UUID, after: Head | None = None, *, whole: bool = False) -> Reading:
        reading: Reading = self._journal.read(history, after, whole=whole)
        self.entries += len(reading.entries)
        return reading


class RolesJournal(Wrapped):
    """The journal as one participant uses it: it writes in declared steps only, once in each."""

    def __init__(self, journal: Journal, role: Role) -> None:
        super().__init__(journal)
        self._role = role

    def subscribe(self, history: UUID | None = None) -> SimulatedSubscription:
        return SimulatedSubscription(self._role, self._journal, self._journal.subscribe(history))

    def commit(self, history: UUID, after: Head, entries: Sequence[Entry], **options: Any) -> Head:
        head: Head = self._journal.commit(history, after, entries, **options)
        self._written()
        return head

    def delete(self, history: UUID, after: Head) -> None:
        self._journal.delete(history, after)
        self._written()

    def _written(self) -> None:
        if not self._role.writes_left:
            raise Violation("every write is the one of a declared step", self._role.name)
        self._role.writes_left -= 1


class Record(Wrapped):
    """The journal, and beside it what it accepted: the truth that everything is compared with."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.writes = 0
        self.accepted: dict[Ulid, UUID] = {}
        self.chains: dict[UUID, list[Entry]] = {}
        self.entries: list[tuple[str, UUID, Entry]] = []
        self.deleted: set[Ulid] = set()

    def commit(
        self,
        history: UUID,
        after: Head,
        entries: Sequence[Entry],
        *,
        chart: ChartIdentity,
        restart: bool = False,
    ) -> Head:
        head = self._journal.commit(history, after, entries, chart=chart, restart=restart)
        self.writes += 1
        self.accepted.update((entry.id, history) for entry in entries)
        self.chains.setdefault(history, []).extend(entries)
        self.entries += ((chart.name, history, entry) for entry in entries)
        return head

    def delete(self, history: UUID, after: Head) -> None:
        self._journal.delete(history, after)
        self.writes += 1
        self.chains.pop(history, None)
        self.deleted.add(after.vid)


# --- The product, and faults that may be put in --------------------------------------------------


def index_that_saves(events: int, base: int, per_entry: int) -> Declaration:
    """The index with other thresholds of snapshots."""
    ((snapshot, rewrite),) = INDEX.rewrites.items()
    small = replace(rewrite, saving_events=events, saving_base=base, saving_per_entry=per_entry)
    return replace(
        INDEX, table={**INDEX.table, snapshot: dict.fromkeys(INDEX.table[snapshot], small)}
    )


class SmallBehavior(IndexBehavior):
    """The index with thresholds of snapshots that a few events reach."""

    declaration = index_that_saves(events=3, base=1, per_entry=1)


class SmallIndexes(WorkflowIndexes):
    behavior = SmallBehavior


@dataclass(frozen=True)
class Build:
    """The product as it is, unless a fault is put in."""

    operations: Mapping[str, Operation] = field(default_factory=dict)
    workflows: type[Workflows] = Workflows
    journal: Callable[[Journal], Any] = lambda journal: journal
    server: type[Server] = Server


SOUND: Final = Build()


class TellingOperations(Operations):
    """Tells what was acknowledged."""

    build = SOUND
    acknowledged: Callable[[Ran], None] = staticmethod(lambda ran: None)
    ended: Callable[[], None] = staticmethod(lambda: None)

    def run(
        self,
        operation: Operation,
        arguments: Mapping[str, Any],
        vid: Ulid | None = None,
        *,
        read: Checkpoints | None = None,
    ) -> Ran:
        built = self.build.operations.get(operation.name, operation)
        try:
            ran = super().run(built, arguments, vid, read=read)
        finally:
            self.ended()
        self.acknowledged(ran)
        return ran


class SimulatedRegistry(PingRegistry):
    """A registry on the simulated system's journal."""

    def __init__(
        self,
        journal: Any,
        ids: UlidSource,
        build: Build = SOUND,
        role: Role | None = None,
        acknowledged: Callable[[Ran], None] = lambda ran: None,
    ) -> None:
        own = build.journal(RolesJournal(journal, role) if role else journal)
        facades = [
            kind(own, ids=ids, sleep=lambda seconds: None)
            for kind in (build.workflows, SmallIndexes)
        ]
        operations = TellingOperations.on(facades, observers=[role] if role else [])
        operations.build = build
        operations.acknowledged = acknowledged  # type: ignore[method-assign]
        if role is not None:
            operations.ended = role.refused  # type: ignore[method-assign]
        self._set_up(own, REGISTRY, operations)


# --- The system ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Go:
    """The first participant from that one on that can, goes on."""

    role: int


@dataclass(frozen=True)
class Kill:
    """The first from that one on that is in an operation is killed, or else that one itself.

    It starts again when its turn comes.
    """

    role: int


@dataclass(frozen=True)
class Pass:
    """Time passes."""

    seconds: float


@dataclass(frozen=True)
class Ask:
    """The admin is asked to run a command."""

    command: str
    workflow: int = 0


Move = Go | Kill | Pass | Ask


class System:
    """A registry with its admin, three servers, two gatherers and a collector.

    ``journal`` is the URL of an empty one.
    """

    def __init__(self, build: Build = SOUND, journal: str = "memory:") -> None:
        self.now = START
        drawn = random.Random(0)
        self.ids = UlidSource(lambda: self.now, drawn.randbytes)
        self.record = Record(open_journal(journal, clock=lambda: self.now))
        self.audit = Audit(self.record, self.ids)
        self.asked: list[Ask] = []
        self.registries: dict[str, SimulatedRegistry] = {}
        self.failures: list[str] = []
        self.collected = 0
        self.reached: set[object] = set()
        self._build = build
        programs: dict[str, Callable[[Role], None]] = {"admin": self._admin}
        programs |= dict.fromkeys(("alpha", "beta", "gamma"), self._server)
        programs |= dict.fromkeys(("one", "two"), self._gatherer)
        programs |= {"collector": self._collector}
        self.roles = [Role(name, program) for name, program in programs.items()]

    def __enter__(self) -> System:
        self._errors = _Errors(self.failures)
        logging.getLogger("pingregistrywf").addHandler(self._errors)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger("pingregistrywf").removeHandler(self._errors)
        for role in self.roles:
            role.kill()
        self.record.close()

    def make(self, move: Move) -> None:
        """Make one move, then check what must hold at any time."""
        writes = self.record.writes
        match move:
            case Go(number):
                self._go_on(number)
            case Kill(number):
                order = self._order(number)
                role = next((role for role in order if role.gap), order[0])
                self.reached.add(role.gap)
                role.kill()
                if role.name == "admin" and self.asked:
                    self.asked.pop(0)  # until it is asked again
            case Pass(seconds):
                self.now += seconds
            case Ask():
                self.asked.append(move)
        if self.failures:
            raise Violation("no daemon fails", self.failures)
        if self.record.writes != writes:
            self.audit.look()

    def settle(self, rested: Callable[[], bool], within: float) -> None:
        """Let everybody go on, fairly, until the system rests, within so many seconds."""
        end = self.now + within
        for number in range(SETTLED_BY):
            if rested():
                return
            self.make(Go(number % len(self.roles)))
            if self.now > end:
                break
        raise Violation("everything comes to an end", self.audit.describe())

    def finish(self, *, admin_returns: bool) -> None:
        """Let everybody run to the end, and check what must hold then."""
        self.roles[0].kill()
        self.asked.clear()
        if admin_returns:
            # Somebody asks again for all that was asked for, until it is done.
            self.asked += [
                Ask(command, number) for number in range(2) for command in ("begin", "commit")
            ]
            self.settle(lambda: not self.asked and self.audit.ended(), 30.0)
        else:
            for days in (1.1, 5.1):
                self.now += days * DAY
                runs = self.collected + 1
                self.settle(lambda runs=runs: self.collected > runs, DAY)  # type: ignore[misc]
                if not self.audit.over():
                    raise Violation("the collector heals the index", self.audit.describe())
            if self.audit.listed():
                raise Violation("the collector empties the index", self.audit.describe())
        self.audit.finish(self.registries)

    def _go_on(self, number: int) -> None:
        order = self._order(number)
        role = next((role for role in order if role.ready(self.now)), None)
        if role is None:
            role = min(order, key=lambda role: role.due)
            if role.due == math.inf:
                return
            self.now = max(self.now, role.due)
        role.go_on()

    def _order(self, first: int) -> list[Role]:
        return [*self.roles[first:], *self.roles[:first]]

    def _registry(self, role: Role) -> SimulatedRegistry:
        registry = SimulatedRegistry(
            self.record, self.ids, self._build, role, self.audit.acknowledge
        )
        self.registries[role.name] = registry
        return registry

    def _admin(self, role: Role) -> None:
        while True:
            if not self.asked:
                role.pause(math.inf, lambda: bool(self.asked))
            ask = self.asked[0]
            try:
                self._command(self._registry(role), ask)
            except WorkflowError as error:
                if not _expected(error):
                    raise Violation("the admin meets no unexpected error", repr(error)) from error
            self.asked.remove(ask)

    @staticmethod
    def _command(registry: SimulatedRegistry, ask: Ask) -> None:
        workflow = WORKFLOWS[ask.workflow]
        match ask.command:
            case "begin":
                registry.begin(workflow)
            case "commit":
                registry.get(workflow, wait=60)
                for again in (True, False):
                    try:
                        registry.commit(workflow)
                    except JournalError:
                        if not again:
                            raise

    def _server(self, role: Role) -> None:
        pings = PINGS[role.name]
        code = int(role.name == "gamma")
        self._build.server(self._registry(role), role.name, pings=pings, code=code).serve(Stop())

    def _gatherer(self, role: Role) -> None:
        pings = PINGS[role.name]
        # The deadline is when alpha's second ping is due: they race by themselves.
        Gatherer(self._registry(role), role.name, pings=pings, duration=1.0).serve(Stop())

    def _collector(self, role: Role) -> None:
        while True:
            collector = self._registry(role).collector()
            for action in collector.run():
                if action.error is not None and not _conflict(action.error):
                    raise Violation("the collector does not fail", repr(action))
                if action.detail.endswith(("written", "moved")):
                    self.reached.add(f"{action.name} {action.detail}")
                elif action.detail.endswith(", 1 id free"):
                    self.reached.add("ids free")
            self.collected += 1
            role.pause(self.now + 6 * HOUR)


class _Errors(logging.Handler):
    """Notes what daemons log as failed."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._failures = failures

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "pingregistrywf.collector":  # its errors are values, and judged there
            self._failures.append(f"{record.name}: {record.__dict__.get('fields')}")


def _conflict(error: WorkflowError) -> bool:
    return isinstance(error, JournalError) and isinstance(error.err, VersionConflictError)


def _expected(error: WorkflowError) -> bool:
    """Whether the admin may meet it: too early, too late, or at the same time as another."""
    deleted = isinstance(error, JournalError) and isinstance(error.err, HistoryDeletedError)
    early_or_late = StateConflictError | UninitializedError | UnknownWorkflowError
    return deleted or isinstance(error, early_or_late) or _conflict(error)


# --- What must hold ------------------------------------------------------------------------------


class Audit:
    """Reads beside the system, and compares with what the journal accepted."""

    def __init__(self, record: Record, ids: UlidSource) -> None:
        self._record = record
        self._ids = ids
        self._registry = SimulatedRegistry(record, ids)
        self._before: dict[UUID, Any] = {}

    def acknowledge(self, ran: Ran) -> None:
        """These events were acknowledged to whoever ran the operation."""
        for event in ran.events:
            if event.id not in self._record.accepted:
                raise Violation("no command is lost", event)

    def look(self) -> None:
        """What must hold at any time."""
        for workflow in WORKFLOWS:
            try:
                state = self._registry.workflows.engine.find(workflow)
                entry = self._index().entries.get(workflow)
            except JournalError as error:
                raise Violation("the chains are sound", error) from error
            self._check_state(state)
            self._check_entry(state, entry)

    def listed(self) -> Mapping[UUID, Any]:
        """What the index lists."""
        return self._index().entries

    def over(self) -> bool:
        """Whether no workflow is listed as active."""
        return not self._index().in_state(ListedCode.ACTIVE)

    def ended(self) -> bool:
        """Whether every workflow that is listed is over and confirmed, or deleted."""
        states = (self._registry.workflows.engine.find(workflow) for workflow in self.listed())
        codes = {state.state_code for state in states if state.vid}
        return self.over() and codes <= {StateCode.TERMINATED}

    def describe(self) -> str:
        """Where everything stands."""
        states = [self._registry.workflows.engine.find(workflow) for workflow in WORKFLOWS]
        return f"{states} {dict(self.listed())}"

    def finish(self, registries: Mapping[str, SimulatedRegistry]) -> None:
        """What must hold in the end."""
        self.look()
        for history, chain in self._record.chains.items():
            entries = self._record.read(history, whole=True).entries
            if not entries or list(entries) != chain[-len(entries) :]:
                raise Violation("the journal keeps what it accepted", history)
        fresh = SimulatedRegistry(self._record, self._ids)
        for name, registry in {"audit": self._registry, **registries}.items():
            for workflow in WORKFLOWS:
                states = [each.workflows.engine.find(workflow) for each in (registry, fresh)]
                if states[0] != states[1]:
                    raise Violation("replay gives the same states", (name, states))
            indexes = [each.indexes.find_id(REGISTRY.index_id) for each in (registry, fresh)]
            if indexes[0] != indexes[1]:
                raise Violation("replay gives the same states", (name, indexes))

    def _index(self) -> Any:
        return self._registry.indexes.find_id(REGISTRY.index_id)

    def _check_state(self, state: Any) -> None:
        before = self._before.get(state.id)
        self._before[state.id] = state
        messages = [ping.message for ping in state.pings]
        if len(messages) != len(set(messages)):
            raise Violation("no ping is posted twice", messages)
        posted = state.summary_status
        if posted.event_id and (posted.code, posted.message) != summary(state.pings):
            raise Violation("every acknowledged ping is counted", (posted, messages))
        if before is None or not before.vid or not state.vid:
            return
        chain = self._record.chains.get(state.id, [])
        if all(entry.id != before.vid for entry in chain):
            return  # it was deleted and begun again
        if before.summary_status.event_id and before.summary_status != posted:
            raise Violation("a summary never changes", (before, state))
        if tuple(state.pings)[: len(before.pings)] != tuple(before.pings):
            raise Violation("pings stay", (before, state))

    def _check_entry(self, state: Any, entry: Any) -> None:
        listed = entry.state_code if entry else ListedCode.ABSENT
        if state.state_code is StateCode.TERMINATED and listed is not ListedCode.COMPLETED:
            raise Violation("terminated is listed as completed", (state, entry))
        gone = not state.vid
        over = state.state_code in (StateCode.COMPLETED, StateCode.TERMINATED)
        if entry is None:
            if not gone and state.state_code is not StateCode.INITIALIZED:
                raise Violation("what takes part is listed", state)
            return
        if listed is ListedCode.COMPLETED and not (gone or over):
            raise Violation("listed as completed is completed", (state, entry))
        if listed is ListedCode.ACTIVE and gone:
            raise Violation("what is listed as active exists", (state, entry))
        if gone:
            return
        chain = [each.id for each in self._record.chains[state.id]]
        if entry.started_workflow_event_id != chain[0]:
            raise Violation("the index names the first event", (chain, entry))
        completed = chain[-2 if state.state_code is StateCode.TERMINATED else -1]
        if listed is ListedCode.COMPLETED and entry.completed_workflow_event_id != completed:
            raise Violation("the index names the completion", (chain, entry))


@dataclass(frozen=True)
class Run:
    """What came of a schedule: the events accepted, in order, and the gaps and deeds reached."""

    accepted: tuple[Ulid, ...]
    reached: frozenset[object]


def run(
    moves: Sequence[Move],
    build: Build = SOUND,
    *,
    admin_returns: bool = True,
    journal: str = "memory:",
) -> Run:
    """Run a schedule, from the first begin to the end."""
    with System(build, journal) as system:
        for move in (Ask("begin"), Ask("commit"), *moves):
            system.make(move)
        system.finish(admin_returns=admin_returns)
        return Run(tuple(system.record.accepted), frozenset(system.reached))
