"""Given, when, then: what holds passes, and what does not says in full what came instead."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from pingregistrywf import (
    EPOCH,
    RETRY_NO_VC,
    ArgumentNotIdempotentError,
    CmdAbortExpired,
    CmdAppendPing,
    CmdCommit,
    CmdDelete,
    CmdInit,
    JournalError,
    PingRegistryCompleted,
    PingRegistryStarted,
    ServerPinged,
    ServerPingsGathered,
    StateCode,
    StateConflictError,
    Ulid,
    UlidSource,
    UnknownWorkflowError,
    VersionConflictError,
)
from pingregistrywf._generated import ping_registry_index as index
from pingregistrywf.testing import given

REGISTRY = UUID(int=7)
STARTED = PingRegistryStarted(registry_id=REGISTRY)
PINGED = ServerPinged(status_code=0, status_message="well")
PING = CmdAppendPing(code=0, message="well")
VID = UlidSource().next(EPOCH)


class TestWhatHolds:
    def test_events(self) -> None:
        given().when(CmdInit(registry_id=REGISTRY)).then(STARTED)
        given(STARTED, PINGED).when(PING).then(PINGED)

    def test_an_error(self) -> None:
        given(STARTED).when(CmdCommit()).then(StateConflictError)
        given(STARTED).when(CmdCommit()).then(StateConflictError("Commit", "Initialized"))
        begun_again = given(STARTED).when(CmdInit(registry_id=uuid4()))
        begun_again.then(ArgumentNotIdempotentError("RegistryId"))

    def test_an_error_of_the_journal_by_its_own_name(self) -> None:
        given(STARTED).when(PING, vid=VID).then(VersionConflictError)
        given(STARTED).when(PING, vid=VID).then(JournalError)
        given(STARTED).when(PING, vid=RETRY_NO_VC).then(PINGED)

    def test_nothing(self) -> None:
        over = given(STARTED, PingRegistryCompleted()).when(CmdAbortExpired())
        over.then_nothing()
        over.then_nothing(reason="The workflow is over already.")

    def test_a_delete(self) -> None:
        given(STARTED, PingRegistryCompleted()).when(CmdDelete()).then_deleted()
        given().when(CmdDelete()).then_nothing()

    def test_a_keyed_chart(self) -> None:
        workflow = uuid4()
        begun = index.PingRegistryStarted(workflow_id=workflow, workflow_event_id=VID)
        completed = index.PingRegistryCompleted(workflow_id=workflow, workflow_event_id=VID)
        commit = index.CmdCommitPingRegistry(workflow_id=workflow, workflow_event_id=VID)
        given(begun).when(commit).then(completed)
        given().when(commit).then(UnknownWorkflowError)

    def test_ids_that_are_given_are_compared(self) -> None:
        started = STARTED.model_copy(update={"id": VID})
        when = given(started).when(PING, vid=VID)
        when.then(PINGED.model_copy(update={"parent": VID}))
        with pytest.raises(AssertionError):
            when.then(PINGED.model_copy(update={"parent": UlidSource().next(VID)}))

    def test_what_came_can_be_looked_at(self) -> None:
        when = given(STARTED).when(PING)
        assert [each.status_message for each in when.events] == ["well"]  # type: ignore[attr-defined]
        assert when.state.state_code is StateCode.APPENDING
        assert when.error is None
        assert isinstance(when.state.vid, Ulid)


REFUSED = given(STARTED).when(CmdCommit())
PINGS = given(STARTED).when(PING)
NOOP = given(STARTED, PingRegistryCompleted()).when(CmdAbortExpired())
DELETED = given(STARTED, PingRegistryCompleted()).when(CmdDelete())


class TestWhatDoesNot:
    @pytest.mark.parametrize(
        ("claim", "came"),
        [
            pytest.param(lambda: PINGS.then(), "ServerPinged(", id="an event too many"),
            pytest.param(lambda: PINGS.then(PINGED, PINGED), "ServerPinged(", id="one too few"),
            pytest.param(
                lambda: PINGS.then(ServerPinged(status_code=1, status_message="well")),
                "status_code=0",
                id="another value",
            ),
            pytest.param(lambda: PINGS.then(ServerPingsGathered()), "ServerPinged(", id="another"),
            pytest.param(lambda: PINGS.then(StateConflictError), "ServerPinged(", id="no error"),
            pytest.param(lambda: PINGS.then_nothing(), "ServerPinged(", id="something"),
            pytest.param(lambda: PINGS.then_deleted(), "ServerPinged(", id="not deleted"),
            pytest.param(lambda: REFUSED.then(PINGED), "StateConflictError", id="an error"),
            pytest.param(
                lambda: REFUSED.then(ArgumentNotIdempotentError),
                "StateConflictError",
                id="another error",
            ),
            pytest.param(
                lambda: REFUSED.then(StateConflictError("Commit", "Appending")),
                "in Initialized",
                id="other fields",
            ),
            pytest.param(lambda: REFUSED.then_nothing(), "StateConflictError", id="refused"),
            pytest.param(
                lambda: NOOP.then(PINGED), "nothing, because: The workflow is over", id="a noop"
            ),
            pytest.param(
                lambda: NOOP.then_nothing(reason="It is late."),
                "is over already",
                id="another reason",
            ),
            pytest.param(lambda: DELETED.then_nothing(), "the history is deleted", id="deleted"),
            pytest.param(lambda: DELETED.then(), "the history is deleted", id="deleted, too"),
        ],
    )
    def test_says_what_came(self, claim: object, came: str) -> None:
        with pytest.raises(AssertionError, match=re.escape(came)) as caught:
            claim()  # type: ignore[operator]
        assert "given\n    PingRegistryStarted(registry_id=UUID(" in str(caught.value)
        assert "when\n    Cmd" in str(caught.value)

    def test_events_that_the_chart_does_not_allow(self) -> None:
        with pytest.raises(AssertionError, match=r"does not allow what is given.*ServerPinged"):
            given(PINGED).when(PING)
