"""The result of a run as JUnit's XML: a test suite for each level, a test case for each case."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from pingregistrywf.conformance.reports.printable import printable
from pingregistrywf.conformance.reports.text import failure_text, text
from pingregistrywf.conformance.run.result import CaseResult, Failure, RunResult, Status


def junit(run: RunResult) -> str:
    """Return the XML."""
    root = ET.Element("testsuites", name=f"pingregistrywf {run.chart}")
    explained = {
        each: failure
        for failure in run.failures
        for each in (failure.result.case.id, *failure.alike)
    }
    totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for level in run.by_level():
        cases = [each for each in run.results if each.case.level == level["level"]]
        suite = ET.SubElement(root, "testsuite", name=f"level {level['level']}: {level['name']}")
        counts = {
            "tests": len(cases),
            "failures": sum(each.status is Status.FAILED for each in cases),
            "errors": sum(each.status is Status.HANGS for each in cases),
            "skipped": sum(
                each.status in (Status.NOT_CLAIMED, Status.UNSUPPORTED) for each in cases
            ),
        }
        for name, count in counts.items():
            suite.set(name, str(count))
            totals[name] += count
        for result in cases:
            _case(suite, result, explained.get(result.case.id))
    if run.trouble or run.missing or run.complaints:
        suite = ET.SubElement(root, "testsuite", name="the run", tests="1", errors="1")
        case = ET.SubElement(suite, "testcase", classname="run", name="the run is whole", time="0")
        ET.SubElement(case, "error", message=printable(run.verdict)).text = text(run)
        totals["tests"] += 1
        totals["errors"] += 1
    for name, count in totals.items():
        root.set(name, str(count))
    root.set("time", f"{run.seconds:.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, result: CaseResult, failure: Failure | None) -> None:
    case = result.case
    made = ET.SubElement(
        suite,
        "testcase",
        classname=f"{case.chart}.level{case.level}.{case.rule}",
        name=printable(f"{case.title} [{case.id}]"),
        time="0",
    )
    match result.status:
        case Status.FAILED:
            found = ET.SubElement(made, "failure", message=printable(result.why), type="deviation")
            if failure and failure.result.case.id == case.id:
                found.text = failure_text(failure)
            elif failure:
                found.text = f"alike: {failure.result.case.id}, explained there"
        case Status.HANGS:
            ET.SubElement(made, "error", message=printable(result.why), type="infrastructure")
        case Status.NOT_CLAIMED | Status.UNSUPPORTED:
            ET.SubElement(made, "skipped", message=printable(result.why or result.status))
