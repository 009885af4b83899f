"""Bytes are compared in one notation; the first that differs is marked, and its field is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pingregistrywf.conformance.run.in_bytes import difference_in_bytes, fields_of
from pingregistrywf.conformance.run.result import Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite import Suite

from .adversary import claiming, everywhere, reference

VID = "0180000000000000000000000000000a"
OTHER = "0180000000000000000000000000000b"
DIGITS = {"vid1": VID, "vid2": OTHER}
EXPECTED = "086f1210{vid1}1a020000"
CASES = {
    EXPECTED: "",
    f"086f1210{VID}1a020000": "",
    "08701210{vid1}1a020000": (
        "differs from byte 2 on, in the field event: it is 08[70]1210{vid1}1a020000, "
        "should be 08[6f]1210{vid1}1a020000"
    ),
    "086f1210{vid2}1a020000": (
        "differs from byte 5 on, in the field id: it is 086f1210[{vid2}]1a020000, "
        "should be 086f1210[{vid1}]1a020000"
    ),
    f"086f1210{VID[:-2]}0c1a020000": (
        "differs from byte 20 on, in the field id: it is …0000000000000000[0c]1a020000, "
        "should be …0000000000000000[0a]1a020000"
    ),
    "086f1210{vid1}1a0200": (
        "differs from byte 24 on, in the field parent: it is …{vid1}1a0200[the end], "
        "should be …{vid1}1a0200[00]"
    ),
    "086f1210{vid1}1a02000000": (
        "differs from byte 25 on, behind the last field: it is …{vid1}1a020000[00], "
        "should be …{vid1}1a020000[the end]"
    ),
    "086f{vid1}1a020000": (
        "differs from byte 3 on, where the field id begins: "
        f"it is 086f[01]{VID[2:]}1a020000, should be 086f[12]10{{vid1}}1a020000"
    ),
    f"086F1210{VID}1a020000": "has digits in upper case, should have them in lower case",
    "no digits": "",
}


@pytest.mark.parametrize(("got", "differs"), CASES.items())
def test_the_first_byte_that_differs(suite: Suite, got: str, differs: str) -> None:
    fields = fields_of(suite.chart, "PingRegistryStarted")
    assert difference_in_bytes(EXPECTED, got, DIGITS, fields) == differs


def test_a_field_of_a_message_in_a_list_is_named_with_all_that_it_is_in(suite: Suite) -> None:
    chart = suite.model.charts["ping_registry_index"]
    name = next(name for name, event in chart.events.items() if event.listing)
    fields = fields_of(chart, name)
    ((number, listed),) = ((at, each) for at, each in fields.items() if each.inside)
    ((entry, inside),) = listed.inside.items()
    one, key = next(iter(inside.inside.items()))

    def encoded(value: str) -> str:
        content = bytes([one << 3 | 2, 1]) + bytes.fromhex(value)
        for around in (entry, number):
            tag = around << 3 | 2
            key = bytes([tag]) if tag < 128 else bytes([tag & 0x7F | 0x80, tag >> 7])
            content = key + bytes([len(content)]) + content
        return content.hex()

    found = difference_in_bytes(encoded("01"), encoded("02"), {}, fields)
    assert f", in the field {key.name} of the field entry of the field {listed.name}: " in found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text + "00", " on, behind the last field: it is …"),
        (
            lambda text: text[:-2] + "ff",
            " on, in the field registry_id: it is …0080000000000003[ff]",
        ),
        (lambda text: text[:38] + "ff" + text[40:], " on, in the field id: it is …"),
        (str.upper, "ok.events[0].wire has digits in upper case, should have them in lower case"),
    ],
)
def test_a_report_says_where_bytes_differ(
    suite: Suite, change: Callable[[str], str], told: str
) -> None:
    broken = everywhere(lambda key, value: change(value) if key == "wire" else value)

    def adapter() -> Callable[[dict[str, object]], dict[str, object]]:
        return broken(claiming(reference().answer, without={"concurrent"}), "")

    report = run(Plan(suite, Scope((4,), "n"), fail_fast=1), ObjectTransport(adapter))
    (failure,) = report.failures
    (wrong,) = (each for each in failure.shortest.exchanges if not each.right)
    assert told in wrong.differs
    assert wrong.differs.count("[") in (1, 3)  # the number of the event, and what is marked
