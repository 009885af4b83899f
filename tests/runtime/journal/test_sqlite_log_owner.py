"""A log that a killed process left is never taken for the log of another journal."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pingregistrywf import JournalOpenError, open_journal
from pingregistrywf.runtime.journal.sqlite.lock_holder import lock_holders
from pingregistrywf.runtime.transfer import backup

from ...tiers import some
from ..stocked import DECLARATIONS

if TYPE_CHECKING:
    from .conftest import User

NewUser = Callable[[], "User"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place" / "j.db"


@pytest.fixture
def other(tmp_path: Path, new_user: NewUser) -> Path:
    """Another journal, which was closed."""
    other = tmp_path / "k.db"
    made(other, new_user, 2)
    return other


def beside(path: Path, suffix: str) -> Path:
    return Path(f"{path}-{suffix}")


def made(path: Path, new_user: NewUser, times: int, *, kill: bool = False) -> list[str]:
    """The histories that a new process began in a journal, before it closed it or was killed."""
    user = new_user()
    user("open", path)
    begun: list[str] = user("begin", path, times)
    if kill:
        user.kill()
        assert beside(path, "wal").stat().st_size > 0
    else:
        user("close", path)
        assert not beside(path, "wal").exists()
    return begun


def found(path: Path, options: str = "") -> list[str]:
    with open_journal(f"sqlite:{path}{options}", create=False) as journal:
        return sorted(str(stored.id) for stored in journal.histories())


def copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def replace(source: Path, path: Path) -> None:
    shutil.copyfile(source, f"{path}-new")
    os.replace(f"{path}-new", path)  # noqa: PTH105


@pytest.mark.parametrize("put", [copy, replace])
@pytest.mark.parametrize("closed", [True, False], ids=["checkpointed", "young"])
def test_another_journal_beside_a_log_that_was_left(
    path: Path, other: Path, new_user: NewUser, put: Callable[[Path, Path], None], closed: bool
) -> None:
    histories = made(path, new_user, 3) if closed else []
    histories += made(path, new_user, 1, kill=True)
    shutil.copytree(path.parent, path.parent.parent / "before")
    put(other, path)
    content = {each: each.read_bytes() for each in (path, beside(path, "wal"))}
    for options in ("", "", "?mode=ro"):
        with pytest.raises(JournalOpenError, match=r"the log .*j.db-wal' belongs to the journal"):
            open_journal(f"sqlite:{path}{options}")
    assert {each: each.read_bytes() for each in content} == content
    # What the error advises:
    moved = path.parent.parent / "before" / "j.db"
    beside(path, "wal").replace(beside(moved, "wal"))
    assert found(path) == found(other)
    assert found(moved) == sorted(histories)
    assert made(path, new_user, 1, kill=True)[0] in found(path)


def test_a_backup_of_the_same_journal_is_another_journal(path: Path, new_user: NewUser) -> None:
    made(path, new_user, 3)
    with open_journal(f"sqlite:{path}") as journal:
        backup(journal, path.parent / "copy.db", DECLARATIONS)
    made(path, new_user, 2, kill=True)
    copy(path.parent / "copy.db", path)
    with pytest.raises(JournalOpenError, match="belongs to the journal"):
        open_journal(f"sqlite:{path}")
    beside(path, "wal").unlink()
    assert len(found(path)) == 3


def test_no_file_beside_a_log_that_was_left(path: Path, new_user: NewUser) -> None:
    made(path, new_user, 1, kill=True)
    path.unlink()
    with pytest.raises(JournalOpenError, match=r"a log .* without its journal"):
        open_journal(f"sqlite:{path}")


@pytest.mark.parametrize("times", [0, 3])
def test_another_journal_while_others_have_the_log_open(
    path: Path, other: Path, new_user: NewUser, times: int
) -> None:
    histories = made(path, new_user, 1)
    user = new_user()
    user("open", path)
    histories += user("begin", path, times)
    path.rename(path.parent / "moved.db")
    copy(other, path)
    with pytest.raises(JournalOpenError, match="belongs to the journal"):
        open_journal(f"sqlite:{path}?timeout=0.1")
    assert path.read_bytes() == other.read_bytes()
    (path.parent / "moved.db").replace(path)
    user("close", path)
    assert found(path) == sorted(histories)


def test_a_process_that_opens_beside_others_drops_no_locks(path: Path, new_user: NewUser) -> None:
    made(path, new_user, 1)
    user, outside = new_user(), new_user()
    outside("sqlite", path, "SELECT count(*) FROM sqlite_schema")
    user("open", path)
    outside("open", path)
    outside("close", path)
    assert outside.pid in lock_holders(path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", some(["removed", "new", "left", "replaced"], every=2))
def test_a_process_killed_at_each_step_of_opening_locks_nobody_out(
    tmp_path: Path, other: Path, new_user: NewUser, kind: str
) -> None:
    """A log that it leaves is the file's own."""
    original = tmp_path / "original" / "j.db"
    original.parent.mkdir()
    kept = [] if kind == "new" else made(original, new_user, 2, kill=kind == "left")
    if kind == "removed":
        original.unlink()
        kept = []
    elif kind == "replaced":
        copy(other, original)
        kept = found(other)
    whole = shutil.copytree(original.parent, tmp_path / "whole")
    steps = new_user()("open_in_steps", whole / "j.db", 0)
    assert steps > 3
    for step in range(1, steps + 1):
        path = shutil.copytree(original.parent, tmp_path / str(step)) / "j.db"
        assert new_user().dies("open_in_steps", path, step)
        written = made(path, new_user, 1, kill=True)
        assert found(path) == sorted(kept + written)


