"""Mistakes in the file of a service are told where they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from pingregistrywf.chart import shape
from pingregistrywf.chart.checks import check_service
from pingregistrywf.chart.locate import model_directory
from pingregistrywf.chart.mistakes import ChartError, Mistake, Report
from pingregistrywf.chart.reader import read_model
from pingregistrywf.chart.service import Service
from pingregistrywf.chart.yaml_source import parse

FILE: Final = model_directory() / "ping_registry_service.yaml"
TEXT: Final = FILE.read_text(encoding="utf-8")
OTHERS: Final = [
    model_directory() / f"ping_registry{name}.yaml" for name in ("", "_index", "_operations")
]
MODEL: Final = read_model(OTHERS)


def mistakes(text: str) -> set[Mistake]:
    """What is wrong in the text of a service's file."""
    report = Report("service.yaml")
    service = shape.read(Service, parse(text.encode(), report))
    if service is not None:
        check_service(service, MODEL.charts, MODEL.operations, report)
    return set(report.mistakes)


def test_the_projects_own_file_has_none() -> None:
    assert not mistakes(TEXT)


def test_the_reader_reports_them(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(TEXT.replace("vid_of: ping_registry_index", "vid_of: x"))
    with pytest.raises(ChartError) as caught:
        read_model([*OTHERS, tmp_path / "mine.yaml"])
    assert {each.what for each in caught.value.mistakes} == {"x is no chart"}


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("operations: ping_registry_operations", "operations: ping_registry",
         "write ping_registry_operations"),
        ("name: registry\n", "name: registri\n", "write registry"),
        ("carried: registry_id\n", "carried: registry\n", "write registry_id"),
        ("package: nogfso", "package: nog", "write nogfso"),
        ("JC_UNSPECIFIED: 0, ", "", "add one, as default"),
        ("record: Status", "record: Statis", "write Status"),
        ("is: code, doc", "is: cod, doc", "write code"),
        ("is: history", "is: registry", "write history"),
        ("type: uint32, ", "", "write one type"),
        ("enum: AggregateType, number: 1, is", "enum: AggregatType, number: 1, is",
         "write AggregateType"),
        ("vid: {type: ulid, number: 2", "vid: {type: ulid, number: 1", "write another number"),
        ("operation: begin", "operation: begun", "write begin"),
        ("constant: {vid: registry_id}", "constant: {vod: registry_id}", "write vid"),
        ("constant: {vid: registry_id}", "constant: {vid: register_id}", "write registry_id"),
        ("{operation: ping, inputs: {code: status_code, message: status_message}",
         "{operation: ping, inputs: {code: status_code}", "write inputs: {message: FIELD}"),
        ("{operation: ping, inputs: {code: status_code, message: status_message}",
         "{operation: ping, inputs: {cod: status_code, code: status_code, message: status_message}",
         "write code"),
        ("operation: commit, vid: workflow_vid", "operation: commit, vid: workflow_vd",
         "write workflow_vid"),
        ("operation: commit, vid: workflow_vid", "operation: expire, vid: workflow_vid",
         "remove vid"),
        ("run: {operation: commit, vid: workflow_vid}",
         "run: {operation: commit, vid: workflow_vid}\n      stream: empty",
         "write one of run, find, events, signals and stream"),
        ("is: {vid_of: ping_registry_index}", "is: {vid_of: ping_registri_index}",
         "write ping_registry_index"),
        ("value: JC_WAIT", "value: JC_WAITS", "write JC_WAIT"),
        ("while: [Initialized, Appending]", "while: [Initialized, Appendin]", "write Appending"),
        ("status_code: {Initialized: 101, Appending", "status_code: {Initialised: 101, Appending",
         "write Initialized"),
        ("is: {carried: pings}", "is: {carried: ping}", "write pings"),
        ("history: {id: index_id}", "history: {id: indx_id}", "write index_id"),
        ("will_block: will_block", "will_block: block", "write will_block"),
        ("kind: AT_EPHEMERAL_WORKFLOW", "kind: AT_EPHEMERAL", "write AT_EPHEMERAL_WORKFLOW"),
        ("events: {type: event, number: 2,", "events: {type: string, number: 2,", "add one"),
        ("  Main:\n    GetRegistries:", "  Main:\n    Info:", "give it another name"),
        ("unknown_after: fails", "unknown_after: dies", "write one of fails, ends"),
        ("roles: [gatherer]", "roles: [gathrer]", "write gatherer"),
        ("runs: [gather]", "runs: [gathr]", "write gather"),
        ("{ping_registry: [PostSummary]}", "{ping_registry: [PostSumary]}", "write PostSummary"),
        ("{ping_registry: [PostSummary]}", "{ping_registri: [PostSummary]}", "write ping_registry"),
        ("status: NOT_FOUND", "status: NOTFOUND", "NOT_FOUND"),
    ],
)  # fmt: skip
def test_a_mistake(right: str, wrong: str, told: str) -> None:
    assert right in TEXT
    line = TEXT[: TEXT.index(right)].count("\n") + 1
    (mistake,) = mistakes(TEXT.replace(right, wrong, 1))
    assert told in re.sub(r"did you mean (\w+)\?", r"write \1", mistake.remedy)
    assert abs(mistake.line - line) <= 13


def test_a_role_that_may_do_nothing() -> None:
    (mistake,) = mistakes(TEXT.replace("roles: [listener, reader, server]", "roles: [reader]"))
    assert mistake.what == "a listener may do nothing"
    assert mistake.remedy == "write reads, runs or tells, or name it in the roles of a method"


def test_a_request_that_tells_no_name() -> None:
    found = mistakes(
        TEXT.replace(
            "        workflow: {type: uuid, number: 1,", "        w: {type: uuid, number: 1,"
        )
    )
    assert "add the field registry or workflow" in {each.remedy for each in found}
