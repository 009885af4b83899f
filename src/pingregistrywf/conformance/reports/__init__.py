"""A report written out: for a terminal, as JSON, JUnit's XML and HTML, and as a badge.

Each is a small pure function of a report; none judges anything.
"""

from __future__ import annotations

import json

from pingregistrywf.conformance.reports.badge import badge
from pingregistrywf.conformance.reports.junit import junit
from pingregistrywf.conformance.reports.page import page
from pingregistrywf.conformance.reports.text import text
from pingregistrywf.conformance.reports.write import put
from pingregistrywf.conformance.run.result import RunResult

__all__ = ["as_json", "badge", "junit", "page", "put", "text"]


def as_json(report: RunResult) -> str:
    """The report as JSON, for tools."""
    text = json.dumps(report.document(), indent=2, ensure_ascii=False) + "\n"
    # An unpaired surrogate, which UTF-8 does not have, becomes its escape.
    return text.encode("utf-8", "backslashreplace").decode()
