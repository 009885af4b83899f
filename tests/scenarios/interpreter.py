"""Runs the commands of a scenario on a journal, and writes what they answer.

README.md describes the language.  Ids and time are the interpreter's own, so that a scenario gives
the same text in every run and on every journal.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from pingregistrywf import (
    EPOCH,
    NIL,
    NO_VC,
    RETRY_NO_VC,
    CmdInit,
    Event,
    Journal,
    Operations,
    State,
    Ulid,
    Vid,
    WorkflowError,
    WorkflowIndexes,
    Workflows,
    open_journal,
)
from pingregistrywf._generated.ping_registry_index import DECLARATION as INDEX
from pingregistrywf.runtime.journal import NO_HEAD
from pingregistrywf.runtime.operations import Interpreter as OperationsInterpreter
from pingregistrywf.runtime.operations import Operation, Ran

from ..runtime.raced import Raced
from .paused import Pausable

START = 1_700_000_000_000
DAY = 86_400_000
COMMAND = re.compile(r"^(?!#)(\S.*)\n((?:  .*\n)*)----\n((?:.+\n)*)", re.MULTILINE)
"""A command, what others do meanwhile, and the answer, up to an empty line."""
NAMESPACE = UUID("6b1ff9a6-2b1e-4d64-9d0c-0f8ac9c3a0a1")


class Clock:
    """A clock that moves only when a scenario says so."""

    def __init__(self) -> None:
        self.milliseconds = START

    def __call__(self) -> float:
        return self.milliseconds / 1000


class Ids:
    """Event ids made from the clock and from how many were made before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made = 0

    def next(self, after: Ulid) -> Ulid:
        self._made += 1
        return Ulid(self._clock.milliseconds.to_bytes(6, "big") + self._made.to_bytes(10, "big"))


class Names:
    """The names of ids.  A scenario names the histories; events are counted within theirs."""

    def __init__(self) -> None:
        self._names = {str(NIL): "nil", str(EPOCH): "epoch"}
        self._events = {"epoch": EPOCH}
        self._counted: Counter[str] = Counter()

    def uuid(self, name: str) -> UUID:
        named = NIL if name == "nil" else uuid5(NAMESPACE, name)
        self._names[str(named)] = name
        return named

    def ulid(self, name: str) -> Ulid:
        return self._events[name]

    def count(self, history: str, id: Ulid) -> bool:
        """Name the next event of a history; False if the event has a name already."""
        if str(id) in self._names:
            return False
        self._counted[history] += 1
        name = f"{history}:{self._counted[history]}"
        self._names[str(id)] = name
        self._events[name] = id
        return True

    def __call__(self, text: object) -> str:
        """The text with names in place of ids."""
        ids = r"\b([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-7][0-9A-Z]{25})\b"
        return re.sub(ids, lambda found: self._names[found[0]], str(text))


class StoppedError(Exception):
    """A process ends after a step of its operation."""


class Client:
    """One process: the journal as it opened it, and the facades with their caches."""

    def __init__(
        self,
        journal: Journal,
        ids: Ids,
        interpreter: Interpreter,
        operations: type[OperationsInterpreter],
    ) -> None:
        self.journal = Raced(journal)
        self.workflows = Workflows(self.journal, ids=ids, sleep=lambda seconds: None)
        self.indexes = WorkflowIndexes(self.journal, ids=ids, sleep=lambda seconds: None)
        self.operations = operations.on([self.workflows, self.indexes], observers=[self])
        self._interpreter = interpreter
        self._given: dict[str, str] = {}
        self._running: Pausable[Ran] | None = None
        self._had_events = False
        self._stop = self._pause = 0

    def facade(self, history: str) -> Any:
        """The facade of a history's chart: the name of an index begins with ``index``."""
        return self.indexes if history.startswith("index") else self.workflows

    def begin(self, name: str, arguments: dict[str, Any], given: dict[str, str]) -> None:
        """Begin an operation, which waits to be asked to go on."""
        assert not self.is_running, "this process runs an operation already"
        vid = arguments.pop("vid", None)
        operation = self.operations.declared[name]
        self._given = given
        self._running = Pausable(lambda: self.operations.run(operation, arguments, vid))

    def go_on(self, stop: int, pause: int) -> Ran | None:
        """Go on with the operation.

        Args:
            stop: the step after which the process ends; 0 if it does not.
            pause: the step before which the operation is paused; 0 if it is not.

        Returns:
            What it did, None if it is paused.
        """
        assert self._running
        self._stop, self._pause = stop, pause
        return self._running.go_on()

    @property
    def is_running(self) -> bool:
        return self._running is not None and not self._running.is_over

    def close(self) -> None:
        """End the operation, and close the journal."""
        if self._running:
            self._running.end()
        self.journal.close()

    def before(self, operation: Operation, number: int) -> None:
        if number == self._pause and self._running:
            self._running.pause()
        step = operation.steps[number - 1]
        history = self._given[step.history]
        command = step.command.__name__.removeprefix("Cmd")
        self._interpreter.write(f"step {number}: {command} of {history}")
        self._had_events = self._interpreter.has_events(history)

    def after(self, operation: Operation, number: int) -> None:
        history = self._given[operation.steps[number - 1].history]
        if self._had_events and not self._interpreter.has_events(history):
            self._interpreter.write("deleted")
        else:
            self._interpreter.write_new(history)
        if number == self._stop:
            raise StoppedError


