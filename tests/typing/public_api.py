"""The public API as a user's program uses it: checked by mypy --strict, never run.

The lines that must not pass carry ``type: ignore``; mypy warns of one that is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, assert_never, assert_type
from uuid import UUID, uuid4

from pyrsistent.typing import PVector

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    Advancer,
    AnyCommand,
    AnyEvent,
    AnyJournalError,
    ArgumentNotIdempotentError,
    Behavior,
    BehaviorError,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdEnd,
    CmdInit,
    CmdPostSummary,
    Command,
    CorruptedDataError,
    DBError,
    Deleted,
    Event,
    EventTypeError,
    FeedPositionGoneError,
    HistoryDeletedError,
    IdSource,
    InvalidCommandError,
    Journal,
    JournalBusyError,
    JournalEntryParentMismatchError,
    JournalError,
    JournalOpenError,
    NewEventsError,
    Operations,
    PingRegistry,
    PingRegistryCommitted,
    PingRegistryCompleted,
    PingRegistryStarted,
    Recorded,
    Retention,
    RetryNoVCError,
    ServerPinged,
    ServerPingsGathered,
    State,
    StateCode,
    StateConflictError,
    Status,
    Ulid,
    UlidSource,
    UninitializedError,
    UnknownHistoryError,
    VersionConflictError,
    Vid,
    WorkflowError,
    WorkflowIndexes,
    Workflows,
    is_package_error,
    open_journal,
)
from pingregistrywf.runtime.journal import Appended, Change


def run(url: str, workflow_id: UUID, registry_id: UUID) -> State:
    with open_journal(url) as journal:
        assert_type(journal, Journal)
        workflows = Workflows(journal)
        vid = workflows.init(workflow_id, CmdInit(registry_id=registry_id))
        assert_type(vid, Ulid)
        vid = workflows.append_ping(workflow_id, vid, 0, "server one is well")
        vid = workflows.append_ping(workflow_id, RETRY_NO_VC, 1, "server two is not")
        vid = workflows.post_summary(workflow_id, NO_VC, 1, "1 of 2 failed")
        vid = workflows.end(workflow_id, workflows.commit(workflow_id, vid))
        workflows.abort_expired(workflow_id, vid)
        assert_type(workflows.events(workflow_id), tuple[AnyEvent, ...])
        state = workflows.find_id(workflow_id)
        workflows.delete(workflow_id, state.vid)
        return state


def read(state: State) -> str:
    assert_type(state.id, UUID)
    assert_type(state.vid, Ulid)
    assert_type(state.vid.time, datetime)
    assert_type(state.registry_id, UUID)
    assert_type(state.pings, PVector[Status])
    assert_type(state.num_pings, int)
    assert_type(state.allowed, tuple[type[Command], ...])
    assert_type(state.with_vid(EPOCH), State)
    pings: Sequence[Status] = state.pings
    summary = state.summary_status
    assert_type(summary.code, int)
    assert_type(summary.message, str)
    assert_type(summary.event_id, Ulid)
    return ", ".join(ping.message for ping in pings)


def name(code: StateCode) -> str:
    match code:
        case StateCode.UNINITIALIZED | StateCode.INITIALIZED | StateCode.APPENDING:
            return "open"
        case StateCode.SUMMARIZED:
            return "summarized"
        case StateCode.COMPLETED | StateCode.TERMINATED:
            return "over"
        case _:
            assert_never(code)


def decide(state: State, command: AnyCommand) -> State:
    behavior = Behavior(UlidSource(clock=lambda: 0.0, randomness=bytes))
    advancer = behavior.new_advancer()
    assert_type(advancer, Advancer)
    for event in behavior.tell(state, command):
        state = advancer.advance(state, event)
    assert_type(behavior.new_state(uuid4()), State)
    told = behavior.explain(state, command)
    assert_type(told.events, tuple[AnyEvent, ...])
    assert_type(told.error, BehaviorError | None)
    assert_type(behavior.new_event(), type[Event])
    return state


def told(event: AnyEvent) -> str:
    assert_type(event.time, datetime)
    match event:
        case PingRegistryStarted(registry_id=registry_id):
            assert_type(registry_id, UUID)
            return str(registry_id)
        case ServerPinged(status_code=code, status_message=message):
            assert_type(code, int)
            return f"{code} {message}"
        case ServerPingsGathered() | PingRegistryCompleted() | PingRegistryCommitted():
            return event.marshal_proto().hex()
        case _:
            assert_never(event)


def asked(command: AnyCommand) -> str:
    match command:
        case CmdInit(registry_id=registry_id):
            return str(registry_id)
        case CmdAppendPing(message=message) | CmdPostSummary(message=message):
            return message
        case CmdCommit() | CmdAbortExpired() | CmdEnd() | CmdDelete():
            return ""
        case _:
            assert_never(command)


def judged(error: BaseException) -> str:
    if not is_package_error(error):
        return ""
    match error:
        case UninitializedError() | InvalidCommandError() | StateConflictError():
            return "asked too early"
        case ArgumentNotIdempotentError(arg=arg):
            return arg
        case NewEventsError() | EventTypeError():
            return str(error)
        case JournalError(err=err):
            return blamed(err)
        case _:
            assert_never(error)


def blamed(error: AnyJournalError) -> str:
    match error:
        case (
            VersionConflictError(stored=vid) | RetryNoVCError(last=VersionConflictError(stored=vid))
        ):
            return str(vid)
        case UnknownHistoryError(id=id) | HistoryDeletedError(id=id):
            return str(id)
        case DBError() | JournalBusyError() | CorruptedDataError() | JournalOpenError():
            return str(error)
        case FeedPositionGoneError(position=position):
            return position
        case JournalEntryParentMismatchError(actual=vid):
            return str(vid)
        case _:
            assert_never(error)


def decode(data: bytes) -> ServerPinged:
    assert_type(Event.unmarshal_proto(data), Event)
    return ServerPinged.unmarshal_proto(data)


def fails(attempt: Callable[[], Ulid]) -> str:
    try:
        attempt()
    except ArgumentNotIdempotentError as error:
        return error.arg
    except StateConflictError as error:
        return error.state or ""
    except VersionConflictError as conflict:
        return f"{conflict.stored} {conflict.expected}"
    except RetryNoVCError as lost:
        return f"{lost.last.stored}"
    except JournalError as error:
        assert_type(error.retry, Literal["safe", "after reading", "never"])
        assert_type(error.attempted, tuple[Ulid, ...])
        cause = error.err
        if isinstance(cause, VersionConflictError):
            return f"{cause.stored} {cause.expected}"
        return "nothing was written" if error.definite else "it may have been written"
    except WorkflowError as error:
        return str(is_package_error(error))
    return ""


def configure(ids: IdSource, vid: Vid) -> None:
    journal = open_journal("memory:", clock=lambda: 0.0, retention=Retention())
    workflows = Workflows(journal, ids=ids, sleep=lambda _: None, jitter=lambda: 0.0)
    workflows.commit(NIL, vid)
    indexes = WorkflowIndexes(journal)
    assert_type(workflows.happened(NIL, (EPOCH,)), bool)
    assert_type(indexes.begin_ping_registry(NIL, NO_VC, NIL, EPOCH), Ulid)
    with journal.subscribe(NIL) as subscription:
        assert_type(subscription.wait(0.1), bool)
        assert_type(subscription.histories, frozenset[UUID] | None)


def by_the_feed(journal: Journal, stored: str | None) -> None:
    with journal.feed(stored) as feed:
        assert_type(feed.read(limit=10), Sequence[Change])
        assert_type(feed.position, str | None)
        for change in feed:
            match change:
                case Appended(history, _, entry, chart):
                    assert_type(history, UUID)
                    assert_type(Event.unmarshal_proto(entry.data).id, Ulid)
                    assert_type(chart.name, str)
                case Deleted(vid=vid):
                    assert_type(vid, Ulid)
                case _:
                    assert_never(change)


def by_the_feed_of_a_chart(workflows: Workflows, stored: str | None) -> None:
    with workflows.feed(stored) as feed:
        assert_type(feed.position, str | None)
        assert_type(feed.read(limit=10), tuple[Recorded[AnyEvent] | Deleted, ...])
        for change in feed:
            match change:
                case Recorded(history, position, event, restart):
                    assert_type(history, UUID)
                    assert_type(position, str)
                    assert_type(event, AnyEvent)
                    assert_type(restart, bool)
                case Deleted(vid=vid):
                    assert_type(vid, Ulid)
                case _:
                    assert_never(change)


def by_name(journal: Journal, workflow_id: UUID) -> None:
    registry = PingRegistry(journal, "reg")
    assert_type(registry.id, UUID)
    assert_type(registry.begin(workflow_id).index, Ulid)
    vid = registry.ping(workflow_id, 0, "well")
    assert_type(registry.gather(workflow_id, 0, "all well", vid=vid), Ulid)
    assert_type(registry.commit(workflow_id).workflow, Ulid)
    assert_type(registry.get(workflow_id, wait=1.0).state, State)
    assert_type([each.workflow_id for each in registry.list()], list[UUID])
    assert_type(registry.snapshot(), bool)
    assert_type([each.error for each in registry.collect()], list[WorkflowError | None])
    assert_type(registry.workflows.explain(workflow_id, CmdCommit()).reason, str)
    assert_type(registry.operations, Operations)
    assert_type(Operations(journal).facade(WorkflowIndexes), WorkflowIndexes)
    assert_type(registry.workflows.tell(workflow_id, vid, CmdCommit()), Ulid)


def wrong(workflows: Workflows, state: State, workflow_id: UUID, vid: Ulid) -> None:
    workflows.append_ping(workflow_id, 0, "no vid")  # type: ignore[call-arg]
    workflows.append_ping(workflow_id, vid, "0", "code is text")  # type: ignore[arg-type]
    workflows.commit(str(workflow_id), vid)  # type: ignore[arg-type]
    workflows.commit(workflow_id, None)  # type: ignore[arg-type]
    workflows.commit(workflow_id, str(vid))  # type: ignore[arg-type]
    workflows.init(workflow_id, CmdCommit())  # type: ignore[arg-type]
    workflows.reopen(workflow_id, vid)  # type: ignore[attr-defined]
    CmdInit()  # type: ignore[call-arg]
    CmdInit(registry_id="demo")  # type: ignore[arg-type]
    CmdAppendPing(code=0, message="", colour="green")  # type: ignore[call-arg]
    state.vid = EPOCH  # type: ignore[misc]
    state.pings[0] = Status()  # type: ignore[index]
    vid < 5  # type: ignore[operator]  # noqa: B015
    open_journal(5)  # type: ignore[arg-type]
