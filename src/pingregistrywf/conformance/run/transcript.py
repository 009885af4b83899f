"""What was sent and answered in a case, written down for readers if the case fails.

Readers see names in place of ids, also of ids for which the case has no name, so that a failure
reads the same in every run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Final, TypeAlias

from pingregistrywf.chart.ir import Chart
from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.run.difference import WIRE, InBytes, of_replies
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
        named = {text: name for name, text in self._names.known.items()}
        unknown = count(1)

        def told_id(text: str) -> str:
            return named.setdefault(text, text)

        def answered_id(text: str) -> str:
            if text not in named:
                named[text] = text if text in _FIXED else f"unknown{next(unknown)}"
            return named[text]

        def with_names(value: Json, name: Callable[[str], str]) -> Json:
            def rewritten(_key: str, text: str) -> str:
                return named.get(text) or _ID.sub(lambda found: name(found.group()), text)

            return _rewritten(value, rewritten)

        exchanges = []
        for line in self._lines:
            # What the case spells out, such as a chart's constants, is known as what was sent is.
            send = with_names(dict(line.sent), told_id)
            expect = with_names(self._names.expected(dict(line.step.expect) or None), told_id)
            got, differs = line.got, line.why
            if got and got.keys() & {DIED, BROKEN}:
                differs = next(iter(got.values()))
                why = why if line.right else differs
                got = None
            got = with_names(got, answered_id)
            differs = "" if line.right else with_names(differs, answered_id)
            exchanges.append(Exchange(line.step, send, expect, got, line.right, differs))
        why = with_names(why, answered_id)

        in_bytes = {
            id_hex(text): f"{{{name}}}"
            for text, name in named.items()
            if name != text and _ID.fullmatch(text)  # a name of a registry has no bytes
        }

        def names_in_bytes(key: str, text: str) -> str:
            if key in _BYTES:
                for digits, name in in_bytes.items():
                    text = text.replace(digits, name)
            return text

        digits = {name[1:-1]: each for each, name in in_bytes.items()}

        def differ(step: Step) -> InBytes:
            chart = self._charts[step.send.get("chart", case.chart)]

            def differ_in_bytes(expect: Mapping[str, Json], got: Mapping[str, Json]) -> str:
                given = got[WIRE]
                fields = fields_of(chart, str(expect.get("event")))
                return (
                    difference_in_bytes(expect[WIRE], given, digits, fields)
                    if isinstance(given, str)
                    else ""
                )

            return differ_in_bytes

        drop = "" if case.scenario.wire else WIRE  # bytes that were not asked for

        def shown(exchange: Exchange) -> Exchange:
            got = _rewritten(exchange.got, names_in_bytes, drop)
            expect = _rewritten(exchange.expect, names_in_bytes)
            differs = exchange.differs
            if not exchange.right and not differs:
                differs = of_replies(expect, got, differ(exchange.step))
            send = _rewritten(exchange.send, names_in_bytes)
            return replace(exchange, send=send, expect=expect, got=got, differs=differs)

        return CaseResult(case, Status.FAILED, why, tuple(map(shown, exchanges)))


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
