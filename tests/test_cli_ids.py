"""Ids on the command line may be shortened to a beginning that only one of them has."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from pingregistrywf import open_journal
from pingregistrywf.coordination.registry import PingRegistry

from .command_line import run

FIRST = UUID("10000000-0000-4000-8000-00000000000a")
SECOND = UUID("10000000-1000-4000-8000-00000000000b")
OTHERS = UUID("20000000-0000-4000-8000-00000000000c")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A journal in which registry reg has two workflows, and registry other has one."""
    url = f"sqlite:{tmp_path / 'pings.db'}"
    with open_journal(url) as journal:
        for name, workflows in (("reg", (FIRST, SECOND)), ("other", (OTHERS,))):
            registry = PingRegistry(journal, name)
            for workflow in workflows:
                registry.begin(workflow)
                registry.gather(workflow, 0, "fine")
    return url


@pytest.mark.parametrize("beginning", ["10000000-1", "100000001", "10000000-1000-4000-8000-"])
def test_a_beginning_that_one_workflow_has(url: str, beginning: str) -> None:
    for command in (("get",), ("commit",), ("events",), ("begin",)):
        words = (*command, "reg", "--workflow", beginning, "--journal", url)
        short, whole = (
            run(*words[:3], text, *words[4:], "--json") for text in (beginning, str(SECOND))
        )
        assert short.returncode == 0, short
        assert short.stdout == whole.stdout


def test_several_begin_so(url: str) -> None:
    done = run("get", "reg", "--workflow", "10", "--journal", url)
    assert done.returncode == 2
    assert done.stderr == (
        "pingregistrywf: --workflow: 2 ids begin with 10: write more of it;"
        f" they are {FIRST}, {SECOND}\n"
    )


@pytest.mark.parametrize("beginning", ["3", "2000"])
def test_none_begins_so(url: str, beginning: str) -> None:
    """Workflows of other registries do not count."""
    done = run("get", "reg", "--workflow", beginning, "--json", "--journal", url)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert f"no workflow has an id that begins with {beginning}" in error
    assert "`pingregistrywf list reg`" in error


@pytest.mark.parametrize("text", ["", "-", "x", "1" * 33, str(FIRST) + "0"])
def test_what_is_no_beginning(url: str, text: str) -> None:
    done = run("get", "reg", "--workflow", text, "--journal", url)
    assert done.returncode == 2
    assert "--workflow is a UUID or the beginning of one" in done.stderr


def test_histories_of_a_journal(url: str) -> None:
    done = run("journal", "export", "--history", "2000", "--journal", url)
    assert done.returncode == 0
    assert str(OTHERS) in done.stdout
    done = run("journal", "export", "--history", "10", "--journal", url)
    assert done.returncode == 2
    assert "2 ids begin with 10" in done.stderr
