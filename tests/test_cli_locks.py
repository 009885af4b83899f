"""No command opens a journal's file but through SQLite.

POSIX drops all locks of a process on a file when the process closes any descriptor of it, and
SQLite does not notice.  So each command runs here in a process that has the journal open, and the
locks must stay as they were.
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import uuid4

import pytest

from pingregistrywf import open_journal

from .command_line import run
from .locks import locks_of_this_process

WORKFLOW = uuid4()
COMMANDS = (
    (f"begin pings --workflow {WORKFLOW}", 0),
    (f"get pings --workflow {WORKFLOW}", 0),
    ("list pings", 0),
    (f"events pings --workflow {WORKFLOW}", 0),
    (f"commit pings --workflow {WORKFLOW}", 1),
    ("journal info", 0),
    ("journal verify", 0),
    ("journal backup DIRECTORY/backup.db", 0),
    ("journal export DIRECTORY/export.jsonl", 0),
    ("journal import DIRECTORY/export.jsonl", 1),
    ("journal restore DIRECTORY/backup.db", 2),
    ("doctor", 0),
)
"""Each with its exit code: refused are a commit without a summary, the import of what is there, and
the replacement of a journal that is open."""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list locks")
def test_each_command_leaves_the_locks_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with open_journal(f"sqlite:{path}") as journal:
        list(journal.histories())
        held = locks_of_this_process(path)
        assert held
        for command, code in COMMANDS:
            for url in (f"sqlite:{path}", f"sqlite:{path}?mode=ro"):
                words = command.replace("DIRECTORY", str(tmp_path)).split()
                done = run(*words, "--journal", url)
                assert locks_of_this_process(path) == held, words
                if "mode" not in url:
                    assert done.returncode == code, done