class Interpreter:
    """Runs the commands of one scenario.

    Args:
        open_it: opens the journal with a clock, once for each process.
        operations: runs the operations.
    """

    def __init__(
        self,
        open_it: Callable[[Clock], Journal],
        operations: type[OperationsInterpreter] = Operations,
    ) -> None:
        self._operations = operations
        self._clock = Clock()
        self._ids = Ids(self._clock)
        self._open = partial(open_it, self._clock)
        self._names = Names()
        self._clients: dict[str, Client] = {}
        self._lines: list[str] = []
        self._indent = ""

    def answer(self, command: str, others: Sequence[str] = ()) -> list[str]:
        """Run a command.

        Args:
            command: the command.
            others: what other processes run meanwhile, each before one commit of the command.

        Returns:
            The lines of the answer.
        """
        self._lines = []
        self._do(command, others)
        return self._lines

    def close(self) -> None:
        """Close the journal in every process."""
        for client in self._clients.values():
            client.close()

    def write(self, line: object) -> None:
        self._lines.append(self._indent + self._names(line))

    def has_events(self, history: str) -> bool:
        return bool(self._read(history))

    def write_new(self, history: str) -> None:
        """Write the events that were appended to a history since the last time."""
        new = [event for event in self._read(history) if self._names.count(history, event.id)]
        for event in new:
            self.write(f"+ {_event(event)}")
        if not new:
            self.write("nothing appended")

    # --- Commands --------------------------------------------------------------------------------

    def _do(self, line: str, others: Sequence[str] = ()) -> None:
        verb, *words = shlex.split(line)
        given = dict(word.split("=", 1) for word in words if "=" in word)
        client = self._client(given.pop("by", "main"))
        client.journal.others = [partial(self._do_other, other) for other in others]
        try:
            getattr(self, f"_{verb}")(client, *(word for word in words if "=" not in word), **given)
        except WorkflowError as error:
            inner = getattr(error, "err", None)
            kind = type(error).__name__ + (f"({type(inner).__name__})" if inner else "")
            self.write(f"{kind}: {error}")
        except StoppedError:
            self.write("the process ends here")
        assert not client.journal.others, f"{line}: there are fewer commits than commands of others"

    def _do_other(self, line: str) -> None:
        indent = self._indent
        self._indent += "  "
        if line != "-":
            self._do(line)
        self._indent = indent

    def _tell(
        self, client: Client, history: str, command: str, vid: str = "retry", **given: str
    ) -> None:
        arguments = self._arguments(given)
        method = getattr(client.facade(history), _snake_case(command))
        if command == "Init":
            head = method(self._names.uuid(history), CmdInit(**arguments))
        else:
            head = method(self._names.uuid(history), self._vid(vid), **arguments)
        if head is None:
            self.write("deleted")
        else:
            self.write_new(history)
            self.write(f"at {head}")

    def _run(
        self,
        client: Client,
        operation: str,
        stop: str = "0",
        pause: str = "0",
        vid: str = "",
        **given: str,
    ) -> None:
        arguments = self._arguments(given) | ({"vid": self._vid(vid)} if vid else {})
        client.begin(operation, arguments, given)
        self._go_on(client, stop, pause)

    def _resume(self, client: Client, stop: str = "0", pause: str = "0") -> None:
        if client.is_running:
            self._go_on(client, stop, pause)
        else:
            self.write("no operation is paused")

    def _go_on(self, client: Client, stop: str, pause: str) -> None:
        ran = client.go_on(int(stop), int(pause))
        if ran is None:
            self.write(f"paused before step {pause}")
            return
        for number, refusal in ran.refused.items():
            self.write(f"step {number} was refused: {refusal}")

    def _state(self, client: Client, history: str) -> None:
        state = client.facade(history).find_id(self._names.uuid(history))
        if not isinstance(state, State):
            self.write(f"at {state.vid}, events since a snapshot: {state.events_since_snapshot}")
            entries = state.entries.values()
            for entry in sorted(entries, key=lambda each: each.started_workflow_event_id):
                self.write(_value(entry))
            return
        self.write(f"{_value(state.state_code)} at {state.vid}, registry {state.registry_id}")
        for ping in state.pings:
            self.write(f"ping {ping.event_id}: {ping.code} {_value(ping.message)}")
        summary = state.summary_status
        self.write(f"summary {summary.event_id}: {summary.code} {_value(summary.message)}")

    def _events(self, client: Client, history: str) -> None:
        for event in client.facade(history).events(self._names.uuid(history)):
            self._names.count(history, event.id)
            self.write(_event(event))

    def _wait(self, client: Client, days: str = "0", milliseconds: str = "0") -> None:
        self._clock.milliseconds += int(days) * DAY + int(milliseconds)
        day, more = divmod(self._clock.milliseconds - START, DAY)
        self.write(f"day {day}" + (f" and {more} ms" if more else ""))

    def _collect(self, client: Client) -> None:
        done = client.journal.collect()
        self.write(f"{done.entries} entries removed; free again: {_value(done.freed)}")

    def _trim(self, client: Client, history: str) -> None:
        moved = client.journal.trim(self._names.uuid(history))
        self.write("trimmed" if moved else "nothing to trim")

    def _fill(self, client: Client, index: str, over: str = "0", active: str = "0") -> None:
        """Make an empty index's events elsewhere, where that costs little, and bring them in."""
        index_id = self._names.uuid(index)
        with open_journal("memory:", clock=self._clock) as elsewhere:
            indexes = WorkflowIndexes(elsewhere, ids=self._ids)
            for number in range(1, int(over) + int(active) + 1):
                name = f"filled{number}"
                workflow, event = self._names.uuid(name), self._ids.next(EPOCH)
                self._names.count(name, event)
                indexes.begin_ping_registry(index_id, NO_VC, workflow, event)
                if number <= int(over):
                    indexes.commit_ping_registry(index_id, NO_VC, workflow, event)
                    indexes.delete_ping_registry(index_id, NO_VC, workflow)
            entries = elsewhere.read(index_id, whole=True).entries
        client.journal.commit(index_id, NO_HEAD, entries, chart=INDEX.identity)
        for entry in entries:
            self._names.count(index, entry.id)
        self.write(f"{len(entries)} events")

    # --- What stands in a command ----------------------------------------------------------------

    def _client(self, name: str) -> Client:
        if name not in self._clients:
            self._clients[name] = Client(self._open(), self._ids, self, self._operations)
        return self._clients[name]

    def _read(self, history: str) -> tuple[Event, ...]:
        return tuple(self._client("reader").facade(history).events(self._names.uuid(history)))

    def _arguments(self, given: dict[str, str]) -> dict[str, Any]:
        read: dict[str, Callable[[str], Any]] = {
            "code": int,
            "message": str,
            "workflow_event_id": self._names.ulid,
            "if_storage_reduction": "true".__eq__,
        }
        return {name: read.get(name, self._names.uuid)(text) for name, text in given.items()}

    def _vid(self, text: str) -> Vid:
        return {"none": NO_VC, "retry": RETRY_NO_VC}.get(text) or self._names.ulid(text)


