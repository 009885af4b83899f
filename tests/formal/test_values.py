"""What TLC prints becomes a Python value, and a value becomes TLA+ again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import pmap

from pingregistrywf.formal.values import ModelValue, Value, parse_state, parse_value, tla_text

A, B = ModelValue("a"), ModelValue("b")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE", True),
        ("-12", -12),
        ('"a\\"b\\\\c\\td"', 'a"b\\c\td'),
        ("w1", ModelValue("w1")),
        ("1w", ModelValue("1w")),
        ("<< >>", ()),
        ("<<1, <<FALSE>>>>", (1, (False,))),
        ("{}", frozenset()),
        ('{"x", "y"}', frozenset({"x", "y"})),
        ("2..4", frozenset({2, 3, 4})),
        ("2..1", frozenset()),
        ("[who |-> a, at |-> 0]", pmap({"who": A, "at": 0})),
        ("(a :> 1 @@ b :> [n |-> {1}])", pmap({A: 1, B: pmap({"n": frozenset({1})})})),
        ("(<<a, 1>> :>\n  2)", pmap({(A, 1): 2})),
    ],
)
def test_a_value(text: str, value: Value) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_a_state() -> None:
    text = '/\\ log = <<[at |-> 0],\n  [at |-> 1]>>\n/\\ text = "/\\\\ x = 1"\n'
    assert parse_state(text) == {"log": (pmap({"at": 0}), pmap({"at": 1})), "text": "/\\ x = 1"}
    assert parse_state("n = 0") == {"n": 0}


@pytest.mark.parametrize(
    "text", ["", "1 2", "<<1", "[a |-> 1", "(a :> 1", "{1,}", "a'", "SUBSET {1}", '"open']
)
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"where|nothing that TLC prints"):
        parse_value(text)


def test_a_value_is_written_in_a_fixed_order() -> None:
    assert tla_text(frozenset({10, 9, 2})) == "{2, 9, 10}"
    assert tla_text(pmap({B: 1, A: 2})) == "(a :> 2 @@ b :> 1)"
    assert tla_text(pmap({"b": (), "a": True})) == "[a |-> TRUE, b |-> <<>>]"
    assert tla_text(pmap({"not a name": 1})) == '("not a name" :> 1)'


scalars = (
    st.integers()
    | st.text(st.characters(codec="utf-8"))
    | st.from_regex(r"[a-z][A-Za-z0-9_]*", fullmatch=True).map(ModelValue)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner).map(tuple)
        | st.frozensets(inner)
        | st.dictionaries(inner, inner, min_size=1).map(pmap)
    ),
    max_leaves=8,
)


@given(values)
def test_what_is_written_reads_as_the_same_value(value: Value) -> None:
    assert parse_value(tla_text(value)) == value
