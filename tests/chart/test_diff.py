"""What a change of a chart breaks: what is said is held against histories that are stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import Journal, open_journal
from pingregistrywf.chart.diff import Change, differences
from pingregistrywf.chart.ir import Chart
from pingregistrywf.chart.locate import load_model
from pingregistrywf.chart.lower import read_model
from pingregistrywf.generate import artefacts
from pingregistrywf.runtime.verify import verify

from .. import command_line
from ..changed_chart.changed import (
    APPROVAL,
    BEGUN_OTHERWISE,
    DEFAULT,
    RETIRED,
    REVIEWED_ONLY,
    changed,
    package_of,
    patched,
)
from .test_meaning import INDEX, MEANING
from .test_meaning import changed as with_value

OLD = read_model([APPROVAL]).main
Replacements = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Edit:
    """A change of the approval chart.

    Attributes:
        replacements: what is written instead of what.
        path: where the change is, as it is said.
        remedy: what is written in the remedy that is named; empty if nothing breaks.
        remedied: what is written with the remedy instead, if there is one.
        refused: whether stored histories are refused.
    """

    replacements: Replacements
    path: str
    remedy: str = ""
    remedied: Replacements = ()
    refused: bool = True


TEXT_FIELD = "      text: {type: string, wire: 12, doc: The first version.}\n"
TEXT_ARGUMENT = "      text: {type: string, doc: The first version.}\n"
TEXT_NOT_EMPTY = (TEXT_ARGUMENT, TEXT_ARGUMENT.replace("string,", "string, nonzero: true,"))
REASON = "      reason: {type: string, wire: 15, doc: Why.}\n"
APPROVED_EVENT = """  Approved:
    doc: The text was approved.
"""
ACCEPTED_EVENT = APPROVED_EVENT.replace("Approved:", "Accepted:")
EMITTED = (
    "{in: [Submitted, Reviewed], emit: Approved}",
    "{in: [Submitted, Reviewed], emit: Accepted}",
)

LEASES = Path(__file__).parents[1] / "other_workflow" / "leases.yaml"
EDITS: dict[str, Edit] = {
    "a rule that allows less": Edit(
        (REVIEWED_ONLY,), "events.Approved", "retired: true} to the command Approve", (RETIRED,)
    ),
    "a rule that allows more": Edit(
        (("{in: [Draft], emit: Edited}", "{in: [Draft, Submitted], emit: Edited}"),),
        "events.Edited",
    ),
    "a field that must not be empty any more": Edit(
        (TEXT_NOT_EMPTY, (TEXT_FIELD, TEXT_FIELD.replace("12,", "12, nonzero: true,"))),
        "events.Drafted.fields.text",
        "add default: VALUE",
        (
            TEXT_NOT_EMPTY,
            (TEXT_FIELD, TEXT_FIELD.replace("12,", "12, nonzero: true, default: '-',")),
        ),
    ),
    "a number of another event's field that is used again": Edit(
        (
            ("      note: {type: string, wire: 14,", "      note: {type: string, wire: 44,"),
            (REASON, f"{REASON}      cause: {{type: int32, wire: 14}}\n"),
            (
                "      reason: {type: string, doc: Why.}\n",
                "      reason: {type: string, doc: Why.}\n      cause: {type: int32}\n",
            ),
        ),
        "events.Rejected.fields.cause",
        "a number that was never used",
        refused=False,
    ),
    "an argument that must not be empty any more": Edit(
        (TEXT_NOT_EMPTY,), "commands.Write.arguments.text"
    ),
    "a field that is new and must not be empty": Edit(
        tuple((old, new.replace(", default: en", "")) for old, new in DEFAULT),
        "events.Drafted.fields.language",
        "add default: VALUE",
        DEFAULT,
    ),
    "a field that is new": Edit(
        tuple((old, new.replace("nonzero: true, default: en, ", "")) for old, new in DEFAULT),
        "events.Drafted.fields.language",
    ),
    "an event that is renamed": Edit(
        ((APPROVED_EVENT, ACCEPTED_EVENT), EMITTED),
        "events.Approved",
        "add was: Approved to Accepted",
        ((APPROVED_EVENT, f"{ACCEPTED_EVENT}    was: Approved\n"), EMITTED),
        refused=False,
    ),
    "an event that is gone": Edit(
        (
            (
                """  Edited:
    doc: The author changed the text.
    wire: {name: EDITED, number: 2}
    to: Draft
    fields:
      text: {type: string, wire: 12, doc: The new version.}
    set: {text: text}
