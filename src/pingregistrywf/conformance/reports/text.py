"""A report for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pingregistrywf.conformance.run.report import Failure, Report, steps_of

LOG_LINES = 10
"""So many last lines of the adapter's log are shown with a failure."""


def text(report: Report) -> str:
    """The report, the verdict last."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    if report.hello:
        told = report.hello
        yield f"{told.implementation} {told.version} ({told.language}), chart {report.chart}"
        yield ""
    for failure in report.failures:
        yield failure_text(failure)
        yield ""
    if report.differences:
        yield "The machine that the implementation has, beside the chart:"
        yield from (f"  {each}" for each in report.differences)
        yield ""
    explained = sum(1 + len(each.alike) for each in report.failures)
    left = len(report.unexpected) - explained
    if left > 0:
        yield f"{left:,} more cases failed; --json FILE lists them all."
        yield ""
    for each in report.by_level():
        yield f"level {each['level']}  {each['name']:<16} {_counts(each)}"
    for complaint in report.complaints:
        yield f"expected failures: {complaint}"
    yield report.verdict


def _counts(level: dict[str, Any]) -> str:
    if not level["claimed"] and level["not_claimed"]:
        return "not claimed"
    names = ("passed", "failed", "unsupported", "hangs", "not_claimed")
    told = [f"{level[name]:,} {name.replace('_', ' ')}" for name in names if level[name]]
    return ", ".join(told) or "no case"


def failure_text(failure: Failure) -> str:
    """One failure: what was said, what should have been, the rule, and how to see it again."""
    return "\n".join(_failure(failure))


def _failure(failure: Failure) -> Iterator[str]:
    case = failure.result.case
    yield f"FAILED {case.id}  level {case.level}, rule {case.rule}: {case.title}"
    yield f"  {failure.shortest.why}"
    if failure.prose:
        yield f"  the rule: {failure.prose}"
    for number, step in enumerate(steps_of(failure.shortest), start=1):
        if step["right"] and step["send"].get("op") in ("find", "events"):
            continue
        mark = " " if step["right"] else "✗"
        where = f" in {step['state']}" if step["state"] else ""
        yield f"  {mark} {number:>2} {_said(step['send'])}{where}"
        if not step["right"]:
            yield f"       expected {_compact(step['expect'])}"
            yield f"       got      {_compact(step['got'])}"
    if failure.note:
        yield f"  {failure.note}"
    if failure.shortest.log:
        yield "  the adapter's log:"
        yield from (f"    {line}" for line in failure.shortest.log.splitlines()[-LOG_LINES:])
    if failure.alike:
        yield f"  {len(failure.alike):,} more cases fail alike, such as {failure.alike[0]}"
    yield f"  replay: {failure.replay}"


def _said(send: dict[str, Any]) -> str:
    op = send.get("op")
    if op != "exec":
        return _compact({key: value for key, value in send.items() if key != "id"})
    args = ", ".join(f"{key}={_compact(value)}" for key, value in _items(send.get("args")))
    vid = f", vid {send['vid']}" if "vid" in send else ""
    server = f", server {send['server']}" if "server" in send else ""
    return f"{send.get('command')}({args}){vid}{server}"


def _items(args: Any) -> list[tuple[str, Any]]:
    return list(args.items()) if isinstance(args, dict) else [("args", args)]


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
