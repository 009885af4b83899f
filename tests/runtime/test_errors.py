"""Errors carry their facts as fields, say them in words, pickle, and compare by value."""

from __future__ import annotations

import copy
import inspect
import pickle
from uuid import UUID

import pytest

import pingregistrywf
from pingregistrywf import (
    EPOCH,
    ArgumentNotIdempotentError,
    BehaviorError,
    ChartChangedError,
    CmdInit,
    CorruptedDataError,
    DBError,
    DiskFullError,
    EventTypeError,
    FeedPositionGoneError,
    HistoryDeletedError,
    HistoryExistsError,
    InvalidCommandError,
    JournalBusyError,
    JournalClosedError,
    JournalEntryParentMismatchError,
    JournalError,
    JournalLevelError,
    JournalOpenError,
    JournalUnusableError,
    LockTimeoutError,
    MalformedEventError,
    MalformedExportError,
    NewEventsError,
    PositionGoneError,
    RetryNoVCError,
    SmallStorageReductionError,
    StateConflictError,
    TooManyWorkflowsError,
    Ulid,
    UninitializedError,
    UnknownHistoryError,
    UnknownWorkflowError,
    UnsoundError,
    VersionConflictError,
    WorkflowError,
    Workflows,
    is_package_error,
    open_journal,
)
from pingregistrywf._generated import ping_registry_index
from pingregistrywf.runtime.errors import Fault
from pingregistrywf.runtime.journal import ChartIdentity

ID = UUID("11111111-2222-3333-4444-555555555555")
ONE = Ulid((1).to_bytes(16, "big"))
TWO = Ulid((2).to_bytes(16, "big"))
CONFLICT = VersionConflictError(ONE, TWO)
WRITTEN, READ = (ChartIdentity("parcel", f"{each}.0.0", str(each) * 64) for each in (1, 2))

FAULT = Fault("a flipped bit", ID, 2, ONE)
EXAMPLES = [
    (UninitializedError(ID), {"id": ID}, str(ID)),
    (UninitializedError(), {"id": None}, "uninitialized"),
    (InvalidCommandError("why"), {"reason": "why"}, "why"),
    (InvalidCommandError(), {"reason": "not a command of this workflow"}, "not a command"),
    (StateConflictError("Commit", "Appending"), {"what": "Commit", "state": "Appending"}, "Commit"),
    (StateConflictError(), {"what": None, "state": None}, "state conflict"),
    (ArgumentNotIdempotentError("RegistryId"), {"arg": "RegistryId"}, "RegistryId"),
    (NewEventsError(OverflowError("full")), {}, "full"),
    (JournalError(CONFLICT), {"err": CONFLICT}, str(ONE)),
    (EventTypeError(200), {"number": 200}, "200"),
    (EventTypeError(), {"number": None}, "not an event of this workflow"),
    (MalformedEventError("short"), {"reason": "short"}, "short"),
    (CONFLICT, {"stored": ONE, "expected": TWO}, str(TWO)),
    (UnknownHistoryError(ID), {"id": ID}, str(ID)),
    (HistoryDeletedError(ID), {"id": ID}, str(ID)),
    (HistoryExistsError(ID), {"id": ID}, str(ID)),
    (PositionGoneError(ID, ONE, "was trimmed"), {"id": ID, "after": ONE}, "was trimmed"),
    (MalformedExportError(3, "no history"), {"line": 3, "reason": "no history"}, "line 3"),
    (FeedPositionGoneError("x", "too late"), {"position": "x", "cause": "too late"}, "too late"),
    (UnsoundError((FAULT,)), {"faults": (FAULT,)}, "one fault"),
    (RetryNoVCError(CONFLICT), {"err": CONFLICT}, str(CONFLICT)),
    (DBError("writing", ValueError("disk")), {"op": "writing"}, "disk"),
    (DiskFullError("writing", ValueError("full")), {"op": "writing"}, "full"),
    (LockTimeoutError("waiting", TimeoutError("10 s")), {"op": "waiting"}, "10 s"),
    (JournalUnusableError("writing", PermissionError("only read")), {"op": "writing"}, "only read"),
    (JournalBusyError(9), {"waiting": 9}, "9 commands wait"),
    (JournalClosedError(), {"op": "use of a closed journal"}, "open it again"),
    (CorruptedDataError("reading", CONFLICT), {"op": "reading", "err": CONFLICT}, "reading"),
    (
        ChartChangedError(CorruptedDataError("reading", CONFLICT, ONE), WRITTEN, READ),
        {"op": "reading", "err": CONFLICT, "event": ONE, "written": WRITTEN, "read": READ},
        "written under chart parcel 1.0.0 (111111111111), and chart parcel 2.0.0 (222222222222)",
    ),
    (
        JournalEntryParentMismatchError(ONE, TWO, EPOCH),
        {"event_id": ONE, "actual": TWO, "expected": EPOCH},
        str(EPOCH),
    ),
    (
        JournalOpenError("x:", "no such kind", "use memory:"),
        {"url": "x:", "cause": "no such kind", "remedy": "use memory:"},
        "use memory:",
    ),
    (UnknownWorkflowError(ID), {"workflow_id": ID}, str(ID)),
    (SmallStorageReductionError(), {}, "storage"),
    (TooManyWorkflowsError(), {}, "snapshot"),
]