""",
                "",
            ),
            (
                """  Edit:
    doc: Change the text.
    args:
      text: {type: string, doc: The new version.}
    rules:
      - {in: [Draft], emit: Edited}
""",
                "",
            ),
        ),
        "events.Edited",
        "keep the event, and retire the rules",
    ),
    "another number on the wire": Edit(
        (("name: EDITED, number: 2", "name: EDITED, number: 22"),),
        "events.Edited.wire",
        "keep the event",
    ),
    "another target": Edit(
        (("number: 2}\n    to: Draft", "number: 2}\n    to: Submitted"),),
        "events.Edited.to",
        "another one",
    ),
    "a number that is used again": Edit(
        (
            (REASON, "      why: {type: int32, wire: 15}\n"),
            ("    set: {reason: reason}\n", ""),
            ("  reason: {type: string, doc: Why it was rejected.}\n", ""),
            ("      reason: {type: string, doc: Why.}\n", "      why: {type: int32}\n"),
        ),
        "events.Rejected.fields.why",
        "a number that was never used",
        refused=False,
    ),
    "a default where zeros were stored": Edit(
        ((REASON, REASON.replace("15,", "15, default: '-',")),),
        "events.Rejected.fields.reason",
        "keep it as it was",
        refused=False,
    ),
    "another way to begin": Edit((BEGUN_OTHERWISE,), "commands.Begin"),
    "another name": Edit(
        (("chart: approval\n", "chart: consent\n"),),
        "chart",
        "add was: approval",
        (("chart: approval\n", "chart: consent\nwas: approval\n"),),
        refused=False,
    ),
}


@pytest.fixture(scope="module")
def stored() -> Iterator[Journal]:
    """Histories of every event in every state, texts empty or not."""
    package: Any = package_of(APPROVAL)
    with open_journal("memory:") as journal:
        approvals = package.Approvals(journal)

        def submitted(text: str) -> tuple[UUID, Any]:
            history = uuid4()
            vid = approvals.write(history, package.CmdWrite(author="Ann", text=text))
            return history, approvals.submit(history, approvals.edit(history, vid, text))

        for text in ("Hello", ""):
            for then in ("approve", "reject"):
                for reviews in range(3):
                    history, vid = submitted(text)
                    for _ in range(reviews):
                        vid = approvals.review(history, vid, "Bea", text)
                    getattr(approvals, then)(history, vid, *([text] if then == "reject" else ()))
        yield journal


def faults(journal: Journal, package: ModuleType) -> list[Any]:
    return list(verify(journal, {"approval": package.DECLARATION}))


def breaking(changes: tuple[Change, ...]) -> list[Change]:
    return [each for each in changes if each.breaks]


@pytest.mark.parametrize("name", EDITS)
def test_what_is_said_is_true_of_stored_histories(
    stored: Journal, tmp_path: Path, name: str
) -> None:
    edit = EDITS[name]
    path = changed(tmp_path, *edit.replacements)
    changes = differences(OLD, read_model([path]).main)
    found = [each for each in changes if each.path == edit.path]
    assert found, [str(each) for each in changes]
    broken = breaking(changes)
    assert bool(broken) is bool(edit.remedy), broken
    if edit.remedy:
        assert any(edit.remedy in each.remedy for each in found), found
    refused = bool(edit.remedy) and edit.refused
    assert bool(faults(stored, package_of(path))) is refused
    if refused:
        assert any("refused" in each.stored for each in broken)


@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit.remedied])
def test_a_remedy_is_accepted(stored: Journal, tmp_path: Path, name: str) -> None:
    path = changed(tmp_path, *EDITS[name].remedied)
    changes = differences(OLD, read_model([path]).main)
    assert changes
    assert breaking(changes) == []
    assert faults(stored, package_of(path)) == []


CONSISTENT = [
    (path, value)
    for path, value in MEANING
    # What is left of the document contradicts these alone.
    if path not in {("key", "name"), ("table", 0, "target"), ("table", 0, "guard")}
    and path[-1] not in ("command", "arguments", "state")
]


@pytest.mark.parametrize(
    ("path", "value"), CONSISTENT, ids=[".".join(map(str, path)) for path, _ in CONSISTENT]
)
def test_every_change_of_meaning_is_found(path: tuple[str | int, ...], value: Any) -> None:
    other = with_value(INDEX, path, value)
    assert [each for each in differences(INDEX, other) if each.path != "version"]


@pytest.mark.parametrize("chart", [*load_model().charts.values(), OLD], ids=lambda each: each.name)
def test_a_chart_is_no_change_of_itself(chart: Chart) -> None:
    assert differences(chart, chart) == ()


def test_the_version_must_change(tmp_path: Path) -> None:
    path = changed(tmp_path, REVIEWED_ONLY)
    path.write_text(path.read_text().replace('"2.0.0"', '"1.0.0"'))
    first, *_ = differences(OLD, read_model([path]).main)
    assert (first.path, first.breaks) == ("version", False)


def test_names_that_were_never_in_the_old_version_are_no_renames(tmp_path: Path) -> None:
    """Whoever skips a version compares with one that had the new name already."""
    path = changed(tmp_path, (APPROVED_EVENT, f"{APPROVED_EVENT}    was: Allowed\n"))
    assert differences(OLD, read_model([path]).main) == ()


def test_every_name_can_change(stored: Journal, tmp_path: Path) -> None:
    """All names at once: each is told, and none of them breaks anything."""
    text = APPROVAL.read_text()
    renames = {
        "states": ("Draft: {code: 1", "Sketch: {was: Draft, code: 1"),
        "records": ("  Review:\n    doc: What", "  Opinion:\n    was: Review\n    doc: What"),
        "carried": ("carried:\n  author: {type", "carried:\n  writer: {was: author, type"),
        "events": ("  Drafted:\n", "  Sketched:\n    was: Drafted\n"),
        "fields": (
            "      author: {type: string, wire",
            "      writer: {was: author, type: string, wire",
        ),
        "commands": ("  Write:\n", "  Begin:\n    was: Write\n"),
        "arguments": (
            "      author: {type: string, nonzero: true, doc: Who writes",
            "      writer: {was: author, type: string, nonzero: true, doc: Who writes",
        ),
    }
    for old, new in renames.values():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for old, new in (
        ("to: Draft", "to: Sketch"),
        ("in: [Draft]", "in: [Sketch]"),
        ("emit: Drafted", "emit: Sketched"),
        ("{author: author,", "{writer: writer,"),
        ("list: Review,", "list: Opinion,"),
        ('"1.0.0"', '"2.0.0"'),
    ):
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "approval.yaml"
    path.write_text(text)
    changes = differences(OLD, read_model([path]).main)
    assert {each.what for each in changes} == {
        "the state Draft is called Sketch",
        "the record Review is called Opinion",
        "the carried value author is called writer",
        "the event Drafted is called Sketched",
        "the field author is called writer",
        "the command Write is called Begin",
        "the argument author is called writer",
    }
    assert breaking(changes) == []
    assert faults(stored, package_of(path)) == []


def test_what_an_earlier_version_accepted_may_be_stored(tmp_path: Path) -> None:
    """No command of the old version leaves the text empty, but its replay accepts an empty one."""
    stricter = read_model([changed(tmp_path, TEXT_NOT_EMPTY)]).main
    strictest = (TEXT_FIELD, TEXT_FIELD.replace("12,", "12, nonzero: true,"))
    changes = differences(stricter, read_model([changed(tmp_path, TEXT_NOT_EMPTY, strictest)]).main)
    assert [each.path for each in breaking(changes)] == ["events.Drafted.fields.text"]


def test_a_default_does_not_stand_for_zeros_that_are_written(tmp_path: Path) -> None:
    """The old version had a default, too, so that it wrote zeros: they are refused."""
    with_default = (TEXT_FIELD, TEXT_FIELD.replace("12,", "12, default: '-',"))
    strict = (TEXT_FIELD, TEXT_FIELD.replace("12,", "12, nonzero: true, default: '-',"))
    old = read_model([changed(tmp_path, TEXT_NOT_EMPTY, with_default)]).main
    changes = differences(old, read_model([changed(tmp_path, TEXT_NOT_EMPTY, strict)]).main)
    (broken,) = breaking(changes)
    assert broken.remedy == "write nonzero: true on the arguments only"


def test_every_name_of_a_keyed_chart_can_change(tmp_path: Path) -> None:
    text = LEASES.read_text().replace('"0.1.0"', '"0.2.0"')
    for old, new in (
        ("  Held: {code: 1}", "  Taken: {code: 1, was: Held}"),
        ("  holder: {type: uuid}\n\x20 since", "  owner: {type: uuid, was: holder}\n  since"),
        ("      holder: {type: uuid, wire", "      owner: {was: holder, type: uuid, wire"),
        (
            "      holder: {type: uuid, nonzero: true}\n",
            "      owner: {was: holder, type: uuid, nonzero: true}\n",
        ),
        ("{holder: holder,", "{owner: owner,"),
        ("same: [holder]", "same: [owner]"),
        ("holder: 2", "owner: 2"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "leases.yaml"
    path.write_text(re.sub(r"\bHeld\b(?!})", "Taken", text))
    changes = differences(read_model([LEASES]).main, read_model([path]).main)
    assert {each.what for each in changes} == {
        "the state Held is called Taken",
        "the carried value holder is called owner",
        "the field holder is called owner",
        "the argument holder is called owner",
    }


# --- The command ---------------------------------------------------------------------------------


def test_the_command(tmp_path: Path) -> None:
    path = str(changed(tmp_path, REVIEWED_ONLY))
    done = command_line.run("chart", "diff", str(APPROVAL), path)
    assert done.returncode == 1
    assert "breaks  events.Approved: it is not accepted in Submitted any more" in done.stdout
    for party in ("stored histories", "old readers", "old implementations", "remedy"):
        assert f"\n  {party} " in done.stdout
    assert done.stdout.endswith("\n2 changes: 1 breaks something\n")
    done = command_line.run("chart", "diff", "--json", str(APPROVAL), path)
    *changes, total = map(json.loads, done.stdout.splitlines())
    assert [each["breaks"] for each in changes] == [True, False]
    assert changes[0]["stored_histories"] == "are refused where they have it there"
    assert (total["changes"], total["breaking"]) == (2, 1)
    path = str(changed(tmp_path, RETIRED))
    done = command_line.run("chart", "diff", str(APPROVAL), path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "2 changes: nothing breaks",
    )
    assert command_line.run("chart", "diff", path, path).stdout == "no change\n"


def test_a_generated_package_is_a_version(tmp_path: Path) -> None:
    packages = tmp_path / "workflows"
    artefacts.write(artefacts.package(read_model([APPROVAL])), packages)
    path = str(changed(tmp_path, REVIEWED_ONLY))
    for old in (packages, packages / "approval", packages / "approval" / "chart.json"):
        assert command_line.run("chart", "diff", str(old), path).returncode == 1


def test_a_chart_document_from_before_there_were_layouts_is_a_version(tmp_path: Path) -> None:
    path, packages = changed(tmp_path), tmp_path / "workflows"
    artefacts.write(artefacts.package(read_model([path])), packages)
    old = packages / "approval" / "chart.json"
    document = json.loads(old.read_text(encoding="utf-8"))
    del document["layout"]
    old.write_text(json.dumps(document), encoding="utf-8")
    assert command_line.run("chart", "diff", str(old), str(path)).stdout == "no change\n"
    changed(tmp_path, REVIEWED_ONLY)
    assert command_line.run("chart", "diff", str(old), str(path)).returncode == 1
    options = ("--model", str(path), "--package", str(packages))
    done = command_line.run("generate", *options)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: approval: events.Approved: ")
    assert "layout" in json.loads(old.read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", [None, "{}", "chart: 1"])
def test_what_is_no_chart(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / ("old.yaml" if content == "chart: 1" else "chart.json")
    if content is not None:
        path.write_text(content)
    done = command_line.run("chart", "diff", str(path), str(APPROVAL))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert path.name in done.stderr


def test_generate_warns_before_it_overwrites(tmp_path: Path) -> None:
    path, packages = changed(tmp_path), tmp_path / "workflows"

    def generate() -> str:
        options = ("--model", str(path), "--package", str(packages))
        done = command_line.run("generate", *options)
        assert done.returncode == 0
        return done.stderr

    assert generate() == ""
    changed(tmp_path, RETIRED)
    assert generate() == ""
    changed(tmp_path, REVIEWED_ONLY)
    (warning,) = generate().splitlines()
    assert warning.startswith("warning: approval: events.Approved: it is not accepted in Submitted")
    assert "retired: true" in warning


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "changing-a-chart.md"
EXAMPLES = re.findall(
    r"^```diff\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?",
    PAGE.read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("patch", "printed"), EXAMPLES)
def test_the_examples_of_the_page(tmp_path: Path, patch: str, printed: str) -> None:
    path = tmp_path / "approval.yaml"
    path.write_text(patched(patch), encoding="utf-8")
    done = command_line.run("chart", "diff", str(APPROVAL), str(path))
    if printed:
        assert done.stdout == printed
    assert done.returncode == ("nothing breaks" not in done.stdout)
