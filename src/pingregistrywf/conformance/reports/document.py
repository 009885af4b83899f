"""The result of a run as JSON, for tools."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from pingregistrywf.conformance.reports.steps import steps_of
from pingregistrywf.conformance.run.result import Failure, RunResult
from pingregistrywf.conformance.suite import VERSION


def as_json(run: RunResult) -> str:
    """Return the text of the JSON document."""
    document = {
        "format": "pingregistrywf-report/2",
        "verdict": run.verdict,
        "exit": int(run.exit),
        "not_claimed": run.unclaimed,
        "suite": VERSION,
        "chart": run.chart,
        "chart_sha256": run.sha256,
        "adapter": run.hello
        and asdict(run.hello) | {"capabilities": sorted(run.hello.capabilities)},
        "scope": asdict(run.scope),
        "levels": run.by_level(),
        "failures": [_failure(each) for each in run.failures],
        "differences": [str(each) for each in run.differences],
        "unexplained_groups": run.untold,
        "expected_failures": run.excused,
        "complaints": list(run.complaints),
        "missing": list(run.missing),
        "trouble": run.trouble,
        "cases": {each.case.id: each.status for each in run.results},
        **({"counted": run.counted} if run.counted else {}),
        **({"timings": [asdict(each) for each in run.timings]} if run.timings else {}),
        "level_seconds": {str(level): round(each, 3) for level, each in run.level_seconds.items()},
        "seconds": round(run.seconds, 3),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # An unpaired surrogate, which UTF-8 does not have, becomes its escape.
    return text.encode("utf-8", "backslashreplace").decode()


def _failure(failure: Failure) -> dict[str, Any]:
    case = failure.result.case
    return {
        "id": case.id,
        "level": case.level,
        "title": case.title,
        "rule": failure.rule,
        "prose": failure.prose,
        "why": failure.shortest.why,
        "steps": steps_of(failure.shortest),
        "replay": failure.replay,
        "explorer": failure.explorer or None,
        "causes": [str(each) for each in failure.causes],
        "first_difference": str(failure.first) if failure.first else None,
        "alike": [{"id": each.id, "title": each.title} for each in failure.alike],
        "note": failure.note,
        "log": failure.shortest.log,
    }
