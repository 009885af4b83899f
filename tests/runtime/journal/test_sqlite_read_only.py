"""Reading a journal without the right to write: what is committed is seen, or an error says why."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from pingregistrywf import CmdInit, DBError, JournalOpenError, Workflows, open_journal
from pingregistrywf.runtime.journal import NO_HEAD, Journal, ReadOnly
from pingregistrywf.runtime.journal.sqlite import pool, records
from pingregistrywf.testing.journal import post

from ...locks import locks_of_this_process

if TYPE_CHECKING:
    from .conftest import User

HISTORY = UUID(int=7)
NewUser = Callable[[], "User"]
READ_ONLY = "open for reading only"

needs_root = pytest.mark.skipif(
    os.getuid() != 0, reason="only root can start another user's process"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that another user can reach, and may not write in."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        place = Path(name, "journals")
        place.mkdir(mode=0o755)
        yield place


@pytest.fixture
def path(place: Path) -> Path:
    return place / "j.db"


@pytest.fixture
def copies(place: Path) -> Path:
    """Where another user makes private copies."""
    directory = place.parent / "copies"
    directory.mkdir()
    directory.chmod(0o777)
    return directory


@pytest.fixture
def nobody(new_user: NewUser, copies: Path) -> User:
    """A process of a user who may read, but not write."""
    user = new_user()
    user("become_nobody", copies)
    return user


def beside(path: Path, suffix: str) -> Path:
    return Path(f"{path}-{suffix}")


def contents(directory: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in directory.iterdir() if each.is_file()}


def refused(user: User, method: str, *arguments: object, saying: str) -> None:
    """Refused with certainty that nothing was written."""
    with pytest.raises(Exception, match=saying) as caught:
        user(method, *arguments)
    assert caught.value.definite  # type: ignore[attr-defined]


def killed(path: Path, new_user: NewUser, times: int = 5) -> list[str]:
    """What a process wrote that was killed, and left its log."""
    user = new_user()
    user("open", path)
    written: list[str] = user("append", path, times)
    user.kill()
    return written


@needs_root
def test_a_journal_that_nobody_has_open(path: Path, new_user: NewUser, nobody: User) -> None:
    writer = new_user()
    writer("open", path)
    written = writer("append", path, 5)
    writer("close", path)
    before = contents(path.parent)
    nobody("open", path)
    assert nobody("read", path) == written
    assert nobody("histories", path) == [str(HISTORY)]
    assert contents(path.parent) == before


@needs_root
def test_a_reader_follows_as_others_open_and_close(
    path: Path, new_user: NewUser, nobody: User
) -> None:
    writer = new_user()
    writer("open", path)
    written = writer("append", path)
    writer("close", path)
    nobody("open", path)
    nobody("subscribe", path)
    for _ in range(3):
        assert nobody("read", path) == written
        writer("open", path)
        written += writer("append", path)
        assert nobody("wait_for", path, written[-1])
        written += writer("append", path)
        writer("close", path)
        assert nobody("read", path) == written
    nobody("close", path)
    writer("open", path)
    writer("close", path)
    assert not beside(path, "wal").exists()


@needs_root
def test_a_journal_that_others_write_to(path: Path, new_user: NewUser, nobody: User) -> None:
    writer = new_user()
    writer("open", path)
    written = writer("append", path, 5)
    nobody("open", path)
    assert nobody("read", path) == written
    nobody("subscribe", path)
    written += writer("append", path)
    assert nobody("wait_for", path, written[-1])


@needs_root
@pytest.mark.parametrize("index", ["there", "gone", "secret"])
def test_a_log_that_a_killed_process_left(
    path: Path, new_user: NewUser, nobody: User, copies: Path, index: str
) -> None:
    written = killed(path, new_user)
    match index:
        case "gone":
            beside(path, "shm").unlink()
        case "secret":
            beside(path, "shm").chmod(0o600)
    path.chmod(0o444)
    before = contents(path.parent)
    nobody("open", path)
    assert nobody("read", path) == written
    nobody("subscribe", path)
    assert len(list(copies.iterdir())) == (index != "there")
    assert contents(path.parent) == before
    writer = new_user()
    beside(path, "shm").chmod(0o644) if index == "secret" else None
    writer("open", path)
    written += writer("append", path)
    assert nobody("wait_for", path, written[-1])
    nobody("close", path)
    assert list(copies.iterdir()) == []


@needs_root
def test_a_log_that_may_not_be_read(path: Path, new_user: NewUser, nobody: User) -> None:
    killed(path, new_user)
    beside(path, "shm").unlink()
    beside(path, "wal").chmod(0o600)
    refused(
        nobody, "open", path, saying="holds events that are not in .*Permission denied.*right to"
    )


@needs_root
def test_a_log_that_others_have_open_and_that_may_not_be_read(
    path: Path, new_user: NewUser, nobody: User
) -> None:
    writer = new_user()
    writer("open", path)
    writer("append", path)
    beside(path, "wal").chmod(0o600)
    refused(nobody, "open", path, saying="holds events that are not in .*right to read")


@needs_root
def test_a_log_that_was_removed_while_others_have_it_open(
    path: Path, new_user: NewUser, nobody: User
) -> None:
    writer = new_user()
    writer("open", path)
    writer("append", path)
    beside(path, "wal").unlink()
    beside(path, "shm").unlink()
    refused(nobody, "open", path, "?timeout=0.05", saying="was removed while another")


@needs_root
@pytest.mark.parametrize("how", ["commit", "delete", "collect", "trim", "exclusive"])
def test_writing_is_refused_with_cause_and_remedy(
    path: Path, new_user: NewUser, nobody: User, how: str
) -> None:
    killed(path, new_user)
    before = contents(path.parent)
    nobody("open", path)
    refused(
        nobody, "write", path, how, saying=f"{READ_ONLY}.*may read but not write.*run as a user"
    )
    assert contents(path.parent) == before


@needs_root
def test_a_file_that_was_replaced_is_not_read_on(
    path: Path, new_user: NewUser, nobody: User
) -> None:
    killed(path, new_user)
    open_journal(f"sqlite:{path}").close()
    nobody("open", path)
    nobody("read", path)
    shutil.copy(path, path.parent / "k.db")
    (path.parent / "k.db").rename(path)
    refused(nobody, "read", path, saying="is another file than")


@needs_root
def test_a_directory_that_may_not_be_written_in(
    path: Path, new_user: NewUser, nobody: User
) -> None:
    written = killed(path, new_user)
    path.chmod(0o666)
    nobody("open", path)
    assert nobody("read", path) == written
    refused(nobody, "write", path, "commit", saying=f"{READ_ONLY}.*may not write in .*SQLite keeps")


def test_a_restoration_that_was_interrupted_is_not_taken_for_a_journal_without_a_log(
    path: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restoration first moves the old log, and then the old file."""
    monkeypatch.setattr(pool, "LOOK_SECONDS", 0.0)
    killed(path, new_user)
    with reading(path) as journal:
        assert len(journal.read(HISTORY, whole=True).entries) == 5
        beside(path, "restore").touch()
        for suffix in ("wal", "shm"):
            beside(path, suffix).unlink()
        with pytest.raises(JournalOpenError, match="its restoration is not finished"):
            journal.read(HISTORY)


