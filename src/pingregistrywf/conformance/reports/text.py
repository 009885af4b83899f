"""The result of a run, for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from pingregistrywf.conformance.reports.printable import printable
from pingregistrywf.conformance.reports.steps import abridged, steps_of
from pingregistrywf.conformance.run.result import Exit, Failure, RunResult, counted

LOG_LINES: Final = 10
"""So many of the first and of the last lines of the adapter's log are shown with a failure."""
LOG_WIDTH: Final = 200
"""So many characters of each."""


def text(run: RunResult) -> str:
    """Return the text; the verdict is its last line."""
    return printable("\n".join(_lines(run))) + "\n"


def _lines(run: RunResult) -> Iterator[str]:
    if run.hello:
        of = run.hello
        yield f"{of.implementation} {of.version} ({of.language}), chart {run.chart}"
        yield ""
    for failure in run.failures:
        yield failure_text(failure)
        yield ""
    if run.differences:
        yield "The machine that the implementation has, beside the chart:"
        yield from (f"  {each}" for each in run.differences)
        yield ""
    explained = sum(1 + len(each.alike) for each in run.failures)
    left = len(run.unexpected) - explained
    if left > 0:
        yield f"{counted(left, 'more case')} failed; --json FILE lists them all."
        yield ""
    for each in run.by_level():
        yield f"level {each['level']}  {each['name']:<16} {_counts(each)}"
    yield ""
    yield from notes(run)
    yield run.verdict


def notes(run: RunResult) -> list[str]:
    """Return what a reader must know beside the verdict."""
    lines = [f"expected failures: {each}" for each in run.complaints]
    if run.exit is not Exit.INFRASTRUCTURE and run.trouble:
        lines.append(f"trouble: {run.trouble}")
    if run.exit is not Exit.INCOMPLETE:
        lines += [f"incomplete: {each}" for each in run.missing]
    return lines


def _counts(level: dict[str, Any]) -> str:
    lacking = f"not claimed ({', '.join(level['lacking'])})" if level["lacking"] else ""
    names = ("passed", "failed", "unsupported", "hangs")
    counts = [f"{level[name]:,} {name}" for name in names if level[name]]
    if lacking:
        counts.append(f"{level['not_claimed']:,} {lacking}")
    return ", ".join(counts) or "no case"


def failure_text(failure: Failure) -> str:
    """Return one failure: its steps, what differs, the rule, and how to run it again."""
    return printable("\n".join(_failure(failure)))


def _failure(failure: Failure) -> Iterator[str]:
    case = failure.result.case
    status = failure.result.status.upper()
    yield f"{status} {case.id}  level {case.level}"
    yield f"  {failure.shortest.why}"
    if failure.prose:
        yield f"  the rule {failure.rule}: {failure.prose}"
    for number, step in abridged(steps_of(failure.shortest)):
        if step is None:
            yield f"       … {number:,} more steps …"
            continue
        where = f" in {step['state']}" if step["state"] else ""
        yield f"  {' ' if step['right'] else '✗'} {number:>3} {call(step['send'])}{where}"
        if not step["right"]:
            yield f"        expected {compact(step['expect'])}"
            yield f"        got      {compact(step['got']) if step['got'] else 'nothing'}"
            if step["differs"]:
                yield f"        differs  {step['differs']}"
    if failure.note:
        yield f"  {failure.note}"
    if failure.shortest.log:
        yield "  the adapter's log:"
        lines = ends(failure.shortest.log.splitlines())
        yield from (f"    {line[:LOG_WIDTH]}" for line in lines)
    if failure.alike:
        yield f"  {counted(len(failure.alike), 'more case')} alike, such as {failure.alike[0]}"
    yield f"  met in: {case.title}"
    yield f"  replay: {failure.replay}"


def ends(lines: list[str]) -> list[str]:
    """The first and the last lines of a log: some languages put the cause first, others last."""
    left_out = len(lines) - 2 * LOG_LINES
    if left_out <= 1:
        return lines
    return [*lines[:LOG_LINES], f"… {left_out:,} more lines …", *lines[-LOG_LINES:]]


def call(send: dict[str, Any]) -> str:
    """Return a request as the call of a function."""
    op = send.get("op")
    if op != "exec":
        return compact({key: value for key, value in send.items() if key != "id"})
    args = ", ".join(f"{key}={compact(value)}" for key, value in _items(send.get("args")))
    vid = f", vid {send['vid']}" if "vid" in send else ""
    server = f", server {send['server']}" if "server" in send else ""
    return f"{send.get('command')}({args}){vid}{server}"


def _items(args: Any) -> list[tuple[str, Any]]:
    return list(args.items()) if isinstance(args, dict) else [("args", args)]


def compact(value: Any) -> str:
    """Return a value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