def played(
    scenario: str,
    open_it: Callable[[Clock], Journal],
    operations: type[OperationsInterpreter] = Operations,
) -> str:
    """The scenario with the answers of this journal and these operations."""
    rest = COMMAND.sub("", scenario).splitlines()
    assert not [line for line in rest if line and not line.startswith("#")]
    interpreter = Interpreter(open_it, operations)

    def answered(found: re.Match[str]) -> str:
        command, others, _ = found.groups()
        answer = interpreter.answer(command, [line.strip() for line in others.splitlines()])
        return "\n".join([command + "\n" + others + "----", *answer, ""])

    try:
        return COMMAND.sub(answered, scenario)
    finally:
        interpreter.close()


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _event(event: Event) -> str:
    names = [name for name in type(event).model_fields if name not in ("id", "parent")]
    values = [f"{name}={_value(getattr(event, name))}" for name in names]
    return " ".join([f"{event.id} after {event.parent}", type(event).__name__, *values])


def _value(value: Any) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Enum():
            return value.name.capitalize()
        case tuple():
            return f"[{'; '.join(map(_value, value))}]"
        case _ if is_dataclass(value) and not isinstance(value, Ulid):
            return " ".join(_value(getattr(value, each.name)) for each in fields(value))
        case _:
            return str(value)
