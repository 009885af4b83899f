"""The commands ``token``: issue tokens, and look into them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jwt
import pytest

from .command_line import run
from .tools import require_tool

ISSUE = ("token", "issue", "--key", "issuer.key", "--name", "me")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a key, where the commands run."""
    monkeypatch.chdir(tmp_path)
    openssl = require_tool("openssl")
    for words in (
        "genpkey -algorithm ed25519 -out issuer.key",
        "pkey -in issuer.key -pubout -out issuer.pem",
        "genpkey -algorithm ed448 -out other.key",
    ):
        subprocess.run([openssl, *words.split()], check=True, capture_output=True)
    (tmp_path / "auth.yaml").write_text("tokens: {keys: [issuer.pem]}")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return tmp_path


def test_issue_and_inspect(place: Path) -> None:
    roles = ("--role", "admin=reg", "--role", "reader=*", "--role", "admin=a.*")
    issued = run(*ISSUE, *roles, "--days", "2")
    assert issued.returncode == 0
    claims = jwt.decode(issued.stdout.strip(), options={"verify_signature": False})
    assert claims["roles"] == {"admin": ["a.*", "reg"], "reader": ["*"]}
    assert claims["exp"] - claims["iat"] == 2 * 86_400

    (place / "token").write_text(issued.stdout)
    told = run("token", "inspect", "token", "--auth", "auth.yaml")
    assert told.returncode == 0
    assert 'claims  sub  "me"\n' in told.stdout
    assert told.stdout.endswith("taken  admin of a.*, reg; reader of *\n")
    (said, taken) = map(
        json.loads,
        run("token", "inspect", "token", "--auth", "auth.yaml", "--json").stdout.splitlines(),
    )
    assert said["claims"] == claims
    assert taken == {
        "caller": "me",
        "taken": True,
        "roles": {"admin": ["a.*", "reg"], "reader": ["*"]},
    }


def test_a_token_with_a_time_of_no_calendar_is_shown(place: Path) -> None:
    (place / "token").write_text(jwt.encode({"exp": 10**30}, "k" * 32))
    told = run("token", "inspect", "token")
    assert told.returncode == 0
    assert told.stdout.splitlines()[-1] == f"claims  exp  {10**30}"


def test_a_token_that_the_server_refuses(place: Path) -> None:
    (place / "token").write_text(run(*ISSUE, "--role", "admin=reg", "--audience", "else").stdout)
    assert run("token", "inspect", "token").returncode == 0
    told = run("token", "inspect", "token", "--auth", "auth.yaml")
    assert told.returncode == 1
    assert told.stderr == (
        "pingregistrywf: the server refuses it: the token is for another audience than"
        " pingregistrywf\n"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((*ISSUE, "--role", "admin"), "--role is ROLE=REGISTRY, not 'admin'"),
        ((*ISSUE, "--role", "boss=reg"), "there is no role 'boss'; write admin, server, "),
        (("token", "issue", "--key", "auth.yaml", "--name", "me", "--role", "admin=reg"),
         "auth.yaml holds no private key of RSA, P-256 or Ed25519: openssl genpkey"),
        (("token", "issue", "--key", "other.key", "--name", "me", "--role", "admin=reg"),
         "other.key holds no private key of RSA, P-256 or Ed25519: openssl genpkey"),
        ((*ISSUE, "--role", "admin=reg", "--days", "inf"), "'--days'"),
        (("token", "inspect", "binary"), "the file holds no token: "),
        (("token", "inspect", "auth.yaml"), "the file holds no token: "),
        (("token", "inspect", "missing"), "'missing': no such file or directory; check the path"),
    ],
)  # fmt: skip
def test_what_they_refuse(words: tuple[str, ...], reason: str, place: Path) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert reason in done.stderr
