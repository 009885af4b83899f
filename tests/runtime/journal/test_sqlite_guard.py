"""People move, remove and replace the files of an open journal: what was acknowledged stays."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pingregistrywf import JournalOpenError, open_journal
from pingregistrywf.runtime.journal.sqlite.address import Address
from pingregistrywf.runtime.journal.sqlite.guard import LOOK_SECONDS, TICK_NS
from pingregistrywf.runtime.journal.sqlite.schema import Role, connect

if TYPE_CHECKING:
    from .conftest import User

NewUser = Callable[[], "User"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "j.db"


def beside(path: Path, suffix: str) -> Path:
    return Path(f"{path}-{suffix}")


def stored(path: Path, new_user: NewUser) -> list[str]:
    """What a new process finds."""
    user = new_user()
    user("open", path)
    found: list[str] = user("read", path)
    user("close", path)
    return found


def refused(user: User, method: str, *arguments: object, saying: str) -> bool:
    """Whether the refusal is definite."""
    with pytest.raises(Exception, match=saying) as caught:
        user(method, *arguments)
    definite: bool = caught.value.definite  # type: ignore[attr-defined]
    return definite


def test_locks_that_vanished_lose_nothing(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    one("open", path)
    written = one("append", path, 5)
    one("touch", path)
    other("open", path)
    other("read", path)
    other("close", path)
    assert beside(path, "wal").exists()
    written += one("append", path, 5)
    one.kill()
    assert stored(path, new_user) == written


@pytest.mark.parametrize("ends", ["close", "end", "kill"])
def test_a_log_that_others_use_stays_however_a_process_ends(
    path: Path, new_user: NewUser, ends: str
) -> None:
    one, other = new_user(), new_user()
    one("open", path)
    written = one("append", path, 3)
    for suffix in ("", "-wal", "-shm"):
        one("touch", f"{path}{suffix}")
    other("open", path)
    written += other("append", path, 2)
    other("iterate", path)
    other("close", path) if ends == "close" else getattr(other, ends)()
    written += one("append", path, 3)
    assert one("read", path) == written
    one.kill()
    assert stored(path, new_user) == written


def test_the_last_close_leaves_the_file_alone(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    for user in (one, other):
        user("open", path)
    written = one("append", path, 2) + other("append", path, 2)
    one("close", path)
    assert beside(path, "wal").exists()
    other("close", path)
    assert not beside(path, "wal").exists()
    assert not beside(path, "shm").exists()
    assert stored(path, new_user) == written


def test_a_foreign_close_after_locks_vanished_is_healed(path: Path, new_user: NewUser) -> None:
    one, foreign = new_user(), new_user()
    one("open", path)
    written = one("append", path, 5)
    one("touch", path)
    foreign("sqlite", path, "PRAGMA schema_version")
    foreign("close_sqlite")
    if beside(path, "wal").exists():
        pytest.skip(f"SQLite {sqlite3.sqlite_version} lost no lock: there is nothing to heal")
    written += one("append", path, 5)
    assert one("read", path) == written
    one.kill()
    assert stored(path, new_user) == written


def test_a_reader_notices_that_its_log_is_gone(path: Path, new_user: NewUser) -> None:
    reader, foreign, writer = new_user(), new_user(), new_user()
    reader("open", path)
    reader("append", path, 2)
    reader("read", path)
    reader("touch", path)
    foreign("sqlite", path, "PRAGMA schema_version")
    foreign("close_sqlite")
    reader("close", path)
    reader("open", path)
    writer("open", path)
    writer("append", path)
    assert len(reader("read", path)) == 3


def test_a_wait_notices_a_commit_to_a_new_log(path: Path, new_user: NewUser) -> None:
    one, foreign, writer = new_user(), new_user(), new_user()
    one("open", path)
    one("append", path)
    one("subscribe", path)
    one("touch", path)
    foreign("sqlite", path, "PRAGMA schema_version")
    foreign("close_sqlite")
    writer("open", path, "?timeout=60")
    written = writer("append", path)
    assert one("wait_for", path, written[0])


def test_a_wait_notices_that_the_file_was_moved(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    one("append", path)
    one("subscribe", path)
    path.rename(path.parent / "k.db")
    refused(one, "wait_for", path, "nothing", saying="moved, removed or replaced")


def test_a_file_that_was_moved_takes_no_more_commits(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    for user in (one, other):
        user("open", path)
    written = one("append", path, 3) + other("append", path, 3)
    (path.parent / "old").mkdir()
    moved = path.parent / "old" / "j.db"
    subprocess.run(["mv", path, moved], check=True)
    for user in (one, other):
        assert refused(user, "append", path, saying="moved, removed or replaced.*move file and log")
        refused(user, "read", path, saying="moved, removed or replaced")
    refused(new_user(), "open", path, saying="a log .* without its journal")
    one("close", path)
    other.kill()
    beside(path, "wal").rename(beside(moved, "wal"))
    assert stored(moved, new_user) == written


@pytest.mark.parametrize("moved", ["", "-wal", "-shm", "/.."])
def test_a_change_is_seen_in_a_directory_that_was_quiet(
    tmp_path: Path, new_user: NewUser, moved: str
) -> None:
    path = tmp_path / "journals" / "j.db"
    path.parent.mkdir()
    one = new_user()
    one("open", path)
    one("append", path)
    while time.time_ns() - path.parent.stat().st_ctime_ns <= 2 * TICK_NS:
        time.sleep(0.01)
    written = one("append", path, 2)  # the second one asks for the directory alone
    found = Path(os.path.normpath(f"{path}{moved}"))
    found.rename(tmp_path / "moved")
    if moved == "-shm":  # which the others can do without
        written += one("append", path)
        assert one("read", path)[1:] == written
    else:
        refused(one, "append", path, saying="moved, removed or replaced|removed or replaced while")


def test_a_read_notices_that_the_file_was_moved(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    one("append", path)
    one("read", path)
    path.rename(path.parent / "k.db")
    time.sleep(2 * LOOK_SECONDS)  # reads may be late
    refused(one, "read", path, saying="moved, removed or replaced")


def test_a_file_that_comes_back_is_used_again(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    written = one("append", path, 3)
    path.rename(path.parent / "k.db")
    refused(one, "append", path, saying="moved, removed or replaced")
    (path.parent / "k.db").rename(path)
    written += one("append", path)
    assert one("read", path) == written


def test_a_file_that_was_replaced_takes_no_more_commits(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    one("append", path, 3)
    shutil.copy(path, path.parent / "k.db")
    os.replace(path.parent / "k.db", path)  # noqa: PTH105
    assert refused(one, "append", path, saying="is another file than the file")


def test_a_move_inside_a_turn_is_not_acknowledged(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    one("append", path)
    refused(
        one, "append", path, 1, path.parent / "k.db", saying="moved, removed or replaced|run again"
    )


def test_a_move_after_the_last_look_of_a_turn_is_not_acknowledged(
    path: Path, new_user: NewUser
) -> None:
    one = new_user()
    one("rely_on_first_look")
    one("open", path)
    one("append", path)
    assert not refused(
        one, "append", path, 1, path.parent / "k.db", saying="moved, removed or replaced"
    )


def test_a_log_that_was_removed_is_saved(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    for user in (one, other):
        user("open", path)
    written = one("append", path, 5)
    subprocess.run(["rm", beside(path, "wal")], check=True)
    assert refused(one, "append", path, saying="all of it was copied .*end all processes")
    assert refused(other, "append", path, saying="all of it was copied .*end all processes")
    refused(other, "read", path, saying="removed or replaced")
    refused(new_user(), "open", f"{path}", "?timeout=0.05", saying="was removed while another")
    one.kill()
    other("close", path)
    assert stored(path, new_user) == written


def test_a_log_and_index_that_were_removed_heal(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    for user in (one, other):
        user("open", path)
    written = one("append", path, 5)
    subprocess.run(["rm", beside(path, "wal"), beside(path, "shm")], check=True)
    refused(new_user(), "open", path, "?timeout=0.05", saying="was removed while another")
    written += other("append", path, 2) + one("append", path, 2)
    assert one("read", path) == other("read", path) == written
    one.kill()
    other.kill()
    assert stored(path, new_user) == written


def test_an_index_that_was_removed_heals(path: Path, new_user: NewUser) -> None:
    one, other = new_user(), new_user()
    for user in (one, other):
        user("open", path)
    written = one("append", path, 5)
    beside(path, "shm").unlink()
    written += other("append", path, 2) + one("append", path, 2) + other("append", path)
    assert one("read", path) == other("read", path) == written
    one.kill()
    other.kill()
    assert stored(path, new_user) == written


def test_healing_waits_for_what_this_process_reads(path: Path, new_user: NewUser) -> None:
    one = new_user()
    one("open", path)
    written = one("append", path, 5)
    one("iterate", path)
    beside(path, "wal").unlink()
    beside(path, "shm").unlink()
    assert refused(one, "append", path, saying="still reads the old ones")
    one("stop_iterating")
    written += one("append", path)
    assert one("read", path) == written


def test_a_connection_of_the_user_that_holds_the_old_index_is_refused(
    path: Path, new_user: NewUser
) -> None:
    one = new_user()
    one("open", path)
    written = one("append", path, 5)
    one("sqlite", path, "SELECT count(*) FROM sqlite_schema")
    beside(path, "wal").unlink()
    beside(path, "shm").unlink()
    assert refused(one, "append", path, saying="close other connections")
    one("close_sqlite")
    written += one("append", path)
    one.kill()
    assert stored(path, new_user) == written


def test_a_file_of_two_names_is_refused(path: Path) -> None:
    open_journal(f"sqlite:{path}").close()
    other = path.parent / "k.db"
    subprocess.run(["ln", path, other], check=True)
    for name in (path, other):
        with pytest.raises(JournalOpenError, match="2 names"):
            open_journal(f"sqlite:{name}")
    other.unlink()
    open_journal(f"sqlite:{path}").close()


@pytest.mark.parametrize("emptied", [False, True])
def test_a_log_without_its_file_is_refused_and_kept(
    path: Path, new_user: NewUser, emptied: bool
) -> None:
    user = new_user()
    user("open", path)
    user("append", path)
    user.kill()
    path.rename(path.parent / "k.db")
    if emptied:
        path.touch()
    log = beside(path, "wal").read_bytes()
    with pytest.raises(JournalOpenError, match=r"a log .* without its journal"):
        open_journal(f"sqlite:{path}")
    assert beside(path, "wal").read_bytes() == log


def test_writers_reach_the_disk_on_macos_too(path: Path) -> None:
    address = Address.parse(f"sqlite:{path}")
    writer = connect(address, Role.WRITER, make=True)
    for name in ("fullfsync", "checkpoint_fullfsync"):
        assert writer.execute(f"PRAGMA {name}").fetchone() == (1,)
    writer.close()


def test_no_descriptor_is_left(path: Path) -> None:
    """Of those for the journal's files: what other tests have left open may close meanwhile."""

    def descriptors() -> list[str]:
        numbers = os.listdir("/proc/self/fd")  # noqa: PTH208
        links = [f"/proc/self/fd/{number}" for number in numbers]
        places = [os.readlink(link) for link in links if os.path.lexists(link)]  # noqa: PTH115
        return [place for place in places if place.startswith(str(path.parent))]

    for _ in range(3):
        with open_journal(f"sqlite:{path}") as one, open_journal(f"sqlite:{path}") as other:
            list(one.histories())
            list(other.histories())
            assert descriptors()
    assert descriptors() == []
