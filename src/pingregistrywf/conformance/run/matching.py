"""Compares answers with what a case expects, and learns the ids that its names stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID, uuid5

from pingregistrywf.conformance.oracle import EPOCH
from pingregistrywf.conformance.suite.case import Hex, Ref, Time
from pingregistrywf.conformance.suite.encoding import time_of, ulid_hex

Json: TypeAlias = Any
SHOWN: Final = 60
"""So many characters of what is no id are quoted."""
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


class Names:
    """What the names of a case stand for in one run of it.

    Attributes:
        known: the ids that are known so far, by their names.
        broken: the rule for ids that the last answer broke, in words; empty if it broke none.

    Args:
        ids: the ids to make up, by name, and how.
        define: the events that names stand for.
    """

    def __init__(self, ids: Mapping[str, Json], define: Mapping[str, Json], random: Random) -> None:
        self.known: dict[str, str] = {}
        self.broken = ""
        self._define = define
        self._seen: dict[str, str] = {}
        # Ids in the order of their names, so that what is sorted by id is the same in every run.
        drawn = sorted(random.getrandbits(122) for _ in ids)
        for number, (name, how) in zip(drawn, sorted(ids.items()), strict=True):
            bits = number >> 60 << 64 | number & (1 << 60) - 1
            match how:
                case "uuid":
                    self.known[name] = str(UUID(int=bits, version=4))
                case "name":
                    self.known[name] = f"name-{bits:032x}"
                case {"name": [template, alphabet, length]}:
                    letters = "".join(Random(number).choices(alphabet, k=length))  # noqa: S311
                    self.known[name] = template.replace("*", letters)
        for name, how in ids.items():
            if isinstance(how, Mapping) and "uuid5" in how:
                namespace, prefix, base = how["uuid5"]
                self.known[name] = str(uuid5(UUID(namespace), prefix + self.known[base.name]))

    def fill(self, value: Json) -> Json:
        """A value to send, with what its names stand for."""
        kind = type(value)
        if kind is dict:
            if len(value) == 1 and "repeat" in value:
                text, times = value["repeat"]
                return text * times
            return {
                key: each if type(each) is str else self.fill(each) for key, each in value.items()
            }
        if kind is Ref:
            return self.known.get(value.name, "")
        if kind is Hex:
            return "".join(
                part if isinstance(part, str) else id_hex(self.known.get(part.name, ""))
                for part in value.parts
            )
        if kind is Time:
            return time_of(self.known.get(value.event.name, EPOCH)) + value.after
        if kind is list or kind is tuple:
            return [self.fill(each) for each in value]
        return value

    def fits(self, expected: Json, actual: Json) -> bool:
        """Whether a value is the one expected; a name that is not known yet is learned from it."""
        kind = type(expected)
        if kind is Ref:
            return self._fits_name(expected.name, actual)
        if kind is dict:
            if len(expected) == 1 and "repeat" in expected:
                return bool(self.fill(expected) == actual)
            return (
                type(actual) is dict
                and len(actual) == len(expected)
                and self._fit_all(expected, actual)
            )
        if kind is list:
            return (
                type(actual) is list
                and len(actual) == len(expected)
                and all(map(self.fits, expected, actual))
            )
        if kind is Hex:
            return bool(self.fill(expected) == actual)
        return type(actual) is kind and bool(expected == actual)

    def answers(self, expected: Mapping[str, Json], reply: Mapping[str, Json]) -> bool:
        """Whether a reply is the answer expected; of an error only the expected keys count."""
        self.broken = ""
        if "error" not in expected:
            return "ok" in reply and self.fits(expected["ok"], reply["ok"])
        error = reply.get("error")
        return isinstance(error, dict) and self._fit_all(expected["error"], error)

    def expected(self, value: Json) -> Json:
        """What was expected, events spelt out, for readers."""
        if isinstance(value, Ref):
            known = self._define.get(value.name)
            return value.name if known is None else self.expected(known)
        if isinstance(value, Hex):
            return "".join(
                part if isinstance(part, str) else f"{{{part.name}}}" for part in value.parts
            )
        if isinstance(value, Time):
            return self.fill(value)
        if isinstance(value, Mapping):
            if len(value) == 1 and "repeat" in value:
                return self.fill(value)
            return {key: self.expected(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.expected(each) for each in value]
        return value

    def _fit_all(self, expected: Mapping[str, Json], actual: Mapping[str, Json]) -> bool:
        return all(key in actual and self.fits(each, actual[key]) for key, each in expected.items())

    def _fits_name(self, name: str, actual: Json) -> bool:
        event = self._define.get(name)
        if event is not None:
            # Histories are read again and again: what looks just as before is right as before.
            looks = repr(actual)
            if self._seen.get(name) == looks:
                return True
            fits = self._is_event(event, actual)
            if fits:
                self._seen[name] = looks
            return fits
        known = self.known.get(name)
        if known is not None:
            return bool(known == actual)
        if actual == EPOCH:
            self.broken = f"{name} is the epoch, should be the id of an event"
            return False
        if not isinstance(actual, str) or not _ULID.fullmatch(actual):
            self.broken = f"{name} is {json.dumps(actual):.{SHOWN}}, should be a ULID"
            return False
        self.known[name] = actual
        return True

    def _is_event(self, expected: Mapping[str, Json], actual: Json) -> bool:
        if type(actual) is not dict:
            return False
        unasked = "wire" in actual and "wire" not in expected
        if len(actual) - unasked != len(expected) or not self._fit_all(expected, actual):
            return False
        own, parent = expected["id"], expected["parent"]
        # Within a history ids grow strictly (documentation: Behaviour, section 8, point 9).
        if type(own) is Ref and actual["parent"] >= actual["id"]:
            before = parent.name if type(parent) is Ref else "the epoch"
            self.broken = f"{own.name} is not greater than {before}: ids of a history must grow"
            return False
        return True


def id_hex(id: str) -> str:
    """Return the bytes of a UUID or ULID as hexadecimal digits; none for an empty text."""
    return id.replace("-", "") if "-" in id or not id else ulid_hex(id)
