"""Opening: what is no journal is refused, with cause and remedy, and never written to."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf.runtime.errors import DBError, JournalOpenError
from pingregistrywf.runtime.journal import NO_HEAD, open_journal
from pingregistrywf.testing.journal import post


def refused(path: Path | str, saying: str) -> JournalOpenError:
    url = f"sqlite:{path}"
    with pytest.raises(JournalOpenError) as caught:
        open_journal(url)
    assert caught.value.url == url
    assert caught.value.remedy
    assert saying in caught.value.cause
    return caught.value


def refused_untouched(path: Path, saying: str) -> JournalOpenError:
    """Refused, with nothing changed and nothing left beside it."""
    before = {each: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
    error = refused(path, saying)
    after = {each: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}
    assert after == before
    return error


def journal_at(path: Path) -> None:
    with open_journal(f"sqlite:{path}") as journal:
        post(journal, uuid4(), NO_HEAD, 3)


def database(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# URLs


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("", "names no file"),
        ("//", "names no file"),
        ("?max_page_count=5", "names no file"),
        (":memory:", "not shared"),
        ("a\0b", "NUL"),
        ("\ud800", "no file can have that name"),
        ("//host/pings.db", "host"),
        ("x.db?", "no option ''"),
        ("x.db?cache=shared", "no option 'cache'"),
        ("x.db?mode=rw", "mode is not 'rw'"),
        ("x.db?mode=ro", "no such file"),
        ("x.db?max_page_count=", "max_page_count is not ''"),
        ("x.db?max_page_count=0", "max_page_count"),
        ("x.db?max_page_count=-5", "max_page_count"),
        ("x.db?max_page_count=4294967295", "max_page_count"),
        ("x.db?max_page_count=9&cache=shared", "no option 'cache'"),
        ("x.db?max_page_count=\N{ARABIC-INDIC DIGIT FIVE}", "max_page_count"),
        ("/dev/null", "not a regular file"),
        ("/dev/null/x.db", "not a directory"),
        ("/" + "x" * 300, "name too long"),
    ],
)
def test_urls_that_make_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, saying: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(JournalOpenError) as caught:
        open_journal(f"sqlite:{text}")
    assert saying.lower() in caught.value.cause.lower()
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.db", "spa ce.db", "p%20c#é&=.db", "\udcff.db", "file:x"])
def test_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    history = uuid4()
    with open_journal(f"sqlite:{name}") as journal:
        assert journal.url == f"sqlite:{name}"
        monkeypatch.chdir("/")  # the path was fixed when it was opened
        head, _ = post(journal, history, NO_HEAD)
    assert (tmp_path / name).is_file()
    with open_journal(f"sqlite://{tmp_path}/{name}") as journal:
        assert journal.read(history).head == head


def test_a_link_names_the_same_journal(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "there" / "pings.db")
    history = uuid4()
    with (
        open_journal(f"sqlite:{tmp_path}/link.db") as one,
        open_journal(f"sqlite:{tmp_path}/there/pings.db") as two,
    ):
        head, _ = post(one, history, NO_HEAD)
        post(two, history, head)
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["link.db"]


# What is no journal


def test_no_directory(tmp_path: Path) -> None:
    refused(tmp_path / "missing" / "pings.db", "there is no directory")
    assert list(tmp_path.iterdir()) == []


def test_a_directory(tmp_path: Path) -> None:
    refused_untouched(tmp_path, "it is a directory")


def test_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    refused(tmp_path / "fifo", "not a regular file")


@pytest.mark.parametrize("content", [b"\n", b"text\n", b"\0" * 100, b"\0" * 8192, b"x" * 5000])
def test_not_a_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes").write_bytes(content)
    refused_untouched(tmp_path / "notes", "not a journal, nor any database")


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE history (x)"],
        ["PRAGMA application_id = 7"],
        ["PRAGMA user_version = 1"],
        ["PRAGMA journal_mode = WAL", "CREATE TABLE t (x)"],
    ],
)
def test_another_programs_database(tmp_path: Path, statements: list[str]) -> None:
    database(tmp_path / "other.db", *statements)
    refused_untouched(tmp_path / "other.db", "another program")


def test_another_programs_unfinished_business_is_left_to_it(tmp_path: Path) -> None:
    """A log and a hot journal of another program's are not replayed."""
    path = tmp_path / "other.db"
    script = f"""if True:
        import os, sqlite3
        connection = sqlite3.connect({str(path)!r}, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA wal_checkpoint")
        connection.execute("INSERT INTO t VALUES (1)")
        os._exit(0)
    """
    subprocess.run([sys.executable, "-c", script], check=True)
    assert path.with_name("other.db-wal").stat().st_size > 0
    refused_untouched(path, "another program")


def test_a_newer_schema(tmp_path: Path) -> None:
    journal_at(tmp_path / "pings.db")
    database(tmp_path / "pings.db", "PRAGMA user_version = 3")
    error = refused_untouched(tmp_path / "pings.db", "newer version")
    assert "3" in error.cause
    assert "upgrade" in error.remedy


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE trim", "ALTER TABLE event RENAME TO events", "PRAGMA user_version = 0"],
)
def test_a_damaged_schema(tmp_path: Path, statement: str) -> None:
    journal_at(tmp_path / "pings.db")
    database(tmp_path / "pings.db", statement)
    error = refused_untouched(tmp_path / "pings.db", "damaged")
    assert "backup" in error.remedy


