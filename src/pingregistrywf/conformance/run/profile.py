"""Where an adapter spends its time: how long it takes to answer, by operation."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the answers to one kind of request took.

    Attributes:
        operation: the op; of exec the command, of run the operation.
        count: how many were answered.
        median: half of them took so many seconds at most.
        slow: 99 of 100 of them took so many seconds at most.
        total: the seconds of all of them.
    """

    operation: str
    count: int
    median: float
    slow: float
    total: float


class Stopwatch:
    """Takes the time from each request to its answer."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[str, float]] = {}
        self._took: dict[str, list[float]] = {}

    def sent(self, number: int, request: Mapping[str, Json]) -> None:
        """A request is on its way."""
        named = request.get("command", request.get("operation"))
        operation = f"{request['op']} {named}" if isinstance(named, str) else str(request["op"])
        self._sent[number] = (operation, time.perf_counter())

    def answered(self, number: int) -> None:
        """The answer to a request is there."""
        operation, start = self._sent.pop(number)
        self._took.setdefault(operation, []).append(time.perf_counter() - start)

    def timings(self) -> list[Timing]:
        """What was taken, the operation first that took most of the time."""
        rows = []
        for operation, took in self._took.items():
            took.sort()
            last = len(took) - 1
            median, slow = took[last // 2], took[math.ceil(0.99 * last)]
            rows.append(Timing(operation, len(took), median, slow, sum(took)))
        return sorted(rows, key=lambda row: (-row.total, row.operation))
