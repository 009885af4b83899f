"""Values of TLA+ as Python values, read from the text in which TLC prints them.

Booleans, integers and strings are Python's.  A model value is a ``ModelValue``, a sequence a tuple,
a set a frozenset, and a function a ``PMap``.  A record is a function of strings.  All of them can
be hashed, and equal ones are equal.

TLC prints a function over ``1..n`` as a sequence, and the empty function as the empty sequence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from pyrsistent import PMap, pmap


@dataclass(frozen=True, slots=True)
class ModelValue:
    """A value that is equal to itself alone: a constant of the model that stands for itself."""

    name: str

    def __str__(self) -> str:
        return self.name


Value: TypeAlias = (
    "bool | int | str | ModelValue | tuple[Value, ...] | frozenset[Value] | PMap[Value, Value]"
)

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<name>[0-9]*[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>-?[0-9]+)
    | (?P<symbol>\|->|:>|@@|<<|>>|/\\|\.\.|[\[\](){},=])
    | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ESCAPED: Final = {"t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_ESCAPES: Final = str.maketrans(
    {'"': '\\"', "\\": "\\\\"} | {plain: f"\\{letter}" for letter, plain in _ESCAPED.items()}
)
_IDENTIFIER: Final = re.compile(r"[0-9]*[A-Za-z_][A-Za-z0-9_]*")


@lru_cache(maxsize=4096)  # the states of a behaviour have most of their values in common
def parse_value(text: str) -> Value:
    """Return the value that a text of TLC stands for.

    Raises:
        ValueError: the text is no value, or one of another kind, such as an infinite set.
    """
    reader = _Reader(text)
    value = reader.value()
    reader.expect("")
    return value


def parse_state(text: str) -> dict[str, Value]:
    r"""Return the variables of a state, which TLC prints as ``/\ name = value`` for each.

    Raises:
        ValueError: the text is no state.
    """
    reader = _Reader(text)
    variables: dict[str, Value] = {}
    while not reader.ended:
        reader.skip("/\\")
        name = reader.take()
        reader.expect("=")
        variables[name] = reader.value()
    return variables


def tla_text(value: Value) -> str:
    """Return a value as TLA+ writes it, in one line; sets and functions are sorted."""
    match value:
        case bool():
            return str(value).upper()
        case str():
            return '"' + value.translate(_ESCAPES) + '"'
        case tuple():
            return f"<<{', '.join(map(tla_text, value))}>>"
        case frozenset():
            return f"{{{', '.join(sorted(map(tla_text, value), key=_by_size))}}}"
        case PMap():
            return _function_text(value)
        case _:
            return str(value)


def _function_text(function: Mapping[Value, Value]) -> str:
    if all(isinstance(key, str) and _IDENTIFIER.fullmatch(key) for key in function):
        fields = (f"{key} |-> {tla_text(value)}" for key, value in function.items())
        return f"[{', '.join(sorted(fields))}]"
    pairs = (f"{tla_text(key)} :> {tla_text(value)}" for key, value in function.items())
    return f"({' @@ '.join(sorted(pairs, key=_by_size))})"


def _by_size(text: str) -> tuple[int, str]:
    """Sort shorter texts first, so that 2 comes before 10 and w2 before w10."""
    return len(text), text


class _Reader:
    """The tokens of a text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0

    @property
    def ended(self) -> bool:
        return self._tokens[self._next][1] == ""

    def take(self) -> str:
        """Return the next token, and go on."""
        token = self._tokens[self._next][1]
        self._next += 1
        return token

    def skip(self, symbol: str) -> bool:
        """Go on if this symbol is next, and return whether it was."""
        is_next = self._tokens[self._next] == ("symbol", symbol)
        self._next += is_next
        return is_next

    def expect(self, token: str) -> None:
        """Go on if this token is next."""
        found = self.take()
        if found != token:
            raise ValueError(f"{found or 'the end'} where {token or 'the end'} belongs")

    def value(self) -> Value:
        kind, word = self._tokens[self._next]
        self._next += 1
        match kind, word:
            case "text", _:
                return re.sub(r"\\(.)", lambda m: _ESCAPED.get(m[1], m[1]), word[1:-1])
            case "number", _:
                first = int(word)
                return frozenset(range(first, self._number() + 1)) if self.skip("..") else first
            case "name", ("TRUE" | "FALSE"):
                return word == "TRUE"
            case "name", _:
                return ModelValue(word)
            case _, "<<":
                return tuple(self._values(">>"))
            case _, "{":
                return frozenset(self._values("}"))
            case _, "[":
                return pmap(dict(self._fields()))
            case _, "(":
                return pmap(dict(self._pairs()))
        raise ValueError(f"{word or 'the end'} where a value belongs")

    def _number(self) -> int:
        return int(self.take())

    def _values(self, end: str) -> Iterator[Value]:
        if not self.skip(end):
            yield self.value()
            while not self.skip(end):
                self.expect(",")
                yield self.value()

    def _fields(self) -> Iterator[tuple[Value, Value]]:
        while True:
            name = self.take()
            self.expect("|->")
            yield name, self.value()
            if self.skip("]"):
                return
            self.expect(",")

    def _pairs(self) -> Iterator[tuple[Value, Value]]:
        while True:
            argument = self.value()
            self.expect(":>")
            yield argument, self.value()
            if self.skip(")"):
                return
            self.expect("@@")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield each token with its kind, at last the end as an empty one."""
    position = 0
    while True:
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"{text[position : position + 20]!r} is nothing that TLC prints")
        kind = found.lastgroup or ""
        yield kind, found[kind]
        if kind == "end":
            return
        position = found.end()
