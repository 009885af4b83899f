"""Gatherers and collectors beside a service: none fails unnoticed, and all of them end."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from pingregistrywf import JournalClosedError, PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_index import StateCode
from pingregistrywf.coordination.daemon import Server
from pingregistrywf.coordination.housekeeping import housekeeping
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.operations import Operation
from pingregistrywf.testing.journal import TurnedClock

LONG = 60.0


def test_a_daemon_that_fails_ends_what_it_runs_beside_with_its_error() -> None:
    stop, woken = Stop(), threading.Event()
    with open_journal("memory:") as journal:
        registries = [PingRegistry(journal, "reg"), PingRegistry(journal, "other")]
    with (
        pytest.raises(JournalClosedError),
        housekeeping(registries, stop, gather=True, collect=False),
        stop.waking(woken.set),
    ):
        assert woken.wait(LONG)


def test_an_error_beside_the_daemons_ends_them() -> None:
    with open_journal("memory:") as journal:
        registries = [PingRegistry(journal, "reg"), PingRegistry(journal, "other")]
        with (
            pytest.raises(OSError, match="in use"),
            housekeeping(registries, Stop(), gather=True, collect=True),
        ):
            raise OSError("the port is in use")
    assert not [each for each in threading.enumerate() if each.name.startswith("housekeeping")]


class StopAfterStep:
    """An observer who asks for a stop as soon as a step is done."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def before(self, operation: Operation, number: int) -> None: ...

    def after(self, operation: Operation, number: int) -> None:
        self._stop.ask()


def test_a_stop_ends_a_run_of_the_collector_after_the_action_that_it_is_at() -> None:
    stop, woken, clock = Stop(), threading.Event(), TurnedClock()
    with open_journal("memory:", clock=clock) as journal:
        for _ in range(3):
            PingRegistry(journal, "reg").begin(uuid4())
        clock.turn(days=2)
        registry = PingRegistry(journal, "reg", observers=[StopAfterStep(stop)])
        with (
            stop.waking(woken.set),
            housekeeping([registry], stop, gather=False, collect=True),
        ):
            assert woken.wait(LONG)
        listed = [entry.state_code for entry in registry.list()]
    assert sorted(listed) == [StateCode.ACTIVE, StateCode.ACTIVE, StateCode.COMPLETED]


def test_a_journal_that_is_closed_ends_the_waits_for_its_changes() -> None:
    with open_journal("memory:") as journal:
        changes = wake_ups(journal, timeout=lambda: LONG)
        assert next(changes)
    assert list(changes) == []


def test_a_daemon_ends_with_its_journal_although_work_is_left() -> None:
    journal = open_journal("memory:")
    registry = PingRegistry(journal, "reg")
    workflow_id = uuid4()
    registry.begin(workflow_id)
    # The second ping is due in an hour.
    serve = Server(registry, "a", interval=3600.0).serve
    server = threading.Thread(target=serve, args=(Stop(),), daemon=True)
    server.start()
    with registry.workflows.follow(workflow_id) as events:
        for event in events:
            if getattr(event, "status_message", "") == "a ping 1":
                break
    journal.close()
    server.join(LONG)
    assert not server.is_alive()