def stocked(path: Path, histories: int = 3) -> list[UUID]:
    """A journal that nobody has open."""
    names = [uuid4() for _ in range(histories)]
    with open_journal(f"sqlite:{path}") as journal:
        for name in names:
            post(journal, name, NO_HEAD, 2)
    return names


def append(path: Path, history: UUID) -> None:
    with open_journal(f"sqlite:{path}") as journal:
        post(journal, history, journal.read(history).head)


def reading(path: Path) -> Journal:
    return open_journal(f"sqlite:{path}?mode=ro")


def test_who_may_write_can_choose_to_read_only(path: Path) -> None:
    (history, *_) = stocked(path)
    for name in ("next", "main", "open"):
        beside(path, name).unlink()
    before = contents(path.parent)
    with reading(path) as journal:
        assert isinstance(journal, ReadOnly)
        assert len(journal.read(history).entries) == 2
        assert len(list(journal.scan())) == 3
        with pytest.raises(DBError, match="says to read only: leave out mode=ro") as caught:
            post(journal, history, journal.read(history).head)
        assert caught.value.definite
        with pytest.raises(Exception, match=READ_ONLY):
            Workflows(journal).init(history, CmdInit(registry_id=history))
    assert contents(path.parent) == before


def test_a_scan_of_a_file_that_changes_ends_with_an_error(path: Path) -> None:
    (history, *_) = stocked(path)
    with reading(path) as journal:
        scan = journal.scan()
        next(scan)
        append(path, history)
        with pytest.raises(DBError, match=r"somebody began to write .*run again"):
            list(scan)
        assert len(journal.read(history).entries) == 3
        assert len(list(journal.scan())) == 3


