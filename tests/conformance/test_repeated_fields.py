"""Of a field that occurs several times the last counts, in events and in the entries of snapshots.

An implementation in which the first one counts is found, and by the cases that are about this.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pingregistrywf._generated.ping_registry_index import DECLARATION
from pingregistrywf.chart.locate import load_model
from pingregistrywf.conformance.run.result import Exit, Scope, Status
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite
from pingregistrywf.conformance.suite.encoding import varint

from .adversary import Answer, reference

INDEX = load_model().charts[DECLARATION.name]
LISTING = next(event.listing for event in INDEX.events.values() if event.listing)
BYTES = 2
"""The wire type of a message in a message."""


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The fields of a message: number, all bytes, and the content of those that are bytes."""
    place = 0

    def number() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        start = place
        tag = number()
        content = b""
        match tag & 7:
            case 0:
                number()
            case 1:
                place += 8
            case 2:
                size = number()
                content = data[place : place + size]
                place += size
            case 5:
                place += 4
            case _:
                raise ValueError("no such wire type is needed here")
        if place > len(data):
            raise ValueError("a field is longer than what is left")
        yield tag >> 3, data[start:place], content


def first_of_each(entry: bytes) -> bytes:
    """An entry without the fields that repeat an earlier one."""
    kept: dict[int, bytes] = {}
    for number, whole, _ in fields(entry):
        kept.setdefault(number, whole)
    return b"".join(kept.values())


def in_message(number: int, content: bytes) -> bytes:
    return bytes.fromhex(varint(number << 3 | BYTES) + varint(len(content))) + content


def first_wins(event: bytes) -> bytes:
    """An event in whose entries the first of several fields counts."""
    parts = []
    for number, whole, content in fields(event):
        if number != LISTING.wire:
            parts.append(whole)
            continue
        entries = (in_message(each, first_of_each(of_it)) for each, _, of_it in fields(content))
        parts.append(in_message(number, b"".join(entries)))
    return b"".join(parts)


def departing() -> Answer:
    """The reference, which keeps the first of several fields of an entry."""
    answer = reference().answer

    def changed(request: Any) -> Any:
        if request["op"] == "decode" and request.get("chart") == INDEX.name:
            try:
                data = first_wins(bytes.fromhex(request["bytes"])).hex()
            except (ValueError, IndexError):
                data = request["bytes"]
            request = request | {"bytes": data}
        return answer(request)

    return changed


@pytest.mark.slow
def test_an_implementation_that_keeps_the_first_is_found(suite: Suite) -> None:
    report = run(Plan(suite, Scope((5,), "n")), ObjectTransport(departing))
    assert report.exit is Exit.DEVIATES, report.verdict
    failed = {each.case.title for each in report.results if each.status is Status.FAILED}
    assert {title.partition(" with ")[2] for title in failed} == {
        f"an entry with {name} twice" for name in LISTING.fields
    }
