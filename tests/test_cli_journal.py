"""``pingregistrywf journal`` as an operator meets it: output, exit codes, and nothing changed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pingregistrywf import CmdInit, Retention, ServerPinged, Ulid, Workflows, open_journal
from pingregistrywf.runtime.journal import ChartIdentity, Entry
from pingregistrywf.testing.journal import TurnedClock

from . import command_line
from .command_line import environment
from .runtime.stocked import Stock, digest, portable, row_of, rows_of, stock
from .tiers import some

COMMANDS = ("info", "verify", "backup", "export", "import")


def words(command: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "pingregistrywf", "journal", command, *more]


def run(command: str, *more: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return command_line.run("journal", command, *more, **options)


def refused(done: subprocess.CompletedProcess[str], code: int, *expected: str) -> None:
    """One clear line on standard error, that exit code, and no traceback."""
    assert done.returncode == code, done
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Errno" not in done.stderr
    for each in expected:
        assert each in lines[0]


class Operated:
    """A journal file in a directory."""

    def __init__(self, path: Path, stocked: Stock) -> None:
        self.path = path
        self.stock = stocked
        self.url = f"sqlite:{path}"

    def names(self) -> list[str]:
        """What is in the directory, but for the journal's own lock files."""
        own = {self.path.name + end for end in ("-main", "-next", "-open")}
        return sorted({each.name for each in self.path.parent.iterdir()} - own)

    def damage(self) -> None:
        with rows_of(self.path) as connection:
            key = row_of(connection, self.stock["pinged"]).key
            connection.execute("DELETE FROM event WHERE history = ? AND serial = 2", (key,))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Operated:
    path, clock = tmp_path_factory.mktemp("operated") / "pings.db", TurnedClock()
    with open_journal(f"sqlite:{path}", clock=clock) as journal:
        stocked = stock(journal, lambda days: clock.turn(days=days))
    return Operated(path, stocked)


@pytest.fixture
def journal(original: Operated, tmp_path: Path) -> Operated:
    place = tmp_path / "journal"
    place.mkdir()
    return Operated(Path(shutil.copy(original.path, place)), original.stock)


