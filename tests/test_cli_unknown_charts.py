"""``pingregistrywf journal`` on a journal of charts that are not this project's own."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from uuid import UUID, uuid4

import pytest

from pingregistrywf import NO_VC, CmdInit, Workflows, open_journal
from pingregistrywf.chart.locate import load_model
from pingregistrywf.generate import artefacts
from pingregistrywf.generate.imported import imported

from . import command_line
from .runtime.stocked import portable, row_of, rows_of

LEASES = Path(__file__).parent / "other_workflow" / "leases.yaml"


def run(command: str, *more: str, url: str) -> CompletedProcess[str]:
    return command_line.run("journal", command, "--journal", url, *more)


@pytest.fixture
def leases() -> UUID:
    return uuid4()


@pytest.fixture
def url(tmp_path: Path, leases: UUID) -> str:
    """A journal of a history of this project's chart, and of one of somebody else's."""
    url = f"sqlite:{tmp_path / 'leases.db'}"
    package = imported(load_model([LEASES]))["leases"]
    with open_journal(url) as journal:
        Workflows(journal).init(uuid4(), CmdInit(registry_id=uuid4()))
        package.Leases(journal).take_lease(leases, NO_VC, "bridge", uuid4(), 7)
    return url


def notes(done: CompletedProcess[str]) -> list[str]:
    lines = (*done.stdout.splitlines(), *done.stderr.splitlines())
    return [line for line in lines if line.startswith("note: ")]


NOTE = "note: journal: one history follows the chart 'leases', which is not known here"


def test_an_unknown_chart_is_a_note(url: str, tmp_path: Path) -> None:
    done = run("verify", url=url)
    assert done.returncode == 0
    assert "sound: 2 histories, 2 events" in done.stdout
    for command, more in (
        ("verify", ()),
        ("info", ()),
        ("export", (str(tmp_path / "leases.jsonl"),)),
        ("backup", (str(tmp_path / "copy.db"),)),
    ):
        done = run(command, *more, url=url)
        assert done.returncode == 0
        (note,) = notes(done)
        assert note.startswith(NOTE)
        assert "--model" in note
    assert (tmp_path / "copy.db").exists()


def test_a_note_as_json(url: str) -> None:
    *others, totals = map(json.loads, run("verify", "--json", url=url).stdout.splitlines())
    assert [each["history"] for each in others if "'leases'" in each["note"]] == [None]
    assert (totals["faults"], totals["notes"]) == (0, 1)


@pytest.mark.parametrize("packaged", [False, True], ids=["its file", "its package"])
def test_a_chart_that_is_named_is_known(url: str, tmp_path: Path, packaged: bool) -> None:
    model = LEASES
    if packaged:
        model = tmp_path / "workflows"
        artefacts.write(artefacts.package(load_model([LEASES])), model)
    for command, more in (
        ("verify", ()),
        ("info", ()),
        ("export", (str(tmp_path / "leases.jsonl"),)),
        ("backup", (str(tmp_path / "copy.db"),)),
    ):
        done = run(command, *more, "--model", str(model), url=url)
        assert (done.returncode, done.stderr, notes(done)) == (0, "", [])
    lines = map(json.loads, (tmp_path / "leases.jsonl").read_text().splitlines())
    (taken,) = (each for each in lines if each.get("event") == "LeaseTaken")
    assert taken["fields"]["name"] == "bridge"
    if packaged:
        assert run("verify", "--model", str(model / "leases"), url=url).returncode == 0


def test_a_file_may_follow_the_charts(url: str, tmp_path: Path) -> None:
    """Several charts follow one ``--model``; what is no chart is the command's own argument."""
    package = tmp_path / "workflows"
    artefacts.write(artefacts.package(load_model([LEASES])), package)
    split = LEASES.with_name("split_repo.yaml")
    for number, models in enumerate(((LEASES,), (LEASES, split), (split, package))):
        file = tmp_path / f"{number}.jsonl"
        done = run("export", "--model", *map(str, models), str(file), url=url)
        assert (done.returncode, notes(done)) == (0, [])
        assert file.exists()


def test_info_says_which_histories_follow_an_unknown_chart(url: str, leases: UUID) -> None:
    for more, expected in ((), False), (("--model", str(LEASES)), True):
        lines = map(json.loads, run("info", "--json", *more, url=url).stdout.splitlines())
        known = {each["history"]: each["known"] for each in lines if "known" in each}
        assert known.pop(str(leases)) is expected
        assert list(known.values()) == [True]


@pytest.mark.parametrize("more", [(), ("--model", str(LEASES))], ids=["unknown", "known"])
def test_an_unknown_history_is_moved_as_it_is(
    url: str, tmp_path: Path, leases: UUID, more: tuple[str, ...]
) -> None:
    file, other = str(tmp_path / "leases.jsonl"), f"sqlite:{tmp_path / 'other.db'}"
    assert run("export", file, url=url).returncode == 0
    done = run("import", file, *more, url=other)
    assert done.returncode == 0
    assert len(notes(done)) == (0 if more else 1)
    assert portable(run("export", url=other).stdout) == portable(run("export", url=url).stdout)
    assert run("verify", "--model", str(LEASES), url=other).returncode == 0


def test_an_unknown_history_is_restored(url: str, tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.db", f"sqlite:{tmp_path / 'other.db'}"
    run("backup", str(copy), url=url)
    done = run("restore", str(copy), url=other)
    assert done.returncode == 0
    assert notes(run("verify", url=other)) == notes(run("verify", url=url))


def test_bytes_and_chains_of_unknown_histories_are_checked(url: str, leases: UUID) -> None:
    with rows_of(Path(url.removeprefix("sqlite:"))) as connection:
        key = row_of(connection, leases).key
        connection.execute("UPDATE event SET data = zeroblob(9) WHERE history = ?", (key,))
    done = run("verify", url=url)
    assert done.returncode == 1
    assert str(leases) in done.stdout
    assert "checksum" in done.stdout


def test_what_the_chart_does_not_allow_is_found_once_it_is_known(
    url: str, tmp_path: Path, leases: UUID
) -> None:
    """Another chart of the same name, which tells its events by another number, refuses it."""
    other = tmp_path / "leases.yaml"
    other.write_text(LEASES.read_text().replace("number: 201", "number: 211"))
    assert run("verify", url=url).returncode == 0
    done = run("verify", "--model", str(other), url=url)
    assert done.returncode == 1
    assert f"history {leases}, entry 0" in done.stdout


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({}, "no generated package in"),
        ({"chart.json": "{}", "__init__.py": "import nothing_like_it"}, "generate it again"),
        ({"chart.yaml": "chart: 1"}, "chart.yaml"),
    ],
)
def test_what_is_no_chart_is_refused(
    url: str, tmp_path: Path, made: dict[str, str], reason: str
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name, text in made.items():
        (model / name).write_text(text)
    named = model / "chart.yaml" if "chart.yaml" in made else model
    done = run("verify", "--model", str(named), url=url)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
