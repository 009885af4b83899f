"""The password in the URL of a journal is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from ..command_line import environment, run
from .cluster import Cluster

PASSWORD = "s3cret"


@pytest.fixture
def url(nats_server: Cluster) -> str:
    return nats_server.url(f"s{uuid4().hex}").replace("://", f"://pings:{PASSWORD}@")


def test_no_command_shows_the_password(url: str, tmp_path: Path) -> None:
    shown = url.replace(f"pings:{PASSWORD}@", "")
    assert run("begin", "reg", "--journal", url).returncode == 0
    copy, file = tmp_path / "copy.db", tmp_path / "pings.jsonl"
    for words, code in (
        (("journal", "info"), 0),
        (("journal", "verify"), 0),
        (("journal", "backup", str(copy)), 0),
        (("journal", "export", str(file)), 0),
        (("journal", "import", str(file)), 1),
        (("journal", "restore", str(copy)), 2),
        (("doctor",), 0),
    ):
        for options in ((), ("--json",)):
            copy.unlink(missing_ok=True)
            file.unlink(missing_ok=True) if "export" in words else None
            if "restore" in words:
                copy.touch()
            done = run(*words, *options, "--journal", url)
            printed = done.stdout + done.stderr
            assert done.returncode == code, printed
            assert PASSWORD not in printed, words
            if words[-1] in ("info", "verify", "doctor"):
                assert shown in printed, words


@pytest.mark.exhaustive
def test_the_demonstration_shows_no_password(url: str) -> None:
    words = ("demo", "--servers", "1", "--pings", "1", "--json")
    done = run(*words, env=environment(PINGREGISTRYWF_JOURNAL=url))
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    (*_, last) = done.stdout.splitlines()
    # The variable names the journal for whoever runs the command.
    assert "--journal" not in json.loads(last)["command"]
