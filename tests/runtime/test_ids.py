"""ULIDs: order, text, time; and the source of ids that grow within a history."""

from __future__ import annotations

import copy
import pickle
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pingregistrywf import EPOCH, NO_VC, RETRY_NO_VC, Ulid, UlidSource
from pingregistrywf.testing.journal import TurnedClock

LAST = Ulid(b"\xff" * 16)
SIXTEEN = st.binary(min_size=16, max_size=16)


def number(ulid: Ulid) -> int:
    return int.from_bytes(ulid.bytes, "big")


# --- The value -------------------------------------------------------------------------------


@given(SIXTEEN, SIXTEEN)
def test_ulids_are_ordered_as_their_bytes_and_as_their_text(one: bytes, other: bytes) -> None:
    left, right = Ulid(one), Ulid(other)
    assert (left < right) == (one < other) == (str(left) < str(right))
    assert (left == right) == (one == other) == (str(left) == str(right))


@given(SIXTEEN)
def test_text_and_bytes_name_the_same_ulid(data: bytes) -> None:
    ulid = Ulid(data)
    assert len(str(ulid)) == 26
    assert Ulid.parse(str(ulid)) == ulid


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (bytes(16), "00000000000000000000000000"),
        ((1).to_bytes(16, "big"), "00000000000000000000000001"),
        ((32).to_bytes(16, "big"), "00000000000000000000000010"),
        (b"\xff" * 16, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        (bytes.fromhex("01563df3644c6b2e8f2e1a2b3c4d5e6f"), "01ARYZ6S2CDCQ8YBGT5CY4TQKF"),
    ],
)
def test_known_texts(data: bytes, text: str) -> None:
    assert str(Ulid(data)) == text
    assert Ulid.parse(text).bytes == data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "01aryz6s2cdcq8ybgt5cy4tqkf",
        "01ARYZ6S2CDCQ8YBGT5CY4TQK",
        "01ARYZ6S2CDCQ8YBGT5CY4TQKFF",
        "0IARYZ6S2CDCQ8YBGT5CY4TQKF",
        "0LARYZ6S2CDCQ8YBGT5CY4TQKF",
        "0OARYZ6S2CDCQ8YBGT5CY4TQKF",
        "0UARYZ6S2CDCQ8YBGT5CY4TQKF",
        " 1ARYZ6S2CDCQ8YBGT5CY4TQKF",
        "01ARYZ6S2CDCQ8YBGT5CY4TQK\n",
        "01ARYZ6S2CDCQ8YBGT5CY4TQK٣",
        "01ARYZ6S2C-DCQ8YBGT5CY4TQK",
    ],
)
def test_only_the_canonical_text_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="not a ULID"):
        Ulid.parse(text)


@given(st.text(max_size=30) | st.from_regex(r"\A[0-7][0-9A-Z]{25}\Z"))
def test_any_other_text_is_refused(text: str) -> None:
    try:
        ulid = Ulid.parse(text)
    except ValueError:
        return
    assert str(ulid) == text


@pytest.mark.parametrize("value", [None, 7, b"0" * 26, ["0"] * 26])
def test_only_text_is_parsed(value: object) -> None:
    with pytest.raises(ValueError, match="not a ULID"):
        Ulid.parse(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value", [b"", bytes(15), bytes(17), "0" * 16, None, 5, bytearray(16), memoryview(bytes(16))]
)
def test_a_ulid_is_sixteen_bytes(value: object) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Ulid(value)  # type: ignore[arg-type]


def test_the_time_of_a_ulid() -> None:
    moment = Ulid((1_700_000_000_123).to_bytes(6, "big") + bytes(10))
    assert moment.milliseconds == 1_700_000_000_123
    assert moment.time == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
    assert EPOCH.time == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_time_that_python_cannot_say_is_its_last() -> None:
    assert LAST.time == datetime.max.replace(tzinfo=UTC)


def test_only_the_epoch_is_false() -> None:
    assert not EPOCH
    assert Ulid((1).to_bytes(16, "big"))
    assert LAST