each_error = pytest.mark.parametrize(
    ("error", "fields", "words"), EXAMPLES, ids=[repr(error)[:50] for error, _, _ in EXAMPLES]
)


def test_every_error_of_the_package_is_among_the_examples() -> None:
    abstract = {WorkflowError, BehaviorError, JournalLevelError}
    errors = {
        each
        for name in pingregistrywf.__all__
        if inspect.isclass(each := getattr(pingregistrywf, name)) and issubclass(each, Exception)
    }
    bare = {type(error) for error, _, _ in EXAMPLES if not isinstance(error, JournalError)}
    assert errors - abstract == {*bare, JournalError}


BARE = [
    error
    for error, _, _ in EXAMPLES
    if isinstance(error, JournalLevelError) and not isinstance(error, JournalError)
]


@pytest.mark.parametrize("bare", BARE, ids=[type(error).__name__ for error in BARE])
def test_a_wrapped_error_is_caught_by_its_own_name(bare: JournalLevelError) -> None:
    with pytest.raises(type(bare)) as caught:
        raise JournalError(bare) from bare
    error = caught.value
    assert isinstance(error, JournalError)
    assert error.err is bare
    assert type(error).__name__ == "JournalError"
    assert str(error) == f"journal error: {bare}"
    assert repr(error) == f"JournalError({str(error)!r})"
    assert vars(error) == {**vars(bare), "err": bare}
    assert (error == bare, bare == error) == (False, False)
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
    assert error.retry == bare.retry


def test_what_wraps_no_error_of_a_journal_is_a_journal_error_alone() -> None:
    assert type(JournalError(ValueError("x"))) is JournalError
    assert type(JournalError(JournalError(CONFLICT))) is JournalError


def test_lost_attempts_are_no_version_conflict() -> None:
    lost = JournalError(RetryNoVCError(CONFLICT))
    assert isinstance(lost, RetryNoVCError)
    assert not isinstance(lost, VersionConflictError)
    assert lost.last == CONFLICT


@each_error
def test_its_facts_are_fields_and_in_words(
    error: WorkflowError, fields: dict[str, object], words: str
) -> None:
    assert isinstance(error, WorkflowError)
    for name, value in fields.items():
        assert getattr(error, name) == value
    assert words in str(error)
    assert "\n" not in str(error)
    assert error.definite


