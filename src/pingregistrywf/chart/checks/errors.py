"""Errors: those that are named exist, those that are declared are named, and each has its place."""

from __future__ import annotations

from typing import Final

from pingregistrywf.chart.ir import CONFLICT, NOT_IDEMPOTENT, STANDARD_ERRORS
from pingregistrywf.chart.mistakes import Path, Report, closest
from pingregistrywf.chart.vocabulary import Chart

RUNTIME_ERRORS: Final = (
    *STANDARD_ERRORS,
    *("BehaviorError", "ChartChangedError", "CorruptedDataError", "DBError", "DeclaredError"),
    *("DiskFullError", "EventTypeError", "FeedPositionGoneError", "HistoryDeletedError"),
    *("HistoryExistsError", "InvalidCommandError", "JournalBusyError", "JournalClosedError"),
    *("JournalEntryParentMismatchError", "JournalError", "JournalLevelError", "JournalOpenError"),
    *("JournalUnusableError", "LockTimeoutError", "MalformedEventError", "MalformedExportError"),
    *("NewEventsError", "PositionGoneError", "RetryNoVCError", "UninitializedError"),
    *("UnknownHistoryError", "UnsoundError", "VersionConflictError", "WorkflowError"),
)
"""The errors of the run time."""


def check_errors(chart: Chart, report: Report) -> None:
    """Check the errors that a chart declares, and its ``otherwise``."""
    if chart.otherwise == NOT_IDEMPOTENT:
        what = f"otherwise rejects with {NOT_IDEMPOTENT} but compares no argument"
        report.say(("otherwise",), what, f"write {CONFLICT}, or an error of your own")
    else:
        check_bare_error(chart, report, chart.otherwise, ("otherwise",))
    named = set(chart.named_errors)
    if chart.snapshot:
        named |= {chart.snapshot.limit.error, chart.snapshot.saving.error}
    unknown = named.difference(chart.errors, STANDARD_ERRORS)
    for name, error in chart.errors.items():
        at = ("errors", name)
        if name in STANDARD_ERRORS:
            if error.fields:
                what = f"{name} is the same in every chart"
                report.say((*at, "fields"), what, "remove its fields; only its prose is yours")
        elif name in RUNTIME_ERRORS:
            what = f"{name} is an error of the run time, which no rule can name"
            report.say(at, what, "write another name")
        elif name not in named and not any(closest(each, [name]) for each in unknown):
            report.say(at, f"no rule names the error {name}", "write a rule, or remove it")


def known_error(chart: Chart, report: Report, name: str, at: Path) -> str | None:
    """Look up an error that is named, as ``Report.resolve`` does."""
    if name in RUNTIME_ERRORS and name not in STANDARD_ERRORS:
        what = f"{name} is an error of the run time, which no rule can name"
        report.say(at, what, "write an error of your own, declared under errors")
        return None
    return report.resolve(name, dict.fromkeys((*chart.errors, *STANDARD_ERRORS)), at, "error")


def check_bare_error(chart: Chart, report: Report, name: str, at: Path) -> None:
    """Check an error that is named where no values for its fields can be given."""
    error = known_error(chart, report, name, at)
    if error in chart.errors and error not in STANDARD_ERRORS and chart.errors[error].fields:
        what = f"{error} has fields, and nothing gives them values here"
        report.say(at, what, "name an error without fields")
