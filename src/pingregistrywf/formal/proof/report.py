"""What was proved, for people and for programs: a table, each counterexample, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pingregistrywf.formal.proof.obligations import Obligation

_HEADINGS: Final = ("clause", "cases", "result", "time")


def table(obligations: Sequence[Obligation]) -> str:
    """Return one line for each clause and consequence: in how many cases it is proved, or where
    not."""
    of_clause: dict[str, list[Obligation]] = {}
    for each in obligations:
        of_clause.setdefault(each.clause, []).append(each)
    rows = [_HEADINGS, *(_row(clause, cases) for clause, cases in of_clause.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    clause, count, result, time = widths
    return "\n".join(
        f"{row[0]:<{clause}}  {row[1]:>{count}}  {row[2]:<{result}}  {row[3]:>{time}}"
        for row in rows
    )


def _row(clause: str, cases: Sequence[Obligation]) -> tuple[str, str, str, str]:
    broken = [each.action for each in cases if each.counterexample]
    result = f"broken: {', '.join(broken)}" if broken else "proved"
    return clause, str(len(cases)), result, f"{sum(each.seconds for each in cases):.2f} s"


def explanation(obligation: Obligation) -> Iterator[str]:
    """Yield the lines that tell how a clause is broken; none if it is proved."""
    if (found := obligation.counterexample) is None:
        return
    yield f"{obligation.action} breaks {obligation.clause}"
    yield "  before, all clauses hold:"
    yield from (f"    {line}" for line in found.before)
    yield "  after it:"
    yield from (f"    {line}" for line in found.after)


def obligation_json(obligation: Obligation) -> dict[str, Any]:
    """Return what was decided as a JSON object."""
    found = obligation.counterexample
    fields = {
        "clause": obligation.clause,
        "action": obligation.action,
        "proved": found is None,
        "seconds": round(obligation.seconds, 3),
    }
    return fields if found is None else fields | {"before": found.before, "after": found.after}