def test_a_scan_of_a_file_that_somebody_opens_goes_on(path: Path) -> None:
    (history, *_) = stocked(path)
    with reading(path) as journal:
        scan = journal.scan()
        found = [next(scan)]
        with open_journal(f"sqlite:{path}") as writer:
            post(writer, history, writer.read(history).head)
            assert len(journal.read(history).entries) == 3
            found += scan
            assert [len(each.entries) for each in found] == [2, 2, 2]
            # The connection that the scan had ignores the log, and is not lent again.
            assert len(journal.read(history).entries) == 3


def test_a_read_during_which_the_file_changes_is_repeated(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (history, *_) = stocked(path)
    entries, times = records.entries, 0

    def change_once(*arguments: Any) -> Any:
        nonlocal times
        times += 1
        if times == 1:
            append(path, history)
        return entries(*arguments)

    with reading(path) as journal:
        monkeypatch.setattr(records, "entries", change_once)
        assert len(journal.read(history).entries) == 3


def test_a_copy_during_which_the_log_begins_anew_is_repeated(
    path: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = killed(path, new_user)
    beside(path, "shm").unlink()
    copy, times = subprocess.run, 0

    def change_once(*arguments: Any, **options: Any) -> Any:
        nonlocal times
        times += 1
        done = copy(*arguments, **options)
        if times == 1:
            (version,) = foreign.execute("PRAGMA user_version").fetchone()
            foreign.execute("PRAGMA wal_checkpoint(RESTART)")
            foreign.execute(f"PRAGMA user_version = {version}")
        return done

    monkeypatch.setattr(subprocess, "run", change_once)
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign, reading(path) as journal:
        assert [str(entry.id) for entry in journal.read(HISTORY, whole=True).entries] == written
    assert times == 2


def test_a_copy_that_finds_no_room_says_so(
    path: Path, new_user: NewUser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    killed(path, new_user)
    beside(path, "shm").unlink()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(tmp_path / "none"))
    with pytest.raises(JournalOpenError, match="holds events that are not in"):
        reading(path)


def test_a_file_system_that_takes_no_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (history, *_) = stocked(path)
    found = list(os.statvfs(path))
    found[8] = os.ST_RDONLY
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(found))
    with open_journal(f"sqlite:{path}") as journal:
        assert len(journal.read(history).entries) == 2
        with pytest.raises(DBError, match="file system takes no writes"):
            journal.collect()


def test_reading_drops_no_locks_of_this_process(path: Path) -> None:
    stocked(path)

    with open_journal(f"sqlite:{path}"):
        before = locks_of_this_process(path)
        with reading(path) as journal:
            list(journal.scan())
        assert locks_of_this_process(path) == before != set()


def test_a_forked_child_reads_on(path: Path) -> None:
    (history, *_) = stocked(path)
    with reading(path) as journal:
        journal.read(history)
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(len(journal.read(history).entries))
            finally:  # the child never goes on as a second run of the tests
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
        assert len(journal.read(history).entries) == 2


def test_an_empty_file_is_no_journal_to_read(path: Path) -> None:
    path.touch()
    with pytest.raises(JournalOpenError, match="the file is empty"):
        reading(path)
    assert path.read_bytes() == b""


def test_a_closed_journal_says_so_first(path: Path) -> None:
    stocked(path)
    journal = reading(path)
    journal.close()
    with pytest.raises(DBError, match="closed journal"):
        journal.collect()
