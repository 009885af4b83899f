"""A command that arrives after its client was told that it did not happen: it is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf import RETRY_NO_VC, JournalError, PingRegistry, open_journal
from pingregistrywf.service.grpc.refusal import CallRefusedError
from pingregistrywf.service.grpc.v1.marks import Marks

from .holding import PATIENCE, HoldingProxy
from .processes import ServerProcess

TELL = "pingregistrywf.v1.Workflows/Tell"


def test_a_no_of_happened_is_final(tmp_path: Path) -> None:
    workflow = uuid4()
    with (
        ServerProcess(f"sqlite:{tmp_path / 'pings.db'}") as server,
        HoldingProxy(server.address) as proxy,
        open_journal(f"grpc://{proxy.address}") as journal,
        ThreadPoolExecutor(1) as thread,
    ):
        registry = PingRegistry(journal, "reg")
        registry.begin(workflow)
        proxy.hold()
        append = registry.workflows.append_ping
        posted = thread.submit(append, workflow, RETRY_NO_VC, 0, "too late")
        proxy.wait_for(b"too late")
        proxy.lose()
        error = posted.exception(PATIENCE)
        assert isinstance(error, JournalError)
        assert (error.definite, len(error.attempted)) == (False, 1)
        assert not registry.workflows.happened(workflow, error.attempted)
        proxy.release()
        assert server.logged(method=TELL)["code"] == "ABORTED"
        assert not registry.get(workflow).state.pings
        # The answer is about that command alone.
        registry.ping(workflow, 0, "in time")
        assert [each.message for each in registry.get(workflow).state.pings] == ["in time"]


def test_what_has_begun_is_waited_for() -> None:
    marks, begun, over = Marks(), threading.Event(), threading.Event()
    order: list[str] = []

    def command() -> None:
        with marks.under_way(b"a"):
            begun.set()
            over.wait()
            order.append("over")

    def denial() -> None:
        marks.deny([b"a", b"b"])
        order.append("denied")

    threads = [threading.Thread(target=each) for each in (command, denial)]
    threads[0].start()
    assert begun.wait(PATIENCE)
    threads[1].start()
    while not refused(marks, b"b"):  # the denial has begun
        pass
    over.set()
    for each in threads:
        each.join(PATIENCE)
    assert order == ["over", "denied"]
    assert refused(marks, b"a")


def test_the_marks_that_were_denied_last_are_remembered() -> None:
    marks = Marks(kept=2)
    for each in (b"a", b"b", b"a", b"c"):
        marks.deny([each])
    assert [refused(marks, each) for each in (b"a", b"b", b"c")] == [True, False, True]
    with pytest.raises(CallRefusedError, match="was told that it did not happen"):
        marks.under_way(b"c").__enter__()


def refused(marks: Marks, mark: bytes) -> bool:
    """Whether nothing may begin with a mark."""
    try:
        with marks.under_way(mark):
            return False
    except CallRefusedError:
        return True
