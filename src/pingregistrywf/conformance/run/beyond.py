"""Cases beyond the whole suite, of which so many are run that no result of each is kept.

What passes is counted.  Of the failures that look alike the first in the suite's order is kept, so
that it can be explained; the others are counted.  The memory of a run thus does not grow with the
number of its cases.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from itertools import count

from pingregistrywf.conformance.run.result import CaseResult, Status
from pingregistrywf.conformance.run.triage import alike
from pingregistrywf.conformance.suite.case import Case


class Beyond:
    """The results of such cases, while a run takes them.

    Attributes:
        planned: how many were sent.
        done: how many of them have ended.
    """

    def __init__(self) -> None:
        self.planned = 0
        self.done = 0
        self._counts: defaultdict[int, Counter[Status]] = defaultdict(Counter)
        self._numbers = count()
        self._under_way: dict[str, int] = {}
        self._first: dict[Hashable, tuple[int, CaseResult]] = {}

    def unclaimed(self, case: Case) -> None:
        """Count a case that the adapter does not claim."""
        self._counts[case.level][Status.NOT_CLAIMED] += 1

    def asked(self, case: Case) -> None:
        """Note a case that is sent."""
        self.planned += 1
        self._under_way[case.id] = next(self._numbers)

    def take(self, result: CaseResult) -> bool:
        """Take the result of a case; return False if the case is not one of these."""
        at = self._under_way.pop(result.case.id, None)
        if at is None:
            return False
        self.done += 1
        if result.status not in (Status.FAILED, Status.HANGS):
            self._counts[result.case.level][result.status] += 1
            return True
        look = alike(result)
        both = sorted([(at, result), *filter(None, [self._first.get(look)])], key=_number)
        self._first[look] = both[0]
        for _, other in both[1:]:
            self._counts[other.case.level][other.status] += 1
        return True

    def count(self, status: Status) -> int:
        """How many of those that are not kept came out so."""
        return sum(counts[status] for counts in self._counts.values())

    def kept(self) -> list[CaseResult]:
        """The results that are kept, in the suite's order."""
        return [result for _, result in sorted(self._first.values(), key=_number)]

    @property
    def left(self) -> int:
        """How many were sent and have not ended."""
        return self.planned - self.done

    @property
    def counted(self) -> Mapping[int, Mapping[Status, int]]:
        """How many are not kept, by level and by how they came out."""
        return {level: Counter(counts) for level, counts in sorted(self._counts.items())}


def _number(numbered: tuple[int, CaseResult]) -> int:
    return numbered[0]