@pytest.mark.parametrize("times", [1, 3])
def test_a_log_that_was_left_beside_its_own_file(path: Path, new_user: NewUser, times: int) -> None:
    histories = []
    for _ in range(times):
        histories += made(path, new_user, 1, kill=True)
    assert found(path) == sorted(histories)


def test_a_process_that_was_killed_while_it_copied_the_log_into_the_file(
    path: Path, new_user: NewUser
) -> None:
    """The first page says already that there are more pages, and they are in the log alone."""
    histories = made(path, new_user, 1)
    histories += made(path, new_user, 100, kill=True)
    whole = Path(shutil.copytree(path.parent, path.parent.parent / "whole")) / "j.db"
    assert found(whole) == sorted(histories)
    assert whole.stat().st_size > path.stat().st_size
    with path.open("r+b") as file:
        file.write(whole.read_bytes()[:4096])
    assert found(path) == sorted(histories)


def test_a_file_that_was_replaced_without_a_log(path: Path, other: Path, new_user: NewUser) -> None:
    made(path, new_user, 1)
    copy(other, path)
    assert found(path, "?mode=ro") == found(other)
    histories = found(other) + made(path, new_user, 1, kill=True)
    assert found(path, "?mode=ro") == found(path) == sorted(histories)


@pytest.mark.parametrize("lock", ["absent", "empty", "nonsense"])
def test_a_lock_file_that_names_no_journal(path: Path, new_user: NewUser, lock: str) -> None:
    """As they were before journals had ids, or after file and log were moved together."""
    histories = made(path, new_user, 1, kill=True)
    if lock == "absent":
        beside(path, "open").unlink()
    else:
        beside(path, "open").write_text("" if lock == "empty" else "nonsense" * 10)
    assert found(path) == histories
    assert len(beside(path, "open").read_text()) == 37


def test_file_and_log_in_the_place_of_another_journal(
    path: Path, other: Path, new_user: NewUser
) -> None:
    """It cannot be told from a log that was left there, but the error says what to do."""
    histories = made(path, new_user, 1, kill=True)
    path.replace(other)
    beside(path, "wal").replace(beside(other, "wal"))
    with pytest.raises(JournalOpenError, match="if it belongs to this file, empty") as caught:
        open_journal(f"sqlite:{other}")
    assert str(beside(other, "open")) in str(caught.value)
    os.truncate(beside(other, "open"), 0)
    assert found(other) == histories


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_lock_file_that_names_another_journal_and_may_not_be_written(
    other: Path, new_user: NewUser
) -> None:
    """A log that this user left would be taken for that of the journal that was there before."""
    with tempfile.TemporaryDirectory() as name:  # which the other user can reach
        path = Path(name, "j.db")
        made(path, new_user, 1)
        copy(other, path)
        path.parent.chmod(0o777)
        path.chmod(0o666)
        user = new_user()
        user("become_nobody", path.parent)
        with pytest.raises(Exception, match=r"Permission denied; check .*j.db-open"):
            user("open", path)
        beside(path, "open").chmod(0o666)
        user("open", path)
        user("append", path)
        user.kill()
        assert len(found(path)) == 3


def test_backups_have_ids_of_their_own(path: Path, new_user: NewUser) -> None:
    made(path, new_user, 1)
    copies = [path.parent / "one.db", path.parent / "two.db"]
    with open_journal(f"sqlite:{path}") as journal:
        for each in copies:
            backup(journal, each, DECLARATIONS)
    for each in copies:
        found(each)
    assert len({beside(each, "open").read_text() for each in (path, *copies)}) == 3
