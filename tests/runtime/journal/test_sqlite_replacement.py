"""A backup takes a journal's place: whatever kills it leaves the old journal or the new one."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pingregistrywf import JournalOpenError, open_journal
from pingregistrywf.runtime.errors import DBError, UnsoundError
from pingregistrywf.runtime.restore import restore
from pingregistrywf.runtime.transfer import backup

from ...command_line import run
from ...tiers import some
from ..stocked import DECLARATIONS

if TYPE_CHECKING:
    from .conftest import User

NewUser = Callable[[], "User"]
Found = Callable[[Path], list[str]]
RENAMING = 20
"""More steps than there are from the first rename to the last."""


@dataclass
class Place:
    """A directory with a journal and its backup.

    The journal's newest events are in the log that a killed process left.

    Attributes:
        path: the journal.
        backup: its backup.
        old: the histories of the journal.
        new: those of them that are in the backup.
    """

    path: Path
    backup: Path
    old: list[str]
    new: list[str]

    def copied(self, directory: Path) -> Place:
        shutil.copytree(self.path.parent, directory)
        return replace(self, path=directory / self.path.name, backup=directory / self.backup.name)

    def restore(self, source: Path | None = None) -> Path | None:
        return restore(source or self.backup, f"sqlite:{self.path}", DECLARATIONS)

    def aside(self) -> Path:
        """Where the old file is."""
        (directory,) = self.path.parent.glob(f"{self.path.name}-before-*")
        return directory / self.path.name

    def names(self) -> set[str]:
        """What is there but for lock files."""
        names = {each.name for each in self.path.parent.iterdir()}
        return {name for name in names if not name.endswith(("-main", "-next", "-open"))}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, fork_user: NewUser) -> Place:
    directory = tmp_path_factory.mktemp("original")
    path, copy = directory / "j.db", directory / "backup.db"
    user = fork_user()
    user("open", path)
    new = user("begin", path, 2)
    with open_journal(f"sqlite:{path}") as journal:
        backup(journal, copy, DECLARATIONS)
    old = new + user("begin", path, 3)
    user.kill()
    assert Path(f"{path}-wal").stat().st_size > 0
    return Place(path, copy, sorted(old), new)


@pytest.fixture
def place(original: Place, tmp_path: Path) -> Place:
    return original.copied(tmp_path / "place")


@pytest.fixture
def found(new_user: NewUser) -> Callable[[Path], list[str]]:
    """The histories that a new process finds in a journal."""

    def found(path: Path) -> list[str]:
        user = new_user()
        user("open", path)
        histories: list[str] = user("histories", path)
        user("close", path)
        return histories

    return found


def test_the_backup_takes_the_place_and_the_old_files_are_kept(place: Place, found: Found) -> None:
    old = place.restore()
    assert old == place.aside().parent
    assert place.names() == {"j.db", "backup.db", old.name}
    assert found(place.path) == place.new
    assert found(place.aside()) == place.old


@pytest.mark.slow
def test_a_kill_leaves_the_old_journal_the_new_one_or_a_refusal(
    place: Place, new_user: NewUser, found: Found, tmp_path: Path
) -> None:
    whole = place.copied(tmp_path / "whole")
    steps = new_user()("restore", whole.backup, whole.path, 0)
    outcomes = []
    copying, renaming = range(1, steps - RENAMING), range(steps - RENAMING, steps + 1)
    for step in [*some(copying, every=24), *renaming]:
        here = place.copied(tmp_path / str(step))
        assert new_user().dies("restore", here.backup, here.path, step)
        refusal = opens(here.path)
        if refusal is None:
            outcomes.append("old" if found(here.path) == here.old else "new")
        else:
            (command,) = re.findall("`pingregistrywf (.*)`", refusal)
            assert run(*shlex.split(command)).returncode == 0
            outcomes.append("refused")
        if outcomes[-1] != "old":
            assert found(here.path) == here.new
            assert found(here.aside()) == here.old
    assert outcomes == sorted(outcomes, key=["old", "refused", "new"].index)
    assert set(outcomes) == {"old", "refused", "new"}


def opens(path: Path) -> str | None:
    """Why a journal cannot be opened, None if it can."""
    try:
        open_journal(f"sqlite:{path}").close()
    except JournalOpenError as error:
        return str(error)
    return None


@pytest.mark.slow
def test_killed_again_and_again_it_finishes(
    place: Place, new_user: NewUser, found: Found, tmp_path: Path
) -> None:
    """With the backup named each time."""
    whole = place.copied(tmp_path / "whole")
    steps = new_user()("restore", whole.backup, whole.path, 0)
    for step in some(range(steps, 0, -1), every=20):
        here = place.copied(tmp_path / str(step))
        for fatal in range(step, max(0, step - 3), -1):
            new_user().dies("restore", here.backup, here.path, fatal)
        here.restore()
        assert found(here.path) == here.new
        kept = here.path.parent.glob("j.db-before-*")
        assert here.old in [found(each / "j.db") for each in kept]


@pytest.mark.slow
@pytest.mark.parametrize("named", [True, False])
def test_the_log_joins_the_file_that_was_moved_before_a_kill(
    place: Place, found: Found, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    moved: list[Path] = []

    def rename(path: Path, target: Path) -> None:
        if moved:
            raise KeyboardInterrupt
        path.replace(target)
        moved.append(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            place.restore()
    assert moved == [place.path]
    restore(place.backup if named else None, f"sqlite:{place.path}", DECLARATIONS)
    assert found(place.path) == place.new
    assert found(place.aside()) == place.old


@pytest.mark.parametrize("left", [True, False])
def test_an_absent_journal(place: Place, found: Found, left: bool) -> None:
    place.path.unlink()
    log = Path(f"{place.path}-wal")
    if not left:
        log.unlink()
        Path(f"{place.path}-shm").unlink()
    old = place.restore()
    assert found(place.path) == place.new
    assert (old is not None) is left
    assert old is None or (old / log.name).stat().st_size > 0


def test_a_damaged_journal_with_two_names(place: Place, found: Found) -> None:
    place.path.write_bytes(b"nonsense")
    os.link(place.path, place.path.with_name("k.db"))
    place.restore()
    assert found(place.path) == place.new
    assert place.aside().read_bytes() == b"nonsense"


def test_a_place_where_no_journal_was(place: Place, found: Found, tmp_path: Path) -> None:
    other = replace(place, path=tmp_path / "k.db")
    assert other.restore() is None
    assert found(other.path) == place.new


def test_a_backup_with_a_log_of_its_own(place: Place, found: Found, tmp_path: Path) -> None:
    """A plain copy of file and log, made while every process was stopped."""
    other = replace(place, path=tmp_path / "k.db")
    other.restore(place.path)
    assert found(other.path) == place.old


def test_the_old_files_can_be_restored(place: Place, found: Found) -> None:
    place.restore()
    aside = place.aside()
    other = place.restore(aside)
    assert other not in (None, aside.parent)
    assert found(place.path) == place.old


def test_each_restored_journal_has_an_id_of_its_own(place: Place, found: Found) -> None:
    """So that whoever follows the journal by positions notices that they begin again."""
    ids = set()
    for _ in range(2):
        place.restore()
        found(place.path)
        ids.add(Path(f"{place.path}-open").read_text())
    found(place.backup)
    ids.add(Path(f"{place.backup}-open").read_text())
    assert len(ids) == 3


def test_a_journal_in_use_is_not_replaced(place: Place, new_user: NewUser, found: Found) -> None:
    user, other = new_user(), new_user()
    user("open", place.path)
    other("open", place.path)
    with pytest.raises(DBError, match="in use by process") as caught:
        place.restore()
    assert {f"process {each.pid} (" in str(caught.value) for each in (user, other)} == {True}
    other.kill()
    with pytest.raises(DBError, match=rf"in use by process {user.pid} \("):
        place.restore()
    written = user("begin", place.path)
    user("close", place.path)
    with (
        open_journal(f"sqlite:{place.path}"),
        pytest.raises(DBError, match="in use by another thread of this process"),
    ):
        place.restore()
    assert place.names() == {"j.db", "backup.db"}
    assert found(place.path) == sorted(place.old + written)


def test_a_journal_that_another_program_has_open_is_not_replaced(
    place: Place, new_user: NewUser
) -> None:
    other = new_user()
    other("sqlite", place.path, "SELECT count(*) FROM sqlite_schema")
    with pytest.raises(DBError, match=rf"in use by process {other.pid} \("):
        place.restore()
    other("close_sqlite")
    place.restore()


def test_nobody_opens_a_journal_while_the_backup_is_verified(
    place: Place, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, refusals = new_user(), []

    def verify(*_: object) -> list[object]:
        with pytest.raises(Exception, match="another process has locked") as caught:
            late("open", place.path, "?timeout=0.05")
        refusals.append(caught.value)
        return []

    monkeypatch.setattr("pingregistrywf.runtime.restore.verify", verify)
    place.restore()
    assert len(refusals) == 1


def test_who_waited_for_the_lock_does_not_open_half_a_journal(
    place: Place, new_user: NewUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked before the restoration began, and is let in when that is killed."""
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", interrupt)
        with pytest.raises(KeyboardInterrupt):
            place.restore()
    monkeypatch.setattr("pingregistrywf.runtime.journal.sqlite.refuse_unfinished", lambda _: None)
    assert "journal restore" in (opens(place.path) or "")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_unsound_backup_replaces_nothing(place: Place, found: Found) -> None:
    before = place.names()
    with closing(sqlite3.connect(place.backup)) as damaged:
        damaged.execute("UPDATE event SET data = x'00'")
        damaged.commit()
    with pytest.raises(UnsoundError):
        restore(place.backup, f"sqlite:{place.path}", DECLARATIONS)
    assert place.names() == before
    assert found(place.path) == place.old


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (None, "no file"),
        (b"", "not a journal"),
        (b"nonsense" * 1000, "not a database"),
    ],
    ids=["absent", "empty", "nonsense"],
)
def test_what_is_no_backup_replaces_nothing(
    place: Place, found: Found, content: bytes | None, cause: str
) -> None:
    place.backup.unlink()
    if content is not None:
        place.backup.write_bytes(content)
    with pytest.raises((JournalOpenError, FileNotFoundError), match=cause) as caught:
        place.restore()
    assert str(place.backup) in str(caught.value)
    assert found(place.path) == place.old


def test_the_backup_is_only_read(place: Place) -> None:
    before = place.backup.read_bytes()
    place.backup.chmod(0o400)
    place.restore()
    assert place.backup.read_bytes() == before
    assert [each for each in place.names() if each.startswith("backup")] == ["backup.db"]
    assert not list(place.path.parent.glob("backup.db-*-*"))


def test_the_new_file_has_the_owner_and_mode_of_the_old_one(place: Place) -> None:
    place.path.chmod(0o640)
    if os.getuid() == 0:
        os.chown(place.path, 65534, 65534)
    before = place.path.stat()
    place.restore()
    after = place.path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


def test_only_an_interrupted_restoration_is_finished_without_a_backup(place: Place) -> None:
    with pytest.raises(JournalOpenError, match="no restoration of it was interrupted"):
        restore(None, f"sqlite:{place.path}", DECLARATIONS)


@pytest.mark.parametrize("url", ["memory:", "x:y", "pings.db", "sqlite:"])
def test_only_a_file_is_replaced(place: Place, url: str) -> None:
    with pytest.raises(JournalOpenError):
        restore(place.backup, url, DECLARATIONS)
