"""What daemons do in a case that is being compiled: its times are those of events, not of a clock.

What a daemon writes happens at the time that it was given.  Any other event happens at the time 0,
as no case is about the age of two of these at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.chart.parts import Incarnation
from pingregistrywf.conformance import oracle
from pingregistrywf.conformance.daemons import AbandonedError, Asked, World, daemons_of
from pingregistrywf.conformance.oracle import EPOCH, History, Keyed, Result, Stepped
from pingregistrywf.conformance.suite.case import Ref, Time
from pingregistrywf.conformance.suite.scenario import Daemon

Json: TypeAlias = Any
OfId: TypeAlias = Callable[[str, Json], History]
Note: TypeAlias = Callable[[str, History, Result], None]

LONG_AGO: Final = -(10**15)
"""When an event happened whose id is written out in a case."""
NOBODY: Final = Ref("vid1")
"""Stands for an event that never happened, in a part of a case."""


class DaemonWorld(World):
    """The world of daemons in one case.

    Attributes:
        named: the operations that daemons run.
        told_by: the operation by whose inputs a daemon is told its registry and its workflow.
    """

    @classmethod
    def of(cls, model: ir.Model, of_id: OfId, note: Note) -> Self | None:
        """Return the world of a model; None if it declares no daemons.

        Args:
            of_id: gives the history of an id.
            note: takes what a daemon appends.
        """
        found = daemons_of(model)
        if found is None:
            return None
        declared, operations = found
        made = cls(declared, operations.operations)
        names = [declared.posting.operation, declared.summing.operation]
        names += [each.operation for each in declared.collecting.ages]
        names += declared.collecting.then
        made.named = [operations.operations[name] for name in names]
        made.told_by = operations.operations[declared.collecting.ages[0].operation]
        made._of_id, made._note = of_id, note
        made._times = {}
        made._since = {}
        return made

    @property
    def listing(self) -> ir.OperationArgument:
        """The argument that names the history which lists the others."""
        return self.told_by.arguments[self._about.history]

    @property
    def _about(self) -> Incarnation:
        return self.about(self.declared.collecting.ages[0])

    named: list[ir.Operation]
    told_by: ir.Operation
    _of_id: OfId
    _note: Note
    _times: dict[Json, int]
    _since: dict[str, Ref]

    def history(self, chart: str, id: Json) -> History:
        return self._of_id(chart, id)

    def time_of(self, event: Json) -> int:
        return self._times.get(event, 0) if isinstance(event, Ref) else LONG_AGO

    def happened(self, stepped: Stepped, now: int) -> None:
        for event in stepped.result.events:
            self._times[event.id] = now
        self._note(stepped.step.chart, stepped.seen, stepped.result)

    def time(self, action: Daemon, values: Mapping[str, Json]) -> Time:
        """The time that an action names, after an event that may be listed no more."""
        about = self._about
        key = values[about.entry]
        if action.since:
            listing = self.history(about.chart, values[about.history])
            event = listing.listed(key, action.since) if isinstance(listing, Keyed) else EPOCH
        else:
            chart = next(each.chart for each in self.told_by.steps if each.history == about.entry)
            event = self.history(chart, key).began
        if isinstance(event, Ref):
            self._since[action.since] = event
        return Time(self._since.get(action.since, NOBODY), action.now)

    def now(self, time: Time) -> int:
        """A time as the world counts it."""
        return self.time_of(time.event) + time.after

    def sent(self, action: Daemon) -> dict[str, Json]:
        """What a request says of what is to be posted, and when."""
        if action.daemon == "collect":
            return {}
        posts = {"name": action.name, "count": action.count}
        return posts | ({"duration": action.duration} if action.daemon == "gather" else {})

    def answer(self, request: Asked) -> dict[str, Json]:
        """The answer that a request must get."""
        try:
            return {"ok": self.ask(request)}
        except AbandonedError as error:
            return {"error": oracle.refusal(str(error))}


def asked(action: Daemon, values: Mapping[str, Json], now: int) -> Asked:
    """What an action asks for, with the arguments of operations, at a time."""
    return Asked(action.daemon, values, now, action.name, action.count, action.duration)
