"""The oracle of daemons: what each does at a given time, as the operations' file declares it.

Histories and operations are those of ``conformance.oracle``.  A world tells which history has an
id, and when an event happened; its times are milliseconds from any moment on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from pingregistrywf.chart import ir
from pingregistrywf.chart.ir import Arguments, Outcome
from pingregistrywf.chart.parts import Ageing, Daemons, Incarnation, Posting, Summing
from pingregistrywf.conformance import oracle
from pingregistrywf.conformance.oracle import MARK_DAYS, History, Keyed, Stepped

Json: TypeAlias = Any

DAY: Final = 86_400_000
"""A day in milliseconds."""
TRIM_DAYS: Final = 30
"""A history is trimmed again when the last time is longer ago (documentation: Behaviour,
section 6)."""
DAEMONS: Final = ("ping", "gather", "collect")
"""The daemons that an adapter may be asked to be."""


def daemons_of(model: ir.Model) -> tuple[Daemons, ir.Operations] | None:
    """Return what a model declares of daemons, and their operations; None if it does not."""
    found = (each for each in model.operations.values() if each.daemons)
    return next(((each.daemons, each) for each in found if each.daemons), None)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a daemon is asked to do.

    Attributes:
        daemon: one of ``DAEMONS``.
        values: the arguments of the operations of that registry and workflow, by their names.
        now: the time.
        name: the name of who posts.
        count: how many it posts in all.
        duration: from the history's first event to its summary.
        server: the instance that is asked.
    """

    daemon: str
    values: Mapping[str, Json]
    now: int
    name: str = ""
    count: int = 0
    duration: int = 0
    server: str = ""


class AbandonedError(Exception):
    """An operation of a daemon was refused."""


