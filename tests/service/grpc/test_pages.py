"""What the page on roles says: its tables are the model's, and its lines for the shell run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pingregistrywf import PingRegistry, open_journal
from pingregistrywf._generated.ping_registry_service import SERVICE

from ...ports import free_ports
from ...tools import require_tool
from .certificates import check_strict

PAGE = (Path(__file__).parents[3] / "docs/how-to/roles.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The lines for the shell in a section of the page."""
    _, text = re.split(rf"^#+ {title}$", PAGE, flags=re.MULTILINE)
    text = re.split(r"^#+ [A-Z]", text.replace("\n```sh\n#", "\n```sh\n #"), flags=re.MULTILINE)[0]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def run(script: str, place: Path) -> str:
    """Run lines in a directory, where the program is found by its name."""
    require_tool("openssl")
    program = place / "bin" / "pingregistrywf"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pingregistrywf "$@"\n')
    program.chmod(0o755)
    whole = f"set -eu\ntrap 'kill $(jobs -p) 2>&- || :' EXIT\n{script}"
    done = subprocess.run(
        ["bash", "-c", whole],
        cwd=place,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_tokens_of_your_own(tmp_path: Path) -> None:
    assert run(section("Issue tokens yourself"), tmp_path).endswith("taken  server of reg\n")


@pytest.mark.slow
def test_certificates_step_by_step(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    script = section("Certificates, step by step")
    assert script.count("--auth roles.yaml &\n") == 1
    listening = f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>&-; do sleep 0.1; done\n"
    script = script.replace("--auth roles.yaml &\n", f"--auth roles.yaml &\n{listening}")
    script = script.replace("7550", str(port))
    printed = run(script, tmp_path)
    with open_journal(f"sqlite:{tmp_path / 'pings.db'}") as journal:
        (entry,) = PingRegistry(journal, "reg").list()
    assert printed.count(str(entry.workflow_id)[:8]) >= 2  # begun, and listed
    assert printed.endswith("refused\n")
    server = tmp_path / "server.pem"
    server.write_bytes(
        b"".join((tmp_path / f"serve.{each}").read_bytes() for each in ("pem", "key"))
    )
    for client in ("admin", "storage-1"):
        check_strict(tmp_path / "ca.pem", server, tmp_path / f"{client}.pem")


def test_the_page_lists_the_roles_and_their_scopes() -> None:
    rows = re.findall(r"^\| `(\w+)`(?: on `(\w+)`)? \| ([^|]*) \|", PAGE, re.MULTILINE)
    assert set(SERVICE.roles) <= {name for name, *_ in rows}
    scopes = {each.scope for each in SERVICE.roles.values() if each.scope}
    told = {(name, on or None, text) for name, on, text in rows if "/" in text}
    assert told == {(each.code, each.name, each.action) for each in scopes}