def test_a_ulid_is_a_frozen_value() -> None:
    ulid = Ulid(bytes(range(16)))
    with pytest.raises(AttributeError):
        ulid.bytes = bytes(16)  # type: ignore[misc]
    assert hash(ulid) == hash(Ulid(bytes(range(16))))
    for copied in (pickle.loads(pickle.dumps(ulid)), copy.copy(ulid), copy.deepcopy(ulid)):
        assert copied == ulid
    assert eval(repr(ulid).replace("Ulid(", "Ulid.parse("), {"Ulid": Ulid}) == ulid


def test_a_ulid_equals_no_bytes() -> None:
    assert bytes(16) != EPOCH
    with pytest.raises(TypeError):
        _ = bytes(16) > EPOCH  # type: ignore[operator]


def test_version_control_is_no_ulid() -> None:
    assert NO_VC.value == Ulid((1).to_bytes(16, "big"))
    assert RETRY_NO_VC.value == Ulid((2).to_bytes(16, "big"))
    assert Ulid((1).to_bytes(16, "big")) != NO_VC
    for constant in (NO_VC, RETRY_NO_VC):
        assert pickle.loads(pickle.dumps(constant)) is constant
        assert copy.deepcopy(constant) is constant
    assert repr(NO_VC) == "NO_VC"


# --- The source ------------------------------------------------------------------------------


def test_an_id_says_the_clock_and_then_the_randomness() -> None:
    drawn = UlidSource(TurnedClock(12.345), lambda size: b"\xab" * size).next(EPOCH)
    assert drawn.bytes == (12_345).to_bytes(6, "big") + b"\xab" * 10


def test_ids_grow_within_a_millisecond() -> None:
    source = UlidSource(TurnedClock(), lambda size: bytes(size))
    first = source.next(EPOCH)
    second = source.next(first)
    third = source.next(second)
    assert first < second < third
    assert number(third) == number(first) + 2
    assert first.milliseconds == third.milliseconds


def test_ids_grow_within_a_millisecond_whatever_is_drawn() -> None:
    drawn = random.Random(5)
    source = UlidSource(TurnedClock(), drawn.randbytes)
    last = EPOCH
    for _ in range(1000):
        new = source.next(last)
        assert new > last
        last = new


def test_ids_grow_when_the_clock_goes_back() -> None:
    clock = TurnedClock()
    source = UlidSource(clock)
    first = source.next(EPOCH)
    clock.now -= 3600
    second = source.next(first)
    assert second > first
    clock.now += 7200
    third = source.next(second)
    assert third > second
    assert third.milliseconds == int(clock.now * 1000)


def test_counting_on_carries_into_the_next_millisecond() -> None:
    full = Ulid((7).to_bytes(6, "big") + b"\xff" * 10)
    source = UlidSource(TurnedClock(0.0), bytes)
    assert source.next(full) == Ulid((8).to_bytes(6, "big") + bytes(10))


def test_two_writers_whose_clocks_are_behind_draw_different_ids() -> None:
    """Else one could not tell whose event follows a head."""
    head = UlidSource(TurnedClock(2.0)).next(EPOCH)
    one, other = (UlidSource(TurnedClock(1.0)).next(head) for _ in range(2))
    assert len({head, one, other}) == 3
    assert min(one, other) > head


def test_a_drawn_id_that_equals_the_one_before_is_not_given_again() -> None:
    source = UlidSource(TurnedClock(1.0), lambda size: bytes(size))
    first = source.next(EPOCH)
    assert source.next(first) != first


def test_there_is_no_id_after_the_last() -> None:
    with pytest.raises(OverflowError, match="greater"):
        UlidSource(TurnedClock()).next(LAST)


@pytest.mark.parametrize("now", [-1.0, 2.0**48])
def test_a_clock_that_no_ulid_can_say(now: float) -> None:
    with pytest.raises(OverflowError, match="clock"):
        UlidSource(TurnedClock(now)).next(EPOCH)


def test_the_epoch_is_never_drawn() -> None:
    source = UlidSource(TurnedClock(0.0), lambda size: bytes(size))
    assert source.next(EPOCH) == Ulid((1).to_bytes(16, "big"))
