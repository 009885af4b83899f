"""How results are shown: nothing is cut, and what stands in a model is no markup."""

from __future__ import annotations

import pytest

from pingregistrywf.formal.report import show_violation, table
from pingregistrywf.formal.tlc import Kind, Outcome, Violation
from pingregistrywf.formal.trace import State, Trace
from pingregistrywf.formal.values import Value
from pingregistrywf.formal.verification import Result


def result(name: str, seconds: float, *steps: dict[str, Value]) -> Result:
    """A property that holds, or one that these steps break."""
    violation = None
    if steps:
        states = (State(number, "Go", each) for number, each in enumerate(steps, 1))
        violation = Violation(Kind.INVARIANT, name, "", Trace(tuple(states)))
    return Result("Small", name, Outcome(5000000, 1234567, 31, seconds, violation), violation)


def test_the_table() -> None:
    holds, short, broken = result("Long", 9.96), result("Short", 0.5), result("Long", 2.0, {"x": 1})
    assert table([holds, short, broken]).splitlines() == [
        "property  result             distinct states  depth    time  sizes",
        "Long      violated at Small        2,469,134     31  12.0 s  Small, Small",
        "Short     holds                    1,234,567     31   0.5 s  Small",
    ]


def test_a_violation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = "as wide as the terminal, and wider"
    steps: list[dict[str, Value]] = [
        {"x": 1, "y": 2},
        {"x": "[bold]\x1b", "y": 2},
        {"x": long, "y": 3},
    ]
    show_violation(result("Short", 1.0, *steps), {})
    assert capsys.readouterr().out.splitlines() == [
        "The invariant Short does not hold at size Small:",
        "   1  initial state  x = 1  y = 2",
        '   2  Go             x = "[bold]\\x1b"',
        "   3  Go",
        f'      x = "{long}"',
        "      y = 3",
        "",
    ]


def test_nothing_is_shown_of_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    show_violation(result("Short", 1.0), {})
    assert capsys.readouterr().out == ""
