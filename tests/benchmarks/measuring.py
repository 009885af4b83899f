"""Contenders are measured in turn, round by round, and compared by the medians of their rounds.

A machine is faster or slower from minute to minute; contenders that are measured in turn share that
luck.  The garbage collector stays on, since users leave it on.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

Sample = Callable[[], float]
"""Measures one round of a contender; returns the seconds of an iteration."""
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.  What is there unless given takes less than 3 minutes on two cores.

    Attributes:
        rounds: how many rounds, where a round is short.
        few: the same where a round takes a second or more.
        seconds: how long a contender's round takes.
        appends: how many appends a contender's round makes, where it counts them.
        window: how many seconds several writers write in a round.
        writers: how many writers there are at once.
        short, long, longest: the pings of workflows.
        remembered: the pings of the workflow whose memory is measured.
        few_listed, listed: the workflows in an index.
    """

    rounds: int = 7
    few: int = 3
    seconds: float = 0.1
    appends: int = 200
    window: float = 0.6
    writers: int = 8
    short: int = 1_000
    long: int = 20_000
    longest: int = 200_000
    remembered: int = 100_000
    few_listed: int = 10
    listed: int = 10_000


TINY = Scale(
    rounds=1,
    few=1,
    seconds=0.0,
    appends=2,
    window=0.02,
    writers=2,
    short=2,
    long=4,
    longest=8,
    remembered=200,
    few_listed=2,
    listed=4,
)
"""Enough to see that everything still runs."""


def interleaved(samples: Mapping[Key, Sample], rounds: int) -> dict[Key, float]:
    """Return the median of each contender's rounds; every other round goes backwards."""
    found: dict[Key, list[float]] = {key: [] for key in samples}
    for number in range(rounds):
        for key in list(samples)[:: -1 if number % 2 else 1]:
            gc.collect()  # no contender pays for what another left
            found[key].append(samples[key]())
    return {key: statistics.median(each) for key, each in found.items()}


def repeated(act: Callable[[], object], seconds: float) -> Sample:
    """Return a sample that repeats an act for about that long; once before, for what is cached."""
    number = 0

    def sample() -> float:
        nonlocal number
        if not number:
            act()
            number = 1
            while number * counted(act, number) < seconds / 2:
                number *= 2
        return counted(act, number)

    return sample


def counted(act: Callable[[], object], number: int) -> float:
    """Return the seconds that an act takes, the mean of so many in a row."""
    begin = time.perf_counter()
    for _ in range(number):
        act()
    return (time.perf_counter() - begin) / number
