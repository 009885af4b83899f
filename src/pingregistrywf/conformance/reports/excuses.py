"""What failed in a run, as a first file of expected failures."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from pingregistrywf.conformance.run.expected import written
from pingregistrywf.conformance.run.result import RunResult, Status

GRACE: Final = timedelta(days=90)
"""So long the entries hold."""


def expected_failures(run: RunResult, today: date) -> str:
    """Return the file's text: one entry a rule, each with what was seen first as its reason."""
    failed = [each for each in run.results if each.status is Status.FAILED]
    passed = [each.case for each in run.results if each.status is Status.PASSED]
    reasons = {each.case.id: each.why for each in failed}
    return written([each.case for each in failed], passed, reasons, today + GRACE)