@each_error
def test_it_pickles_and_copies(error: WorkflowError, fields: dict[str, object], words: str) -> None:
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        for name, value in fields.items():
            assert getattr(copied, name) == value
        assert copied.definite == error.definite
        assert copied.args == error.args or not fields


def test_errors_compare_by_value() -> None:
    for index, (error, _, _) in enumerate(EXAMPLES):
        assert error == error
        for other_index, (other, _, _) in enumerate(EXAMPLES):
            assert (error == other) == (index == other_index)
    assert VersionConflictError(ONE, TWO) == CONFLICT
    assert hash(VersionConflictError(ONE, TWO)) == hash(CONFLICT)
    assert VersionConflictError(TWO, ONE) != CONFLICT
    assert JournalError(VersionConflictError(ONE, TWO)) == JournalError(CONFLICT)
    assert CONFLICT != "version conflict"


def test_whether_it_may_have_taken_effect() -> None:
    surely_not = DBError("writing", ValueError("disk"))
    who_knows = DBError("writing", ValueError("disk"), definite=False)
    assert surely_not.definite
    assert not who_knows.definite
    assert surely_not != who_knows
    assert not JournalError(who_knows).definite
    assert JournalError(surely_not).definite
    assert not pickle.loads(pickle.dumps(JournalError(who_knows))).definite


def test_an_inner_error_is_a_field_and_the_cause() -> None:
    with open_journal("memory:") as journal:
        workflows = Workflows(journal)
        workflows.init(ID, CmdInit(registry_id=ID))
        with pytest.raises(JournalError) as caught:
            workflows.end(ID, ONE)
    assert isinstance(caught.value.err, VersionConflictError)
    assert caught.value.__cause__ is caught.value.err
    assert caught.value.err.expected == ONE


PACKAGE_ERRORS = (
    UninitializedError,
    InvalidCommandError,
    StateConflictError,
    ArgumentNotIdempotentError,
    NewEventsError,
    JournalError,
    EventTypeError,
)


@each_error
def test_package_errors_are_told_from_all_else(
    error: WorkflowError, fields: dict[str, object], words: str
) -> None:
    assert is_package_error(error) == isinstance(error, PACKAGE_ERRORS)


@pytest.mark.parametrize("other", [None, ValueError("x"), KeyboardInterrupt(), WorkflowError("x")])
def test_what_is_no_package_error(other: BaseException | None) -> None:
    assert not is_package_error(other)


def test_the_index_has_errors_of_its_own() -> None:
    assert ping_registry_index.is_package_error(UnknownWorkflowError(ID))
    assert ping_registry_index.is_package_error(SmallStorageReductionError())
    assert ping_registry_index.is_package_error(TooManyWorkflowsError())
    assert ping_registry_index.is_package_error(StateConflictError())
    assert not ping_registry_index.is_package_error(CONFLICT)
    assert not is_package_error(UnknownWorkflowError(ID))


def test_what_a_chart_refuses_is_a_behavior_error() -> None:
    refusals = {type(error) for error, _, _ in EXAMPLES if isinstance(error, BehaviorError)}
    assert refusals == {
        StateConflictError,
        ArgumentNotIdempotentError,
        UnknownWorkflowError,
        SmallStorageReductionError,
        TooManyWorkflowsError,
    }


def test_journal_level_errors() -> None:
    levels = {
        type(error)
        for error, _, _ in EXAMPLES
        if isinstance(error, JournalLevelError) and not isinstance(error, JournalError)
    }
    assert levels == {
        VersionConflictError,
        UnknownHistoryError,
        HistoryDeletedError,
        HistoryExistsError,
        MalformedExportError,
        FeedPositionGoneError,
        UnsoundError,
        RetryNoVCError,
        DBError,
        DiskFullError,
        LockTimeoutError,
        JournalUnusableError,
        JournalBusyError,
        JournalClosedError,
        ChartChangedError,
        CorruptedDataError,
        JournalEntryParentMismatchError,
        JournalOpenError,
    }
