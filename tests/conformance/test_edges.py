"""Charts at the edges of the language conform: values that are zero, flags, entries without order.

Each chart is small, and holds what the charts of this project and of ``tests/other_workflow`` do
not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pingregistrywf import open_journal
from pingregistrywf.chart.ir import Arguments
from pingregistrywf.cli.adapter import reference
from pingregistrywf.conformance.assembly import suite_of
from pingregistrywf.conformance.run.result import Exit, RunResult, Scope
from pingregistrywf.conformance.run.runner import Plan, run
from pingregistrywf.conformance.run.transport import ObjectTransport
from pingregistrywf.conformance.suite.scenario import Scenario, Tell

FLAGS = """
chart: flags
version: "1.0.0"
title: Flags
states:
  Void: {code: 100, initial: true}
  Made: {code: 1}
carried:
  flag: {type: bool}
  number: {type: int32}
events:
  Made:
    wire: {name: MADE, number: 1}
    to: Made
    fields:
      id_of: {type: uuid, wire: 10}
      sure: {type: bool, wire: 11, nonzero: true}
      flag: {type: bool, wire: 12}
      number: {type: int32, wire: 13}
    set: {flag: flag, number: number}
commands:
  Make:
    args: {sure: {type: bool, nonzero: true}, flag: {type: bool}, number: {type: int32}}
    rules:
      - {in: [Void], emit: {Made: {id_of: {constant: FFFFFFFF-0000-0000-0000-00000000000F}}}}
  MakeNothing:
    args: {sure: {type: bool, nonzero: true}}
    rules:
      - in: [Void]
        emit:
          Made:
            id_of: {constant: ffffffff-0000-0000-0000-00000000000f}
            flag: {constant: false}
            number: {constant: 0}
  Compare:
    args: {command: {type: string}, flag: {type: bool}, number: {type: int32}}
    rules:
      - {in: [Made], same: [flag, number], noop: The same., else: OtherError}
      - {in: [Void], error: {NotMadeError: {command: command}}}
errors:
  OtherError: {}
  NotMadeError: {fields: {command: {type: string}}}
"""
SEATS = """
chart: seats
version: "1.0.0"
title: Seats
keyed_by: seat
wire: {package: seats}
states:
  Free: {code: 0, initial: true}
  Held: {code: 1}
  Taken: {code: 2}
carried:
  price: {type: int32}
  paid_at: {type: ulid}
events:
  Held:
    wire: {name: HELD, number: 1}
    to: Held
    fields: {seat: {type: string, wire: 10, nonzero: true}}
  Taken:
    wire: {name: TAKEN, number: 2}
    to: Taken
    fields:
      seat: {type: string, wire: 10, nonzero: true}
      price: {type: int32, wire: 11}
      paid_at: {type: ulid, wire: 13, nonzero: true}
    when: {price: nonzero}
    set: {price: price, paid_at: paid_at}
  GivenBack:
    wire: {name: TAKEN, number: 2}
    to: Free
    fields: {seat: {type: string, wire: 10, nonzero: true}, price: {type: int32, wire: 11}}
    when: {price: zero}
commands:
  Hold:
    args: {seat: {type: string, nonzero: true}}
    rules: [{in: [Free], emit: Held}]
  Take:
    args:
      seat: {type: string, nonzero: true}
      price: {type: int32, nonzero: true}
      paid_at: {type: ulid, nonzero: true}
    rules: [{in: [Held], emit: Taken}]
  GiveBack:
    args: {seat: {type: string, nonzero: true}}
    rules: [{in: [Held, Taken], emit: {GivenBack: {price: {constant: 0}}}}]
errors:
  ManyError: {}
  SmallError: {}
snapshot:
  begin: {name: BEGIN, number: 3}
  state: {name: STATE, number: 4}
  end: {name: END, number: 5}
  message:
    field: seats
    wire: 12
    message: Seats
    entries: seats
    entries_wire: 1
    entries_message: Seat
    fields: {seat: 1, price: 2, paid_at: 3}
  order_by: paid_at
  states: {Taken: price, Held: null}
  limit: {entries: 2, error: ManyError}
  saving: {events: 1, base: 0, per_entry: 1, error: SmallError}
"""


BELL = """
chart: bell
version: "1.0.0"
title: Bell
wire: {package: bell}
states:
  Silent: {code: 0, initial: true}
  Rung: {code: 1}
events:
  Rung: {wire: {name: RUNG, number: 1}, to: Rung}
commands:
  Ring: {rules: [{in: [Silent], emit: Rung}]}
"""


def conform(files: list[Path], *levels: int) -> RunResult:
    with open_journal("memory:") as journal:
        adapter = reference(journal, files)
        plan = Plan(suite_of(files), Scope(levels, "n"))
        return run(plan, ObjectTransport(lambda: adapter.answer))


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    file = tmp_path / "flags.yaml"
    file.write_text(FLAGS, encoding="utf-8")
    return file


def test_flags_and_what_is_carried_as_zero(flags: Path) -> None:
    assert conform([flags], 1, 3).exit is Exit.CONFORMS


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ("Make", {"flag": True, "number": 5}),
        ("Make", {"flag": False, "number": 0}),
        ("MakeNothing", {}),
    ],
)
@pytest.mark.parametrize("differs", ["flag", "number"])
def test_same_arguments_are_those_carried_and_others_differ(
    flags: Path, made: str, given: dict[str, Any], differs: str
) -> None:
    suite = suite_of([flags])
    made_first = Tell(made, args=given)
    compared = (
        Tell("Compare", Arguments.SAME),
        Tell("Compare", Arguments.OTHER, differs=differs),
    )
    case = suite.compiler.compile(Scenario("", (made_first, *compared), chart=suite.chart.name))
    same, other = (step.expect for step in case.steps if step.send.get("command") == "Compare")
    assert same["ok"]["events"] == []
    assert other["error"]["code"] == "Other"


def test_two_charts_without_a_keyed_one(flags: Path, tmp_path: Path) -> None:
    bell = tmp_path / "bell.yaml"
    bell.write_text(BELL, encoding="utf-8")
    result = conform([flags, bell], 5)
    assert result.exit is Exit.CONFORMS
    assert not result.unclaimed


@pytest.mark.slow
def test_entries_that_do_not_have_what_orders_them(flags: Path, tmp_path: Path) -> None:
    seats = tmp_path / "seats.yaml"
    seats.write_text(SEATS, encoding="utf-8")
    assert conform([flags, seats], 5).exit is Exit.CONFORMS