def test_an_old_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    error = refused(tmp_path / "pings.db", "SQLite")
    assert "3.37.0" in error.remedy


# What may become one


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "pings.db").touch(mode=0o600)
    journal_at(tmp_path / "pings.db")
    assert (tmp_path / "pings.db").stat().st_mode & 0o777 == 0o600


def test_what_an_interrupted_attempt_leaves_becomes_a_journal(tmp_path: Path) -> None:
    database(tmp_path / "pings.db", "PRAGMA journal_mode = WAL")
    assert (tmp_path / "pings.db").stat().st_size > 0
    journal_at(tmp_path / "pings.db")


def test_a_journal_that_was_converted_is_converted_back(tmp_path: Path) -> None:
    """Some tools turn the log off, to copy one file."""
    path = tmp_path / "pings.db"
    journal_at(path)
    database(path, "PRAGMA journal_mode = DELETE")
    journal_at(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_sqlite_tools_see(tmp_path: Path) -> None:
    journal_at(tmp_path / "pings.db")
    connection = sqlite3.connect(tmp_path / "pings.db")
    assert connection.execute("PRAGMA application_id").fetchone() == (0x50524A31,)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_threads_open_a_new_file_at_once(tmp_path: Path) -> None:
    threads = 8
    barrier = threading.Barrier(threads)
    history = uuid4()

    def use(_: int) -> None:
        barrier.wait()
        with open_journal(f"sqlite:{tmp_path}/pings.db") as journal, journal.exclusive(history):
            post(journal, history, journal.read(history).head)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(use, range(threads)))
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        assert len(journal.read(history).entries) == threads


# Permissions, which root does not have to ask for


UNPRIVILEGED = """
import os, sys
from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.runtime.journal import ReadOnly
import pingregistrywf.runtime.journal.sqlite  # which nobody may be allowed to read later
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    journal = open_journal(sys.argv[1])
except JournalOpenError as error:
    print(error.cause)
    print(error.remedy)
else:
    if isinstance(journal, ReadOnly):
        print("for reading only", journal.refusal.cause, journal.refusal.remedy, sep="\\n")
    else:
        print("opened")
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that an unprivileged user can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        place.chmod(0o755)


def open_unprivileged(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, f"sqlite:{path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_directory_that_may_not_be_written(place: Path) -> None:
    place.chmod(0o555)
    cause, remedy = open_unprivileged(place / "pings.db")
    assert "may not write in" in cause
    assert remedy
    assert list(place.iterdir()) == []


def test_a_journal_in_a_directory_that_may_not_be_written(place: Path) -> None:
    journal_at(place / "pings.db")
    (place / "pings.db").chmod(0o666)
    place.chmod(0o555)
    before = (place / "pings.db").read_bytes()
    said, cause, remedy = open_unprivileged(place / "pings.db")
    assert said == "for reading only"
    assert "may not write in" in cause
    assert remedy
    assert (place / "pings.db").read_bytes() == before


def test_a_journal_that_may_not_be_written(place: Path) -> None:
    journal_at(place / "pings.db")
    place.chmod(0o777)
    (place / "pings.db").chmod(0o444)
    said, cause, remedy = open_unprivileged(place / "pings.db")
    assert said == "for reading only"
    assert "may read but not write" in cause
    assert "permissions" in remedy


def test_a_journal_that_may_not_be_read(place: Path) -> None:
    journal_at(place / "pings.db")
    place.chmod(0o777)
    (place / "pings.db").chmod(0o000)
    cause, remedy = open_unprivileged(place / "pings.db")
    assert "may not read and write the file" in cause
    assert "permissions" in remedy


def test_a_directory_that_may_not_be_entered(place: Path) -> None:
    journal_at(place / "pings.db")
    place.chmod(0o700 if os.getuid() == 0 else 0o000)
    cause, remedy = open_unprivileged(place / "pings.db")
    assert cause == "Permission denied"
    assert "pings.db" in remedy
    place.chmod(0o700)


def test_lock_files_of_another_user(place: Path) -> None:
    """Who may write the journal needs no permission to write the lock files, only to read them."""
    journal_at(place / "pings.db")
    place.chmod(0o777)
    (place / "pings.db").chmod(0o666)
    for name in ("pings.db-next", "pings.db-main", "pings.db-open"):
        (place / name).chmod(0o444)
    assert open_unprivileged(place / "pings.db") == ["opened"]
    if os.getuid() == 0:
        (place / "pings.db-main").chmod(0o000)
        cause, remedy = open_unprivileged(place / "pings.db")
        assert cause == "Permission denied"
        assert "pings.db-main" in remedy


# What happens to the file later


def test_a_file_that_was_removed_while_in_use(tmp_path: Path) -> None:
    history = uuid4()
    with open_journal(f"sqlite:{tmp_path}/pings.db") as journal:
        head, _ = post(journal, history, NO_HEAD)
        journal._database.pool.shut(0)  # type: ignore[attr-defined]
        journal._database.pool.reopen()  # type: ignore[attr-defined]
        (tmp_path / "pings.db").unlink()
        with pytest.raises(DBError, match="moved or removed"):
            journal.read(history)
        with pytest.raises(DBError, match="moved or removed"):
            post(journal, history, head)
    assert not (tmp_path / "pings.db").exists()
