"""A whole workflow in one command: an admin here, servers and a gatherer in processes of their own.

The processes share only the journal.  They find the workflow through the registry's index.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Generator
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Semaphore
from types import FrameType, TracebackType
from typing import Final, Self
from uuid import UUID

from pingregistrywf._generated.ping_registry import State, StateCode
from pingregistrywf.coordination.admin import Admin
from pingregistrywf.coordination.daemon import OPEN, Daemon
from pingregistrywf.coordination.defaults import GATHERER
from pingregistrywf.coordination.gatherer import Gatherer
from pingregistrywf.coordination.registry import Registry, RegistryContext
from pingregistrywf.coordination.server import Server
from pingregistrywf.coordination.timeline import Incident, Line, lines
from pingregistrywf.coordination.waiting import Stop, wake_ups
from pingregistrywf.runtime.journal import Journal, open_journal

REGISTRY: Final = "demo"
FAILING_CODE: Final = 1
PATIENCE: Final = 0.25
"""After how many seconds without a change the processes are checked for being alive."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a demonstration.

    Attributes:
        servers: how many servers take part.
        pings: how many pings each participant posts.
        interval: the pause between two pings of one, in seconds.
        duration: from the workflow's start to its deadline, in seconds.
        failing: how many of the servers post pings with a code that is not 0.
        chaos: True to kill a server after its first ping, and start it again.
    """

    servers: int = 3
    pings: int = 3
    interval: float = 0.4
    duration: float = 4.0
    failing: int = 1
    chaos: bool = False

    def server(self, number: int) -> str:
        """The name of a server; servers are counted from 1."""
        return f"server-{number:0{len(str(self.servers))}}"

    def code(self, number: int) -> int:
        """The status code of a server's pings; the last ones fail."""
        return FAILING_CODE if number > self.servers - self.failing else 0


class ParticipantFailedError(RuntimeError):
    """A process of the demonstration ended before its part was done."""


def run(journal: Journal, plan: Plan, workflow_id: UUID) -> Generator[Line | Incident, None, None]:
    """Run a workflow from begin to end, and yield its events as they happen.

    Args:
        journal: a journal that other processes can open by its URL.
        plan: who takes part, and how.
        workflow_id: the new workflow's id.

    Raises:
        ParticipantFailedError: a process ended before its part was done.
        WorkflowError: what the admin's commands raised.
    """
    context = RegistryContext(journal, Registry(REGISTRY))
    admin = Admin(context)
    checkpoint = None
    victim = plan.server(1) if plan.chaos else None
    with _Participants(journal.url, plan) as participants:
        admin.begin(workflow_id)
        for changed in wake_ups(journal, workflow_id, timeout=lambda: PATIENCE):
            if not changed:
                participants.check()
            changes = context.workflows.engine.follow(workflow_id, checkpoint)
            checkpoint = changes.checkpoint
            for line in lines(context.workflows.engine.declaration, changes.events):
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
                admin.commit(workflow_id)


def outcome(journal: Journal, workflow_id: UUID) -> State:
    """Return the workflow's state once ``run`` is done."""
    return RegistryContext(journal, Registry(REGISTRY)).workflows.find_id(workflow_id)


class _Participants:
    """The processes of a demonstration, by name."""

    def __init__(self, url: str, plan: Plan) -> None:
        self._spawn = multiprocessing.get_context("spawn")
        self._ready = self._spawn.Semaphore(0)
        self._tasks = {plan.server(number): number for number in range(1, plan.servers + 1)}
        self._tasks[GATHERER] = 0
        self._arguments = (url, self._ready, plan)
        self._processes: dict[str, SpawnProcess] = {}

    def __enter__(self) -> Self:
        try:
            for name in self._tasks:
                self.start(name)
            for _ in self._tasks:
                while not self._ready.acquire(timeout=PATIENCE):
                    self.check()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def start(self, name: str) -> None:
        """Start a participant, as a daemon process: it never outlives this one."""
        arguments = (*self._arguments, self._tasks[name])
        process = self._processes[name] = self._spawn.Process(
            target=_take_part, name=name, args=arguments, daemon=True
        )
        process.start()

    def kill(self, name: str) -> None:
        """Kill a participant without warning."""
        self._processes[name].kill()
        self._processes[name].join()

    def check(self) -> None:
        """Raise ParticipantFailedError if one has ended by itself."""
        for name, process in self._processes.items():
            if process.exitcode is not None:
                raise ParticipantFailedError(
                    f"process {name} ended with exit code {process.exitcode}:"
                    " see what it wrote to standard error"
                )

    def _end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.join()


def _take_part(url: str, ready: Semaphore, plan: Plan, number: int) -> None:
    """Be the server of that number, or the gatherer for 0, until stopped."""
    stop = _stop()
    with open_journal(url) as journal:
        context = RegistryContext(journal, Registry(REGISTRY))
        participant: Daemon = (
            Server(
                context,
                plan.server(number),
                pings=plan.pings,
                interval=plan.interval,
                code=plan.code(number),
            )
            if number
            else Gatherer(context, pings=plan.pings, interval=plan.interval, duration=plan.duration)
        )
        ready.release()
        participant.serve(stop)


def _stop() -> Stop:
    """A stop that a signal asks for, or the end of the process that began the demonstration."""
    stop = Stop()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.ask_aside()

    signal.signal(signal.SIGTERM, ask)
    # Ctrl-C reaches every process of the terminal; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive_no_parent, args=(stop,), daemon=True).start()
    return stop


def _outlive_no_parent(stop: Stop) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        stop.ask()
