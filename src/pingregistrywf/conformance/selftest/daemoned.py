"""An implementation of charts, operations and daemons, which departs from a daemon if asked to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pingregistrywf.chart import ir
from pingregistrywf.conformance import oracle
from pingregistrywf.conformance.daemons import AbandonedError, Asked
from pingregistrywf.conformance.oracle import History
from pingregistrywf.conformance.run.transcript import DIED
from pingregistrywf.conformance.selftest.daemons import DaemonDeparture
from pingregistrywf.conformance.selftest.operated import Operated, value
from pingregistrywf.conformance.suite.scenario import CROCKFORD

Json: TypeAlias = Any

BEGAN = 2 * 10**12
"""The time at which it starts, in milliseconds since the Unix epoch."""


class Daemoned(Operated):
    """Answers the requests of a subject that runs operations, and is a daemon when asked.

    Args:
        model: the charts, their operations and daemons.
        departure: what the daemons do; it may be what is declared.
    """

    def __init__(self, model: ir.Model, departure: DaemonDeparture) -> None:
        self._clock = BEGAN
        super().__init__(model)
        self._declared = departure.operations
        self._made = departure
        self._world = departure.world(departure.declared, departure.operations)
        self._world.of_id = self._of_id

    def new_id(self) -> str:
        number, digits = self._clock << 80 | next(self._numbers), ""
        for _ in range(26):
            number, digit = divmod(number, 32)
            digits = CROCKFORD[digit] + digits
        return digits

    def __call__(self, request: Mapping[str, Json]) -> dict[str, Json]:
        if request["op"] != "daemon":
            reply = super().__call__(request)
            if DIED in reply:
                self._world.forget()
            return reply
        given = {key: request[key] for key in request if key not in ("op", "daemon", "id")}
        values = {
            name: value(each, given)
            for operation in self._declared.values()
            for name, each in operation.arguments.items()
            if each.derived or each.input in given
        }
        self._clock = request["now"] if self._world.keeps_time else self._clock
        asked = Asked(
            request["daemon"],
            values,
            request["now"],
            name=request.get("name", ""),
            count=request.get("count", 0),
            duration=request.get("duration", 0),
            server=request.get("server", ""),
        )
        try:
            return {"id": request["id"], "ok": self._world.ask(asked)}
        except AbandonedError as error:
            return {"id": request["id"], "error": oracle.refusal(str(error))}

    def _of_id(self, chart: str, named: Json) -> History:
        return self._histories[chart][named]
