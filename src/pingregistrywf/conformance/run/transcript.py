"""What was sent and answered in a case, written down for readers if the case fails.

Readers see names in place of ids, also of ids for which the case has no name, so that a failure
reads the same in every run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.run.difference import WIRE, of_replies
from pingregistrywf.conformance.run.in_bytes import difference_in_bytes, fields_of
from pingregistrywf.conformance.run.matching import Names, id_hex
from pingregistrywf.conformance.run.result import CaseResult, Exchange, Status
from pingregistrywf.conformance.suite.case import Case, Step
from pingregistrywf.conformance.suite.compile import LAST_ULID

Json: TypeAlias = Any
Text: TypeAlias = Callable[[str, str], str]
"""Rewrites a text; takes the key that it stands under, and the text."""

DIED: Final = "died"
BROKEN: Final = "broken"
"""Keys in place of an answer: the adapter ended, or broke the protocol; the value says how."""
_BYTES: Final = (WIRE, "bytes")
_ID: Final = re.compile(
    r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|[0-7][0-9A-HJKMNP-TV-Z]{25})\b"
)
_FIXED: Final = frozenset({EPOCH, LAST_ULID, f"{1:026d}", f"{2:026d}"})
"""Ids that are the same in every run."""


@dataclass(slots=True)
class _Line:
    step: Step
    sent: Mapping[str, Json]
    got: Json
    right: bool
    why: str


class Transcript:
    """The requests and answers of one case, and what the names of the case stand for.

    Args:
        charts: the charts of the case, by their names.
    """

    def __init__(self, names: Names, charts: Mapping[str, Chart]) -> None:
        self._names = names
        self._charts = charts
        self._lines: list[_Line] = []

    def add(
        self, step: Step, sent: Mapping[str, Json], got: Json, *, right: bool, why: str = ""
    ) -> None:
        """Add a request, its answer, and whether that is the answer expected.

        ``why`` says what is wrong where the two do not show it.
        """
        self._lines.append(_Line(step, sent, got, right, why))

    def contradict(self, step: Step, why: str) -> None:
        """Call the last answer to a step wrong, after all, and say why."""
        line = next(each for each in reversed(self._lines) if each.step is step)
        line.right, line.why = False, why

    def failed(self, case: Case, why: str) -> CaseResult:
        """Return the result of a case that failed."""
        readable = _Readable(self._names.known)
        exchanges = []
        for line in self._lines:
            # What the case spells out, such as a chart's constants, is known as what was sent is.
            send = readable.sent(dict(line.sent))
            expect = readable.sent(self._names.expected(dict(line.step.expect) or None))
            got, differs = line.got, line.why
            if got and got.keys() & {DIED, BROKEN}:
                differs = next(iter(got.values()))
                why = why if line.right else differs
                got = None
            got = readable.answered(got)
            differs = "" if line.right else readable.answered(differs)
            exchanges.append(Exchange(line.step, send, expect, got, line.right, differs))
        why = readable.answered(why)
        in_bytes = _NamesInBytes(readable.names)
        shown = (self._shown(each, case, in_bytes) for each in exchanges)
        return CaseResult(case, Status.FAILED, why, tuple(shown))

    def _shown(self, exchange: Exchange, case: Case, names: _NamesInBytes) -> Exchange:
        """Return an exchange with names also in bytes, and with where its answer differs."""
        drop = "" if case.scenario.wire else WIRE  # bytes that were not asked for
        send, expect = names.put_in(exchange.send), names.put_in(exchange.expect)
        got, differs = names.put_in(exchange.got, drop), exchange.differs
        if not exchange.right and not differs:
            chart = self._charts[exchange.step.send.get("chart", case.chart)]
            differs = of_replies(expect, got, partial(names.difference, chart))
        return replace(exchange, send=send, expect=expect, got=got, differs=differs)


class _Readable:
    """Puts names in the place of ids.

    Args:
        known: the ids for which the case has names, by these.

    Attributes:
        names: what every id is called that was seen so far.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.names = {text: name for name, text in known.items()}
        self._unknown = count(1)

    def sent(self, value: Json) -> Json:
        """Return what was sent or expected: its ids are known from now on, as they are."""
        return self._with_names(value, lambda text: self.names.setdefault(text, text))

    def answered(self, value: Json) -> Json:
        """Return what was answered: its ids get names if nothing has named them before."""
        return self._with_names(value, self._named)

    def _named(self, text: str) -> str:
        if text not in self.names:
            self.names[text] = text if text in _FIXED else f"unknown{next(self._unknown)}"
        return self.names[text]

    def _with_names(self, value: Json, name: Callable[[str], str]) -> Json:
        def rewritten(_key: str, text: str) -> str:
            return self.names.get(text) or _ID.sub(lambda found: name(found.group()), text)

        return _rewritten(value, rewritten)


class _NamesInBytes:
    """Puts names in the place of ids in the bytes of events.

    Args:
        names: what each id is called.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {
            id_hex(text): name
            for text, name in names.items()
            if name != text and _ID.fullmatch(text)  # a name of a registry has no bytes
        }
        self._digits = {name: digits for digits, name in self._names.items()}

    def put_in(self, value: Json, drop: str = "") -> Json:
        """Return a value with names in its bytes, and without the key to drop."""
        return _rewritten(value, self._replaced, drop)

    def difference(self, chart: Chart, expect: Mapping[str, Json], got: Mapping[str, Json]) -> str:
        """Return how the bytes of an event differ from those expected, in words."""
        if not isinstance(got[WIRE], str):
            return ""
        fields = fields_of(chart, str(expect.get("event")))
        return difference_in_bytes(expect[WIRE], got[WIRE], self._digits, fields)

    def _replaced(self, key: str, text: str) -> str:
        if key in _BYTES:
            for digits, name in self._names.items():
                text = text.replace(digits, f"{{{name}}}")
        return text


def _rewritten(value: Json, text: Text, drop: str = "", key: str = "") -> Json:
    """A value with each text in it rewritten, and without the keys to drop."""
    match value:
        case str():
            return text(key, value)
        case list():
            return [_rewritten(each, text, drop, key) for each in value]
        case dict():
            return {
                name: _rewritten(each, text, drop, name)
                for name, each in value.items()
                if name != drop
            }
        case _:
            return value
