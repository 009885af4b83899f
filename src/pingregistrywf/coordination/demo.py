"""A whole workflow in one command: an admin here, servers and a gatherer in processes of their own.

The processes share only the journal.  They find the workflow through the registry's index.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Semaphore
from typing import Final
from uuid import UUID

from pingregistrywf._generated.ping_registry import DECLARATION, StateCode
from pingregistrywf.coordination import GATHERER
from pingregistrywf.coordination.daemon import Daemon, Gatherer, Server
from pingregistrywf.coordination.registry import OPEN, PingRegistry
from pingregistrywf.coordination.timeline import Incident, Line
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.journal import Journal, open_journal

REGISTRY: Final = "demo"
FAILING_CODE: Final = 1
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
PATIENCE: Final = 0.25
"""After how many seconds without a change the processes are checked for being alive."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The options of the command ``demo``, which explains them; times are in seconds."""

    servers: int
    pings: int
    interval: float
    duration: float
    failing: int
    chaos: bool

    @property
    def codes(self) -> dict[str, int]:
        """The status code of each server's pings, by the server's name; the last ones fail."""
        names = [
            f"server-{number:0{len(str(self.servers))}}" for number in range(1, self.servers + 1)
        ]
        well = self.servers - self.failing
        return dict.fromkeys(names[:well], 0) | dict.fromkeys(names[well:], FAILING_CODE)


def run(journal: Journal, plan: Plan, workflow_id: UUID) -> Generator[Line | Incident, None, None]:
    """Run a new workflow from begin to end, and yield its events as they happen.

    Other processes open the journal by its URL.

    Raises:
        ChildProcessError: a process ended before its part was done.
        WorkflowError: what the admin's commands raised.
    """
    registry = PingRegistry(journal, REGISTRY)
    checkpoint = None
    victim = next(iter(plan.codes)) if plan.chaos else None
    participants = _Participants(journal.url, plan)
    with participants.running():
        registry.begin(workflow_id)
        for changed in wake_ups(journal, workflow_id, timeout=lambda: PATIENCE):
            if not changed:
                participants.check()
            changes = registry.workflows.engine.read_on(workflow_id, checkpoint)
            checkpoint = changes.checkpoint
            for event in changes.events:
                line = Line(DECLARATION, event)
                yield line
                if line.who == victim:
                    participants.kill(victim)
                    yield Incident(victim, "killed with SIGKILL")
                    participants.start(victim)
                    yield Incident(victim, "started again")
                    victim = None
            if checkpoint.state.state_code is StateCode.TERMINATED:
                return
            if checkpoint.state.state_code not in OPEN:
                registry.commit(workflow_id)


class _Participants:
    """The processes of a demonstration, by name."""

    def __init__(self, url: str, plan: Plan) -> None:
        self._spawn = multiprocessing.get_context("spawn")
        self._ready = self._spawn.Semaphore(0)
        self._url, self._plan = url, plan
        self._processes: dict[str, SpawnProcess] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start the participants, wait until each is ready, and end them at last."""
        names = (*self._plan.codes, GATHERER)
        try:
            for name in names:
                self.start(name)
            for _ in names:
                while not self._ready.acquire(timeout=PATIENCE):
                    self.check()
            yield
        finally:
            for process in self._processes.values():
                process.terminate()
            for process in self._processes.values():
                process.join()

    def start(self, name: str) -> None:
        """Start a participant, as a daemon process: it never outlives this one."""
        arguments = (self._url, self._ready, self._plan, name)
        process = self._spawn.Process(target=_take_part, name=name, args=arguments, daemon=True)
        # A signal in the middle of a start would leave a process that nobody ends.  The process
        # inherits the mask, so that Ctrl-C does not interrupt it either before it is ready for it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
            self._processes[name] = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def kill(self, name: str) -> None:
        """Kill a participant without warning."""
        self._processes[name].kill()
        self._processes[name].join()

    def check(self) -> None:
        """Raise ChildProcessError if one has ended by itself."""
        for name, process in self._processes.items():
            if process.exitcode is not None:
                raise ChildProcessError(
                    f"process {name} ended with exit code {process.exitcode}:"
                    " see what it wrote to standard error"
                )


def _take_part(url: str, ready: Semaphore, plan: Plan, name: str) -> None:
    """Be the server of that name, or the gatherer, until SIGTERM or the parent's end."""
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: stop.ask_aside())
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_outlive_no_parent, args=(stop,), daemon=True).start()
    with open_journal(url) as journal:
        registry = PingRegistry(journal, REGISTRY)
        participant: Daemon
        if name == GATHERER:
            participant = Gatherer(
                registry, pings=plan.pings, interval=plan.interval, duration=plan.duration
            )
        else:
            participant = Server(
                registry, name, pings=plan.pings, interval=plan.interval, code=plan.codes[name]
            )
        ready.release()
        participant.serve(stop)


def _outlive_no_parent(stop: Stop) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        stop.ask()
