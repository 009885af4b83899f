"""A journal is refused where SQLite's log would lose what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pingregistrywf.runtime.errors import JournalOpenError
from pingregistrywf.runtime.journal import open_journal
from pingregistrywf.runtime.journal.sqlite import filesystem
from pingregistrywf.runtime.journal.sqlite.filesystem import file_system

MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:31 / /srv rw,relatime shared:2 master:3 - nfs4 server:/srv rw,vers=4.2
31 30 0:32 /sub /srv/me/local\040disk rw - xfs /dev/vdb rw
32 27 0:33 / /mnt/back\134slash rw - cifs //server/share rw
33 27 0:34 / /mnt/twice rw - nfs server:/twice rw
34 27 0:35 / /mnt/twice rw - btrfs /dev/vdc rw
35 27 0:36 / /mnt/far - fuse.sshfs me@server: rw
a line of another form
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/pings.db", "ext4"),
        ("/srv/me/pings.db", "nfs4"),
        ("/srvs/pings.db", "ext4"),
        ("/srv/me/local disk/pings.db", "xfs"),
        ("/srv/me/local disks/pings.db", "nfs4"),
        (r"/mnt/back\slash/pings.db", "cifs"),
        ("/mnt/twice/pings.db", "btrfs"),
        ("/mnt/far/pings.db", "fuse.sshfs"),
    ],
)
def test_the_longest_mount_point_counts(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_no_mount_is_known() -> None:
    assert file_system(Path("/pings.db"), "") is None


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that the system's list of mounts calls a network's."""
    directory = (tmp_path / "a place").resolve()
    directory.mkdir()
    place = str(directory).replace(" ", r"\040")
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS + f"40 27 0:40 / {place} rw - nfs4 server:/ rw\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    return directory


@pytest.mark.parametrize("create", [True, False])
def test_a_journal_on_a_network_is_refused(mounted: Path, tmp_path: Path, create: bool) -> None:
    file = mounted / "pings.db"
    if not create:
        open_journal(f"sqlite:{file}?filesystem=any").close()
    before = sorted(mounted.iterdir())
    (tmp_path / "link").symlink_to(mounted)
    for path in (file, tmp_path / "link" / "pings.db"):
        with pytest.raises(JournalOpenError, match="file system of type nfs4") as caught:
            open_journal(f"sqlite:{path}", create=create)
        assert "filesystem=any" in caught.value.remedy
    assert sorted(mounted.iterdir()) == before


def test_the_url_may_overrule(mounted: Path) -> None:
    with open_journal(f"sqlite:{mounted}/pings.db?timeout=1&filesystem=any") as journal:
        assert list(journal.histories()) == []


def test_a_backup_may_go_to_a_network(mounted: Path, tmp_path: Path) -> None:
    """Nobody else uses the copy while it is made and verified."""
    for url in ("memory:", f"sqlite:{tmp_path}/pings.db"):
        with open_journal(url) as journal:
            copied = journal.backup(mounted / f"{url[:6]}.db")
        open_journal(copied, create=False).close()


def test_a_system_that_lists_no_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filesystem, "MOUNTS", tmp_path / "missing")
    open_journal(f"sqlite:{tmp_path}/pings.db").close()
