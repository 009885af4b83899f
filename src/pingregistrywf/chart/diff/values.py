"""Changes of states, carried values, records and errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pingregistrywf.chart.diff.change import AS_BEFORE, Change
from pingregistrywf.chart.diff.pairing import KINDS, Pairing
from pingregistrywf.chart.ir import Carried, Chart, Value


def value_changes(old: Chart, new: Chart, pairing: Pairing) -> Iterator[Change]:
    """Yield the changes of what is carried, and of the states and errors beside their rules."""
    for kind in ("states", "records", "carried"):
        yield from _names(pairing, kind, getattr(old, kind), getattr(new, kind))
    yield from _names(pairing, "errors", old.own_errors, new.own_errors)
    for before, after in pairing.states.items():
        codes = old.states[before].code, new.states[after].code
        if codes[0] != codes[1]:
            yield Change(
                f"states.{after}.code",
                f"its code is {codes[1]}, and was {codes[0]}",
                implementations="compare with the new code",
            )
    for before, after in pairing.carried.items():
        yield from _carried(old.carried[before], new.carried[after], pairing)
    for before, after in pairing.records.items():
        path = f"records.{after}.fields"
        yield from _fields(path, old.records[before].fields, new.records[after].fields, stored=True)
    for before, after in pairing.errors.items():
        path = f"errors.{after}.fields"
        yield from _fields(path, old.errors[before].fields, new.errors[after].fields, stored=False)


def _names(
    pairing: Pairing, kind: str, old: Mapping[str, object], new: Mapping[str, object]
) -> Iterator[Change]:
    yield from pairing.name_changes(kind, old, new)
    known = pairing.pairs(kind, old, new).values()
    for name in new:
        if name not in known:
            yield Change(
                f"{kind}.{name}",
                f"the {KINDS[kind]} {name} is new",
                implementations="deviate until they have it",
            )


def _carried(before: Carried, after: Carried, pairing: Pairing) -> Iterator[Change]:
    path = f"carried.{after.name}"
    record = before.record and pairing.records.get(before.record)
    if (before.kind, before.type, record) != (after.kind, after.type, after.record):
        yield Change(
            path,
            "it is carried in another way",
            stored="are read with another value",
            implementations="deviate until they carry the same",
            breaks=True,
            remedy="keep it, and carry another value beside it",
        )
    attribute = after.name if before.attribute == before.name else before.attribute
    if (attribute, before.count) != (after.attribute, after.count):
        yield Change(path, "its name in Python changed", implementations="use the new name")


def _fields(
    path: str, old: Mapping[str, Value], new: Mapping[str, Value], *, stored: bool
) -> Iterator[Change]:
    read = "are read with other records" if stored else AS_BEFORE
    for name, field in old.items():
        if name not in new or new[name].type is not field.type:
            what = "is gone" if name not in new else f"is of type {new[name].type}"
            yield Change(
                f"{path}.{name}",
                f"the field {what}",
                stored=read,
                implementations="use the field as it was",
                breaks=True,
                remedy="keep it, and add another field",
            )
    for name in new:
        if name not in old:
            yield Change(
                f"{path}.{name}",
                "the field is new",
                stored="have it as well, from the events" if stored else AS_BEFORE,
                implementations="deviate until they have it",
            )
