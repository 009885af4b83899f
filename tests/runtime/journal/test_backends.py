"""Backends of other distributions: the documented example, really installed, and broken ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf import open_journal

from ...snippets import python_snippets

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "journal-backend.md"


class Installed:
    """A directory with an installed distribution, for child processes to import from."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def install(self, name: str, entry_points: str, **modules: str) -> None:
        """Write modules and the metadata of a distribution, as an installer does."""
        for module, text in modules.items():
            (self.place / f"{module}.py").write_text(text, encoding="utf-8")
        metadata = self.place / f"{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(
            f"[pingregistrywf.journals]\n{entry_points}\n", encoding="utf-8"
        )

    def run(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PINGREGISTRYWF")}
        return subprocess.run(
            [sys.executable, *arguments],
            env={**kept, "PYTHONPATH": str(self.place), "NO_COLOR": "1"},
            cwd=self.place,
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


@pytest.fixture
def folder(installed: Installed) -> Installed:
    """The example of the page, under the entry point that the page names."""
    text = PAGE.read_text(encoding="utf-8")
    (backend,) = python_snippets(text)
    tests = re.findall(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (entry_point,) = re.findall(r"^folder = \"(.*)\"$", text, re.MULTILINE)
    installed.install(
        *("folderjournal", f"folder = {entry_point}"),
        folderjournal=backend,
        test_folder="\n\n".join(tests),
    )
    return installed


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_example_keeps_the_contract(folder: Installed) -> None:
    done = folder.run("-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 50
    assert "skipped" not in done.stdout


@pytest.mark.slow
def test_python_and_the_command_line_open_it(folder: Installed) -> None:
    script = """
from uuid import UUID
from pingregistrywf import CmdInit, Workflows, open_journal
with open_journal("folder:pings") as journal:
    Workflows(journal).init(UUID(int=7), CmdInit(registry_id=UUID(int=8)))
"""
    done = folder.run("-c", script)
    assert done.returncode == 0, done.stderr

    info = folder.run(
        "-m", "pingregistrywf", "journal", "info", "--json", "--journal", "folder:pings"
    )
    assert (info.returncode, info.stderr) == (0, "")
    history, totals = map(json.loads, info.stdout.splitlines())
    assert history["history"] == "00000000-0000-0000-0000-000000000007"
    assert totals["events"] == 1
    folder.run("-m", "pingregistrywf", "journal", "backup", "copy.db", "--journal", "folder:pings")
    with open_journal(f"sqlite:{folder.place / 'copy.db'}", create=False) as copy:
        assert [str(stored.id) for stored in copy.histories()] == [history["history"]]
    missing = folder.run("-m", "pingregistrywf", "journal", "info", "--journal", "folder:none")
    assert missing.returncode == 2
    assert "there is no such folder" in missing.stderr


def test_the_adapter_serves_it(folder: Installed) -> None:
    done = folder.run(
        *("-m", "pingregistrywf", "adapter", "--journal", "folder:pings"),
        input='{"op": "hello"}\n',
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["hello"]
    assert (folder.place / "pings").is_dir()


BROKEN = {
    "nowhere:open_it": "'nowhere:open_it' of broken failed: ModuleNotFoundError",
    "backend:nothing": "'backend:nothing' of broken failed: AttributeError",
    "raising:open_it": "ZeroDivisionError",
    "backend:raises": "OSError: the disk is gone",
    "backend:other": "TypeError",
    "backend:no_journal": "no journal, but NoneType",
    "?": "'?' of broken failed",
}
BACKEND = """
def raises(url, **options):
    raise OSError("the disk is gone")

def other():
    pass

def no_journal(url, **options):
    return None
"""


def test_broken_backends_are_named(installed: Installed) -> None:
    entry_points = "\n".join(f"broken{n} = {value}" for n, value in enumerate(BROKEN))
    installed.install("broken", entry_points, backend=BACKEND, raising="1 / 0")
    script = f"""
from pingregistrywf import JournalOpenError, open_journal
for number in range({len(BROKEN)}):
    try:
        open_journal(f"broken{{number}}:x")
    except JournalOpenError as error:
        print(error)
"""
    done = installed.run("-c", script)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    for number, (line, cause) in enumerate(zip(lines, BROKEN.values(), strict=True)):
        assert line.startswith(f"cannot open journal 'broken{number}:x': ")
        assert cause in line
        assert line.endswith("repair, upgrade or uninstall it")


def test_two_backends_of_one_scheme(installed: Installed) -> None:
    for name in ("one", "two"):
        installed.install(name, "twice = backend:raises", backend=BACKEND)
    done = installed.run("-m", "pingregistrywf", "journal", "info", "--journal", "twice:x")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "two backends have its scheme: 'backend:raises' of " in line
    assert "of one" in line
    assert "of two" in line
    assert line.endswith("uninstall one")


def test_entry_points_that_cannot_be_read(installed: Installed) -> None:
    installed.install("broken", "a line that is none")
    done = installed.run("-m", "pingregistrywf", "journal", "info", "--journal", "broken:x")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "installed backends of the scheme 'broken' failed" in line
