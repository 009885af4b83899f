"""The result of a run, written out: text, JSON, JUnit's XML, a page of HTML, a badge.

Each is a small pure function of the result; none judges anything.
"""

from pingregistrywf.conformance.reports.badge import badge
from pingregistrywf.conformance.reports.comparison import (
    comparison_json,
    comparison_page,
    comparison_text,
)
from pingregistrywf.conformance.reports.document import as_json
from pingregistrywf.conformance.reports.excuses import expected_failures
from pingregistrywf.conformance.reports.rendered import junit, page, text
from pingregistrywf.conformance.reports.write import put

__all__ = [
    "as_json",
    "badge",
    "comparison_json",
    "comparison_page",
    "comparison_text",
    "expected_failures",
    "junit",
    "page",
    "put",
    "text",
]