@pytest.mark.parametrize("command", [*COMMANDS, "restore"])
def test_help(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert "--journal" in done.stdout
    assert "--json" in done.stdout


# --- info ----------------------------------------------------------------------------------------


def test_info(journal: Operated) -> None:
    done = run("info", "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    by_name = {
        name: [line for line in lines if str(id_) in line]
        for name, id_ in journal.stock.ids.items()
    }
    assert all(len(found) == 1 for found in by_name.values())
    assert "deleted 2023-12-15T22:13:20+00:00, id free from 2024-01-14" in by_name["deleted"][0]
    assert "trimmed 2023-12-15T22:13:20+00:00, 7 hidden" in by_name["trimmed"][0]
    assert lines[0].split() == ["history", "chart", "events", "bytes", "newest", "event"]
    assert lines[-1].startswith("10 histories (2 deleted), ")


def test_info_as_json(journal: Operated) -> None:
    done = run("info", "--json", "--journal", journal.url)
    *histories, totals = [json.loads(line) for line in done.stdout.splitlines()]
    assert totals["histories"] == len(histories) == 10
    assert totals["events"] == sum(each["events"] for each in histories)
    assert totals["bytes"] == sum(each["bytes"] for each in histories)
    deleted = {each["history"]: each["free_at"] for each in histories if each["deleted_at"]}
    assert deleted[str(journal.stock["deleted"])] == "2024-01-14T22:13:20+00:00"
    assert len(deleted) == totals["deleted"] == 2


def test_info_of_an_empty_journal(tmp_path: Path) -> None:
    open_journal(f"sqlite:{tmp_path / 'empty.db'}").close()
    done = run("info", "--journal", f"sqlite:{tmp_path / 'empty.db'}")
    assert done.stdout.startswith("0 histories")


def test_the_journal_from_the_environment(journal: Operated) -> None:
    done = run("info", env={**environment(), "PINGREGISTRYWF_JOURNAL": journal.url})
    assert done.returncode == 0
    assert done.stdout.count("\n") == 12


# --- verify --------------------------------------------------------------------------------------


def test_verify_a_sound_journal(journal: Operated) -> None:
    before = digest(journal.path)
    done = run("verify", "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sound: 10 histories, ")
    said = json.loads(run("verify", "--json", "--journal", journal.url).stdout)
    assert (said["histories"], said["faults"], said["notes"]) == (10, 0, 0)
    assert digest(journal.path) == before


def test_verify_notes_what_is_unusual(journal: Operated) -> None:
    """Two ids that do not grow within one millisecond are no fault, and said beside it."""
    history = journal.stock["begun"]
    with open_journal(journal.url) as opened:
        first = opened.read(history)
        vid = Ulid(first.head.vid.bytes[:6] + bytes(10))
        ping = ServerPinged(id=vid, parent=first.head.vid, status_code=0, status_message="well")
        entry = Entry(vid, first.head.vid, ping.marshal_proto())
        opened.commit(history, first.head, [entry], chart=ChartIdentity("ping_registry"))
    done = run("verify", "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    note, last = done.stdout.splitlines()
    what = "one id does not grow within one millisecond; here is the first"
    assert note == f"note: history {history}, entry 1, event {vid}: {what}"
    assert last.startswith("sound: ")
    note, last = run("verify", "--json", "--journal", journal.url).stdout.splitlines()
    place = {"history": str(history), "serial": 1, "event": str(vid)}
    assert json.loads(note) == {"note": what, **place}
    assert (json.loads(last)["faults"], json.loads(last)["notes"]) == (0, 1)


def test_verify_names_each_fault(journal: Operated) -> None:
    journal.damage()
    done = run("verify", "--journal", journal.url)
    refused(done, 1, "1 fault in")
    (line,) = done.stdout.splitlines()
    place = f"history {journal.stock['pinged']}, entry 2: "
    assert line == place + "the event must be here, and is missing"
    done = run("verify", "--json", "--journal", journal.url)
    fault, last = [json.loads(each) for each in done.stdout.splitlines()]
    assert fault["history"] == str(journal.stock["pinged"])
    assert (fault["serial"], fault["event"]) == (2, None)
    assert last["exit"] == 1


# --- backup --------------------------------------------------------------------------------------


def test_backup(journal: Operated, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = run("backup", str(copy), "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{copy}: ")
    ours, theirs = (
        run("info", "--journal", each).stdout for each in (journal.url, f"sqlite:{copy}")
    )
    assert ours.replace(journal.url, "") == theirs.replace(f"sqlite:{copy}", "")
    before = digest(copy)
    refused(run("backup", str(copy), "--journal", journal.url), 2, str(copy), "not overwritten")
    assert digest(copy) == before


@pytest.mark.parametrize("place", [".", "..", "/", "the journal's own"])
def test_a_backup_takes_no_place_that_is_taken(journal: Operated, place: str) -> None:
    """The log beside a journal in use is not called that of another, which may be removed."""
    destination = str(journal.path) if place.startswith("the") else place
    with open_journal(journal.url) as used:
        Workflows(used).init(uuid4(), CmdInit(registry_id=uuid4()))
        assert f"{journal.path.name}-wal" in journal.names()
        done = run("backup", destination, "--journal", journal.url)
    refused(done, 2, f"'{destination}' exists, and is not overwritten: name another")


def test_a_damaged_journal_is_not_backed_up(journal: Operated, tmp_path: Path) -> None:
    journal.damage()
    copy = tmp_path / "copy.db"
    done = run("backup", str(copy), "--journal", journal.url)
    assert done.returncode == 1
    fault, reason = done.stderr.splitlines()
    assert str(journal.stock["pinged"]) in fault
    assert "no copy was kept" in reason
    assert [each.name for each in tmp_path.iterdir()] == ["journal"]


# --- restore -------------------------------------------------------------------------------------


@pytest.fixture
def copy(journal: Operated, tmp_path: Path) -> Path:
    """A backup of the journal, which is damaged after it."""
    copy = tmp_path / "copy.db"
    assert run("backup", str(copy), "--journal", journal.url).returncode == 0
    journal.damage()
    return copy


def test_restore(journal: Operated, copy: Path) -> None:
    before = digest(journal.path)
    done = run("restore", str(copy), "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"restored {journal.url} from {copy}, verified; ")
    old = Path(done.stdout.rpartition(" ")[2].strip())
    assert digest(old / journal.path.name) == before
    assert run("verify", "--journal", journal.url).returncode == 0
    again = json.loads(run("restore", str(copy), "--json", "--journal", journal.url).stdout)
    assert again.pop("old") not in (None, str(old))
    assert again == {"journal": journal.url, "restored": str(copy)}


def test_restore_where_no_journal_was(copy: Path, tmp_path: Path) -> None:
    other = f"sqlite:{tmp_path / 'other.db'}"
    done = run("restore", str(copy), "--journal", other)
    assert done.stdout == f"restored {other} from {copy}, verified; there were no old files\n"
    assert run("verify", "--journal", other).returncode == 0


def test_restore_names_what_is_no_backup(journal: Operated, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no journal " * 100)
    done = run("restore", str(other), "--journal", journal.url)
    reason = f"cannot open journal 'sqlite:{other}': file is not a database; choose another backup"
    refused(done, 2, reason)


def test_restore_names_the_faults_of_a_backup(journal: Operated, tmp_path: Path) -> None:
    journal.damage()
    other = f"sqlite:{tmp_path / 'other.db'}"
    done = run("restore", str(journal.path), "--journal", other)
    assert done.returncode == 1
    fault, reason = done.stderr.splitlines()
    assert str(journal.stock["pinged"]) in fault
    assert "nothing was restored" in reason
    refused(run("verify", "--journal", other), 2, "no such file")


def test_a_journal_in_use_is_not_restored(journal: Operated, copy: Path) -> None:
    with open_journal(journal.url):
        refused(run("restore", str(copy), "--journal", journal.url), 2, "is in use by")
    refused(run("restore", "--journal", journal.url), 2, "name the backup")


def test_an_interrupted_restoration(journal: Operated, copy: Path) -> None:
    """Every command names the command that finishes it."""
    shutil.copy(copy, f"{journal.path}-restore")
    done = run("verify", "--journal", journal.url)
    command = f"pingregistrywf journal restore --journal {journal.url}"
    refused(done, 2, "restoration is not finished", f"`{command}`")
    done = run("restore", "--journal", journal.url)
    assert done.stdout.startswith(f"restored {journal.url}, finishing what was interrupted; ")
    assert run("verify", "--journal", journal.url).returncode == 0


# --- export and import ---------------------------------------------------------------------------


def test_export_and_import(journal: Operated, tmp_path: Path) -> None:
    file, other = tmp_path / "pings.jsonl", f"sqlite:{tmp_path / 'other.db'}"
    done = run("export", str(file), "--journal", journal.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 histories" in done.stdout
    assert run("export", "--journal", journal.url).stdout == file.read_text()
    assert run("export", "-", "--json", "--journal", journal.url).stdout == file.read_text()
    refused(run("export", str(file), "--journal", journal.url), 2, "not overwritten")
    done = run("import", str(file), "--journal", other)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\nimported ") + 1 == 10
    assert portable(run("export", "--journal", other).stdout) == portable(file.read_text())
    before = digest(tmp_path / "other.db")
    refused(run("import", str(file), "--journal", other), 1, "exists already", "nothing imported")
    assert digest(tmp_path / "other.db") == before


@pytest.mark.parametrize(
    "file",
    [
        (),
        pytest.param(("-",), marks=pytest.mark.slow),
        pytest.param(("/dev/stdin",), marks=pytest.mark.slow),
    ],
)
def test_from_standard_input(journal: Operated, tmp_path: Path, file: tuple[str, ...]) -> None:
    """And from a pipe by name, as shells make them with ``<(…)``."""
    text = run("export", "--journal", journal.url).stdout
    other = f"sqlite:{tmp_path / 'other.db'}"
    line = words("import", *file, "--json", "--journal", other)
    done = subprocess.run(line, input=text, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    *each, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last["histories"] == len(each) == 10
    assert portable(run("export", "--journal", other).stdout) == portable(text)


def test_one_history(journal: Operated, tmp_path: Path) -> None:
    history = str(journal.stock["pinged"])
    done = run("export", "--history", history, "--journal", journal.url)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["history"] for each in lines if "history" in each] == [history]
    refused(run("export", "--history", "zero", "--journal", journal.url), 2, "--history", "'zero'")
    unknown, file = str(uuid4()), tmp_path / "none.jsonl"
    done = run("export", str(file), "--history", unknown, "--journal", journal.url)
    refused(done, 1, unknown)
    assert not file.exists()


def test_export_leaves_damaged_histories_out(journal: Operated, tmp_path: Path) -> None:
    journal.damage()
    for file in ("-", str(tmp_path / "pings.jsonl")):
        done = run("export", file, "--journal", journal.url)
        assert done.returncode == 1
        fault, reason = done.stderr.splitlines()
        assert str(journal.stock["pinged"]) in fault
        assert "the rest was exported" in reason
        text = done.stdout if file == "-" else Path(file).read_text()
        assert text.count('"history"') == 9
    done = run("import", file, "--journal", f"sqlite:{tmp_path / 'other.db'}")
    assert done.stdout.count("\nimported ") + 1 == 9


@pytest.mark.parametrize(
    "text", ["", "nonsense\n", '{"format": "journal-histories", "version": 3}\n']
)
def test_what_is_no_export_makes_no_journal(tmp_path: Path, text: str) -> None:
    done = run("import", "--journal", f"sqlite:{tmp_path / 'other.db'}", input=text)
    refused(done, 2, "line 1 of the export")
    assert list(tmp_path.iterdir()) == []


def test_an_unsound_export_makes_no_journal(journal: Operated, tmp_path: Path) -> None:
    text = run("export", "--journal", journal.url).stdout
    other = f"sqlite:{tmp_path / 'other.db'}"
    done = run("import", "--journal", other, input=text.replace("ping 0", "ping 7", 1))
    refused(done, 2, "the export was changed")
    assert not (tmp_path / "other.db").exists()


# --- Wrong journals, wrong files -----------------------------------------------------------------


@pytest.mark.parametrize("command", ["info", "verify", "backup", "export"])
def test_a_missing_journal_is_not_made(command: str, tmp_path: Path) -> None:
    more = (str(tmp_path / "file"),) if command in ("backup", "export") else ()
    done = run(command, *more, "--journal", f"sqlite:{tmp_path / 'missing.db'}")
    refused(done, 2, "no such file")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_not_made_a_journal(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    refused(run("info", "--journal", f"sqlite:{tmp_path / 'empty.db'}"), 2, "empty")
    assert [each.name for each in tmp_path.iterdir()] == ["empty.db"]
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize("command", [*COMMANDS, "restore"])
@pytest.mark.parametrize(
    ("url", "cause"),
    [("memory:", "sqlite:PATH"), ("pings.db", "no kind"), ("x:y", "'x'"), ("sqlite:", "no file")],
)
def test_a_url_that_makes_no_sense(
    command: str, url: str, cause: str, journal: Operated, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    if command == "import":
        run("export", str(file), "--journal", journal.url)
    more = (str(file),) if command in ("backup", "export", "import", "restore") else ()
    refused(run(command, *more, "--journal", url), 2, cause)
    assert file.exists() is (command == "import")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_journal_of_a_newer_version(command: str, journal: Operated, tmp_path: Path) -> None:
    file = tmp_path / "file"
    if command == "import":
        run("export", str(file), "--journal", journal.url)
    with closing(sqlite3.connect(journal.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = digest(journal.path)
    more = (str(file),) if command in ("backup", "export", "import") else ()
    refused(run(command, *more, "--journal", journal.url), 2, "newer version", "upgrade")
    assert digest(journal.path) == before


@pytest.mark.slow
def test_a_locked_journal(journal: Operated, tmp_path: Path) -> None:
    """Another program has it to itself: each command waits for a while, then says so."""
    file = tmp_path / "file"
    run("export", str(file), "--journal", journal.url)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("UPDATE chain SET key = key")
        connection.execute("COMMIT")
        for command, more in (
            ("info", ()),
            ("verify", ()),
            ("backup", (str(tmp_path / "copy.db"),)),
            ("export", ()),
            ("import", (str(file),)),
        ):
            hurried = words(command, *more, "--journal", f"{journal.url}?timeout=0.1")
            done = subprocess.run(hurried, capture_output=True, text=True, env=environment())
            refused(done, 2, "lock")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "journal"]


def test_a_file_that_cannot_be_written_or_read(journal: Operated, tmp_path: Path) -> None:
    nowhere = str(tmp_path / "none" / "file")
    refused(run("backup", nowhere, "--journal", journal.url), 2, "no directory")
    refused(run("export", nowhere, "--journal", journal.url), 2, "no directory")
    absent = f"'{nowhere}': no such file or directory; check the path"
    refused(run("import", nowhere, "--journal", journal.url), 2, absent)
    directory = f"'{tmp_path}': is a directory; name a file"
    refused(run("import", str(tmp_path), "--journal", journal.url), 2, directory)
    assert journal.names() == ["pings.db"]


def test_a_full_disk(journal: Operated) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            words("export", "--journal", journal.url),
            stdout=full,
            stderr=-1,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "no space left" in done.stderr
    assert "Traceback" not in done.stderr


# --- The operator's pages ------------------------------------------------------------------------

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to"
JOURNAL, RECOVERY, DAEMONS, SERVE = (
    (HOW_TO / f"{name}.md").read_text(encoding="utf-8")
    for name in ("journal", "recovery", "daemons", "serve")
)


def test_the_page_tells_how_long_things_are_kept() -> None:
    kept = re.findall(r"^\| .* \| (\d+) days.* \| `(\w+)` \|$", JOURNAL, re.MULTILINE)
    assert {name: timedelta(days=int(days)) for days, name in kept} == asdict(Retention())


@pytest.mark.slow
@pytest.mark.parametrize("damaged", some([False, True], every=2))
def test_the_commands_of_the_pages_run(journal: Operated, tmp_path: Path, damaged: bool) -> None:
    """All of them, from top to bottom; also when the journal is damaged after its backup."""
    pages = f"{JOURNAL}\n{RECOVERY}"
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```$", pages, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 12
    program = f'pingregistrywf() {{ {sys.executable} -m pingregistrywf "$@"; }}'
    script = ["set -eu", program, "systemctl() { :; }", *blocks]
    if damaged:  # before step 1
        damage = shlex.join([sys.executable, "-c", DAMAGE])
        script.insert(-4, f'{damage} "${{PINGREGISTRYWF_JOURNAL#*:}}"')
    for place in ("/var/lib/pingregistrywf", "/var/backups"):
        here = tmp_path / place.rpartition("/")[2]
        script = [each.replace(place, str(here)) for each in script]
    (tmp_path / "backups").mkdir()
    journal.path.parent.rename(tmp_path / "pingregistrywf")
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("sound: 10 histories") == 3
    saved = run("info", "--json", "--journal", f"sqlite:{tmp_path / 'pingregistrywf' / 'saved.db'}")
    assert json.loads(saved.stdout.splitlines()[-1])["histories"] == 10


DAMAGE = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("UPDATE event SET data = zeroblob(9) WHERE serial = 3")
connection.close()
"""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_knows_every_word_of_the_units(tmp_path: Path) -> None:
    units = re.findall(
        r"^`/etc/systemd/system/(\S+?)`.*?\n\n```ini\n(.*?)^```$",
        DAEMONS + SERVE,
        re.MULTILINE | re.DOTALL,
    )
    assert len(units) == 6
    for name, text in units:
        text = text.replace("/opt/pingregistrywf/bin/pingregistrywf", "/bin/true")
        (tmp_path / name.replace("@.", "@pings.")).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert not [line for line in lines if "Unknown" in line or "Failed to parse" in line], lines