@dataclass
class World(ABC):
    """The histories of a model, and what its daemons do to them.

    Attributes:
        declared: what the daemons do.
        operations: the operations that they run.
        deleted: when each history was deleted, by its chart and its id.
        trimmed: when each history was trimmed last, by its id.
    """

    declared: Daemons
    operations: Mapping[str, ir.Operation]
    deleted: dict[tuple[str, Json], int] = field(default_factory=dict)
    trimmed: dict[Json, int] = field(default_factory=dict)

    @abstractmethod
    def history(self, chart: str, id: Json) -> History:
        """The history of an id."""

    @abstractmethod
    def time_of(self, event: Json) -> int:
        """When the event of an id happened."""

    @abstractmethod
    def happened(self, stepped: Stepped, now: int) -> None:
        """Note what a step of an operation did at a time."""

    def ask(self, asked: Asked) -> dict[str, Json]:
        """What a daemon answers, once it has done what it has to do.

        Raises:
            AbandonedError: a history does not exist, or is not as the daemon found it.
        """
        match asked.daemon:
            case "ping":
                return {"posted": self.post(asked)}
            case "gather":
                return self._gather(asked)
            case _:
                return self._collect(asked)

    # --- Who posts ------------------------------------------------------------------------------

    def takes(self, operation: str, history: History) -> bool:
        """Whether the chart accepts what an operation of one step appends to a history."""
        command = self.operations[operation].steps[0].command
        cell = history.of.cells[(command, Arguments.ANY), history.states[0][1]]
        return cell.outcome is Outcome.EMIT

    def own(self, history: History, asked: Asked) -> set[str]:  # noqa: ARG002 (a fault looks at it)
        """The messages that were posted, whoever posted them: no one else has the daemon's name."""
        return {each["message"] for each in self.listed(history)}

    def listed(self, history: History) -> list[Mapping[str, Json]]:
        """The carried list of what was posted to a history."""
        held: list[Mapping[str, Json]] = history.entry({}).carried[self.declared.posting.held]
        return held

    def post(self, asked: Asked) -> int:
        posting = self.declared.posting
        history = self._of(posting, asked)
        if not self.takes(posting.operation, history):
            return 0
        held = self.own(history, asked)
        for number in range(1, asked.count + 1):
            message = posting.message.format(name=asked.name, number=number)
            if message not in held:
                said = {"code": posting.code, "message": message}
                self._run(posting.operation, dict(asked.values) | said, asked.now)
                return number
        return 0

    def _gather(self, asked: Asked) -> dict[str, Json]:
        summing = self.declared.summing
        history = self._of(summing, asked)
        if not self.takes(summing.operation, history):
            return {"waiting": False}
        if not self.is_time(asked, self.time_of(history.began)):
            return {"waiting": True, "posted": self.post(asked)}
        said = self.summary([each["code"] for each in self.listed(history)])
        self._run(summing.operation, dict(asked.values) | said, asked.now)
        return {"waiting": False}

    def is_time(self, asked: Asked, began: int) -> bool:
        """Whether it is time for the summary."""
        return asked.now >= began + asked.duration

    def summary(self, codes: list[int]) -> dict[str, Json]:
        """What is said of a list of such codes."""
        summing = self.declared.summing
        errors = sum(code != 0 for code in codes)
        message = summing.message.format(count=len(codes), errors=errors)
        return {"code": summing.code_of_errors if errors else summing.code, "message": message}

    # --- Who collects ---------------------------------------------------------------------------

    def _collect(self, asked: Asked) -> dict[str, Json]:
        collecting, now = self.declared.collecting, asked.now
        told: dict[str, list[Json]] = {each.told: [] for each in collecting.ages}
        for age, key in [*self._due(asked)]:
            about = self.about(age)
            try:
                self._run(age.operation, dict(asked.values) | {about.entry: key}, now)
            except AbandonedError:
                if self.goes_on:
                    continue
                break
            told[age.told].append(key)
        for name in collecting.then:
            self._run(name, asked.values, now)
        self.tidy(asked)
        return {name: sorted(keys) for name, keys in told.items()}

    def tidy(self, asked: Asked) -> None:
        """Trim what lists, and collect garbage."""
        for each in self._listings(asked):
            self.trim(*each, asked.now)
        self._free(asked.now)

    goes_on = True
    """Whether a run goes on with the next history after a failure."""

    def _due(self, asked: Asked) -> Iterator[tuple[Ageing, Json]]:
        """What a run does to which histories, in the order in which they were first listed."""
        for age in self.declared.collecting.ages:
            about = self.about(age)
            listing = self.history(about.chart, asked.values[about.history])
            if not isinstance(listing, Keyed):
                continue
            listed = dict(listing.states)
            for key in sorted(listed, key=lambda key: listing.listed(key, about.began_with)):
                since = listing.listed(key, age.since)
                if listed[key] == age.state and self.is_old(age, asked.now - self.time_of(since)):
                    yield age, key

    def is_old(self, age: Ageing, milliseconds: int) -> bool:
        """Whether a history is old enough for what is done to it."""
        return milliseconds > age.days * DAY

    def about(self, age: Ageing) -> Incarnation:
        """What the operation of an age is about."""
        return cast("Incarnation", self.operations[age.operation].about)  # checked when it was read

    def _listings(self, asked: Asked) -> Iterator[tuple[Keyed, Json]]:
        """The keyed histories that the ages are about, with their ids, each once."""
        places = {}
        for age in self.declared.collecting.ages:
            about = self.about(age)
            places[about.chart, about.history] = asked.values[about.history]
        for (chart, _), named in places.items():
            listing = self.history(chart, named)
            if isinstance(listing, Keyed):
                yield listing, named

    def trim(self, listing: Keyed, id: Json, now: int) -> None:
        """Move the start of a history to its newest rewrite, unless it was moved lately."""
        last = self.trimmed.get(id)
        if (last is None or self.is_due(now - last)) and listing.trim():
            self.trimmed[id] = now

    def is_due(self, milliseconds: int) -> bool:
        """Whether a history may be trimmed again so long after the last time."""
        return milliseconds > TRIM_DAYS * DAY

    def is_free(self, milliseconds: int) -> bool:
        """Whether an id is free so long after its history was deleted."""
        return milliseconds > MARK_DAYS * DAY

    def _free(self, now: int) -> None:
        """Free the ids of histories that were deleted long ago."""
        for place, at in list(self.deleted.items()):
            if self.is_free(now - at):
                self.history(*place).collect(MARK_DAYS + 1)
                del self.deleted[place]

    # --- Operations -----------------------------------------------------------------------------

    def _of(self, posting: Posting | Summing, asked: Asked) -> History:
        step = self.operations[posting.operation].steps[0]
        history = self.history(step.chart, asked.values[step.history])
        if not history.events:
            raise AbandonedError("Uninitialized")
        return history

    def _run(self, name: str, values: Mapping[str, Json], now: int) -> None:
        operation = self.operations[name]

        def history_of(chart: str, argument: str) -> History:
            return self.history(chart, values[argument])

        for stepped in oracle.steps(operation, history_of, values):
            self.happened(stepped, now)
            if stepped.result.deleted:
                self.deleted[stepped.step.chart, values[stepped.step.history]] = now
            if stepped.stops:
                raise AbandonedError(stepped.result.error["code"])
